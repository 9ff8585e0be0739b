"""Projects that are made here, and the tool from the wheels of this checkout."""

import shutil
import subprocess

import pytest

from tests.checkout import ROOT

from .projects import HOME, Project, Tool, link_environment


@pytest.fixture(scope="session")
def source():
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(HOME / "source")], check=True)
    made = Tool(HOME / "source")
    link_environment(made.path)
    made.install()
    yield made
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture
def project(request):
    """Makes projects; stops each."""
    made = []

    def make(name: str, files: dict[str, str], folder: str = "") -> Project:
        made.append(Project(HOME / name, files, folder=folder))
        return made[-1]

    yield make
    for one in made:
        if (one.home / "deployment").exists() and (one.home / ".behindproxy").exists():
            one.make("down")
            if one.runtime == "docker":
                one.make("clean")
        left = one.nothing_left()
        shutil.rmtree(one.path, ignore_errors=True)
        assert left, f"{one.path.name}: something is left"
