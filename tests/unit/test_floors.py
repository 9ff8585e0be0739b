"""What a copy may install at the oldest, and what this clone pins: nothing below a fix."""

import re

import pytest

from behindproxy.stack.paths import ROOT
from tests.versions import oldest

FIXED = {
    "gunicorn": "27.0.0",  # CVE-2026-134820, CVE-2026-134821
    "starlette": "1.3.1",
    "uvicorn": "0.48",
    "fastapi": "0.133",  # the first that takes Starlette 1
}


def numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


@pytest.mark.parametrize("package", FIXED)
def test_a_copy_installs_nothing_below_the_fix(package):
    assert numbers(oldest().get(package, "0")) >= numbers(FIXED[package]), package


@pytest.mark.parametrize("package", FIXED)
def test_the_pinned_version_has_the_fix(package):
    pins = (ROOT / "requirements" / "app.txt").read_text()
    pinned = re.search(rf"(?m)^{package}==(\S+)", pins)
    assert pinned and numbers(pinned[1]) >= numbers(FIXED[package]), package
