"""Projects that are made here, and the tool from the wheels of this checkout."""

import shutil
import subprocess

import pytest

from tests import load
from tests.checkout import ROOT

from .projects import HOME, Project, Tool, link_environment


@pytest.fixture(scope="session")
def source():
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(HOME / "source")], check=True)
    tool = Tool(HOME / "source")
    link_environment(tool.path)
    tool.install()
    yield tool
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture
def project(request):
    """Makes projects; stops each."""
    projects = []

    def make(name: str, files: dict[str, str], folder: str = "") -> Project:
        projects.append(Project(HOME / name, files, folder=folder))
        return projects[-1]

    yield make
    for one in projects:
        if (one.home / "deployment").exists() and (one.home / ".behindproxy").exists():
            one.make("down")
            if one.runtime == "docker":
                one.make("clean")
        is_clean = one.nothing_left()
        shutil.rmtree(one.path, ignore_errors=True)
        assert is_clean, f"{one.path.name}: something is left"


RECORD = ROOT / "build" / "copies.json"


@pytest.fixture
def record(request):
    return load.recorder(RECORD, request.node.name)


def pytest_sessionstart():
    RECORD.unlink(missing_ok=True)


def pytest_terminal_summary(terminalreporter):
    load.report(RECORD, terminalreporter)
