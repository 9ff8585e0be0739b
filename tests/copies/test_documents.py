"""The commands of README.md and docs/, run from the documents themselves, natively and at the default
ports. A block that says `elsewhere` needs another machine, a name, an engine or hours: of those the targets
must exist at least."""

import os
import re
import shutil
import subprocess

import pytest

from tests import hops
from tests.checkout import ROOT, STEERS

from .projects import HOME, Project, theirs

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(?m)^```(console|sh)( elsewhere)?\n(.*?)^```", re.DOTALL)
SECONDS = 600


def commands(kind: str, text: str) -> list[str]:
    """Of a console, what follows the prompt at its left edge; what a command itself prints of the kind
    (`$ curl …`) follows its own."""
    if kind == "sh":
        return [line for line in text.splitlines() if line]
    return [line[2:] for line in text.splitlines() if line.startswith("$ ")]


def blocks(elsewhere: bool) -> list:
    by_name = {
        f"{path.name}-{number}": commands(block[1], block[3])
        for path in DOCUMENTS
        for number, block in enumerate(BLOCK.finditer(path.read_text()), 1)
        if bool(block[2]) == elsewhere
    }
    # What another one begins with needs no run of its own.
    longer = list(by_name.values())
    return [
        pytest.param(block, id=name)
        for name, block in by_name.items()
        if not any(other != block and other[: len(block)] == block for other in longer)
    ]


def environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith((*STEERS, "DIRECT", "SUBNET"))} | {
        "RUNTIME": "native"
    }


@pytest.fixture
def beside(source):
    """Where a reader of the README would have it: the clone, and their own application next to it. That the
    tools install themselves is proved with the README's two commands (.ci/stack)."""
    shop = Project(HOME / "theirs", theirs(**{"requirements.txt": "fastapi\n"}))
    source.link(shop.path, ahead=SECONDS)
    yield source.path
    for folder in (source.path, shop.path):
        if (folder / "Makefile").exists():
            subprocess.run(["make", "down"], cwd=folder, env=environment(), capture_output=True, timeout=120)
    shutil.rmtree(shop.path)


@pytest.mark.parametrize("block", blocks(elsewhere=False))
def test_what_a_document_shows_can_be_run(beside, block):
    process = subprocess.run(
        ["bash", "-e", "-c", "\n".join(block)],
        cwd=beside,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert process.returncode == 0, (block, process.stdout[-3000:], process.stderr[-2000:])


@pytest.mark.parametrize("block", blocks(elsewhere=True))
def test_what_is_run_elsewhere_is_there(source, block):
    makefiles = (ROOT / "Makefile").read_text() + (ROOT / "src/behindproxy/make/targets.mk").read_text()
    for target in re.findall(r"(?:^|[;&(] ?)(?:sudo )?make ([a-z][a-z-]*)", "\n".join(block), re.MULTILINE):
        assert re.search(rf"(?m)^{target}:", makefiles), target
    for path in re.findall(r"\b(?:tests|stack|build/venv|deploy|requirements)/[\w./-]+", "\n".join(block)):
        assert path.startswith("build/") or (ROOT / path).exists(), path


def test_the_headers_of_how_it_works_are_those_of_a_run(beside):
    subprocess.run(
        ["make", "up"], cwd=beside, env=environment(), check=True, capture_output=True, timeout=SECONDS
    )
    process = subprocess.run(
        ["build/venv/bin/python", "-m", "tests.hops"],
        cwd=beside,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert process.returncode == 0, process.stderr
    assert hops.BLOCK.search(hops.PATH.read_text())[0] == process.stdout
