"""Somebody's project, into which `make new` writes."""

import os
import shutil
import subprocess
from pathlib import Path

from behindproxy.stack.made import MADE
from behindproxy.stack.native import packages
from tests.checkout import ROOT, Checkout

APPLICATION = """import os

from fastapi import FastAPI, Request

app = FastAPI()


@app.get("/orders/")
async def orders(request: Request) -> list[str]:
    return [str(request.url_for("order", number=1))]


@app.get("/orders/{number}")
async def order(number: int) -> dict[str, str]:
    return {"currency": os.environ.get("CURRENCY", "none")}
"""
HOME = ROOT / "build" / "copies"
INSTALLED = HOME / "installed"
IDENTITY = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com")


def git(folder: Path, *arguments: str) -> str:
    command = ["git", *IDENTITY, "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def commit(folder: Path, message: str = "as it is") -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)


def link_environment(folder: Path) -> None:
    """The tools' packages are installed already: their pins are the same."""
    made = folder / ("build" if (folder / "src/behindproxy").exists() else ".behindproxy")
    made.mkdir(exist_ok=True)
    (made / ".gitignore").write_text(f"{MADE}\n*\n")
    (made / "venv").symlink_to(ROOT / "build" / "venv")


class Project(Checkout):
    """Somebody's, at `path`; `files` are its own."""

    def __init__(
        self, path: Path, files: dict[str, str], runtime: str = "", begin: bool = True, folder: str = ""
    ) -> None:
        """With `begin` false it is there already; the application lies in `folder` of it."""
        super().__init__(path, runtime)
        self.home = path / folder
        del self.environ["COMPOSE_PROJECT_NAME"]  # a copy has one of its own
        if not begin:
            return
        path.mkdir(parents=True)
        for name, text in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_text(text)
        git(path, "init", "--quiet")
        commit(path)

    def verify(self, **settings: str) -> tuple[int, str]:
        if not (self.path / ".behindproxy").exists():
            link_environment(self.path)
        kept, made = self.link_installed()
        code, output = self.make("verify", FAST=1, **settings)
        if self.runtime == "native" and made.exists() and not kept.exists():
            link_tree(made, kept)
        return code, output

    def link_installed(self) -> tuple[Path, Path]:
        """What another project with the same lists has installed, if one has; both places."""
        made = self.path / ".behindproxy" / "app"
        kept = INSTALLED / packages(self.path, self.path / "deployment")[1]
        if self.runtime == "native" and kept.exists() and not made.exists():
            link_tree(kept, made)
        return kept, made


def link_tree(source: Path, destination: Path) -> None:
    """What one project had installed, for the next that wants the same packages."""
    shutil.copytree(source, destination, symlinks=True, copy_function=os.link)


def theirs(**more: str) -> dict[str, str]:
    return {"their/__init__.py": "", "their/module.py": APPLICATION, **more}
