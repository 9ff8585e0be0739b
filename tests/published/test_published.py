"""Rows of applications.toml that install in seconds: each verdict is true, and as it was recorded."""

import shutil

import pytest

from behindproxy.contract.engine.chromium import NoBrowser, find

from ..foreign.serving import Missing, binary
from .application import load_all
from .run import run
from .table import words
from .truth import chromium

# Of one environment. The others run by hand, in `make applications`.
NAMES = ("fastmcp", "mcp_mounted", "socketio", "sqladmin", "django")
# Not what a page does not show: fuzzing, hosts and spellings of a path.
ONLY = ("--only", "!fuzz.*,!host.*,!path.*,!browser.servers,!browser.redoc,!browser.docs,!exposure.*")
APPLICATIONS = {one.name: one for one in load_all()}


@pytest.fixture(scope="module")
def browser():
    try:
        find()
        binary("traefik")
    except (NoBrowser, Missing) as reason:
        pytest.skip(str(reason))
    with chromium() as started:
        yield started


@pytest.mark.parametrize("name", NAMES)
def test_the_verdict_of_a_published_application_is_true(name, browser):
    application = APPLICATIONS[name]
    if application.npm and not shutil.which("npm"):
        pytest.skip("npm is not installed")
    row = run(application, browser, only=ONLY)
    assert not row.problem, row.problem
    assert all(answer.is_true for answer in row.answers), " / ".join(map(words, row.answers))
    assert row.as_it_is.works == application.works, words(row.as_it_is)
    assert row.with_line is None or row.with_line.works, words(row.with_line)


def test_every_row_says_what_makes_it_right():
    assert len(APPLICATIONS) >= 20
    assert not [one.name for one in APPLICATIONS.values() if not (one.works or one.line or one.says)]
