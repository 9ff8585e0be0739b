"""`make new` from a clone of this checkout into projects that are made here."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.checkout import ROOT, Checkout

HOME = ROOT / "build" / "copies"
IDENTITY = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com")


def git(folder: Path, *arguments: str) -> str:
    command = ["git", *IDENTITY, "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def commit(folder: Path, message: str = "as it is") -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)


def link_environment(folder: Path) -> None:
    """The tools' packages are installed already: their pins are the same."""
    (folder / "build").mkdir(exist_ok=True)
    (folder / "build" / ".gitignore").write_text("*\n")
    (folder / "build" / "venv").symlink_to(ROOT / "build" / "venv")


class Project(Checkout):
    """Somebody's, at `path`; `files` are its own."""

    def __init__(self, path: Path, files: dict[str, str]) -> None:
        super().__init__(path)
        path.mkdir(parents=True)
        for name, text in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_text(text)
        git(path, "init", "--quiet")
        commit(path)

    def verify(self, **settings: str) -> tuple[int, str]:
        if not (self.path / "build").exists():
            link_environment(self.path)
        return self.make("verify", FAST=1, **settings)


class Source(Checkout):
    """A clone of this checkout, for `make new`."""

    def new(self, project: Project, **settings: str) -> tuple[int, str]:
        return self.make("new", DEST=project.path, **settings)


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

    def make(name: str, files: dict[str, str]) -> Project:
        made.append(Project(HOME / name, files))
        return made[-1]

    yield make
    for one in made:
        if (one.path / "deployment").exists() and (one.path / "build").exists():
            one.make("down")
            if one.runtime == "docker":
                one.make("clean")
        left = one.nothing_left()
        shutil.rmtree(one.path, ignore_errors=True)
        assert left, f"{one.path.name}: something is left"
