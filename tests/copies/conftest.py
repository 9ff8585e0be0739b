"""`make new` from a clone of this checkout into projects that are made here."""

import shutil
import subprocess

import pytest

from tests.checkout import ROOT, Checkout

from .projects import HOME, Project, link_environment


class Source(Checkout):
    """A clone of this checkout, for `make new`."""

    def new(self, project: Project, **settings: str) -> tuple[int, str]:
        return self.make("new", DEST=project.home, **settings)


@pytest.fixture(scope="session")
def source():
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(HOME / "source")], check=True)
    made = Source(HOME / "source")
    link_environment(made.path)
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
        if (one.path / "deployment").exists() and (one.path / ".behindproxy").exists():
            one.make("down")
            if one.runtime == "docker":
                one.make("clean")
        left = one.nothing_left()
        shutil.rmtree(one.path, ignore_errors=True)
        assert left, f"{one.path.name}: something is left"
