"""Somebody's project, into which `behindproxy new` writes, and the tool as its wheels install it."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path

from behindproxy.stack.made import MARK
from behindproxy.stack.native import packages
from tests.checkout import ROOT, STEERS, Checkout

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


class Tool:
    """The two wheels of the clone at `source`, installed in an environment of their own: no path leads from
    there to any source. What they need is installed already, by the same pins."""

    def __init__(self, source: Path, venv: Path | None = None) -> None:
        self.path = source
        self.venv = venv or source.with_name(f"{source.name}-tool")

    def install(self) -> None:
        shutil.rmtree(self.venv, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(self.venv)], check=True)
        (folder,) = self.venv.glob("lib/python*/site-packages")
        (folder / "pins.pth").write_text(sysconfig.get_path("purelib") + "\n")
        (self.venv / "bin" / "traefik").symlink_to(Path(sys.executable).with_name("traefik"))
        wheels = self.venv / "wheels"
        wheels.mkdir()
        build = [sys.executable, "-m", "behindproxy.scaffold.wheels", str(wheels)]
        subprocess.run(build, check=True, env=os.environ | {"PYTHONPATH": str(self.path / "src")})
        pip = [sys.executable, "-m", "pip", "--python", str(self.venv / "bin" / "python")]
        options = ["--quiet", "--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", *options, *map(str, wheels.glob("*.whl"))], check=True)

    def run(self, *arguments: object, **settings: object) -> tuple[int, str]:
        """The exit status of the command and what it prints."""
        environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith((*STEERS, "PYTHONPATH", "DEST", "WITH"))
        }
        process = subprocess.run(
            [str(self.venv / "bin" / "behindproxy"), *map(str, arguments)],
            cwd=self.venv,
            env=environ | {name: str(value) for name, value in settings.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        return process.returncode, process.stdout

    def new(self, project: "Project", **settings: object) -> tuple[int, str]:
        return self.run("new", **{"DEST": project.home, **settings})

    def link(self, folder: Path, ahead: float = 0) -> None:
        """Let the copy in `folder` have this tool, as `make` installs it there from the same wheels; one too
        that is written within `ahead` seconds."""
        (made_in(folder) / "venv").symlink_to(self.venv)
        (self.venv / ".tool").touch()
        installed = time.time() + ahead
        os.utime(self.venv / ".tool", (installed, installed))


def later(tool: Tool, version: str, edits: dict[str, tuple[str, str]]) -> Tool:
    """A tool of a later version, in whose source each old text is a new one."""

    def replace(old: str, new: str) -> Callable[[Path], None]:
        def edit(path: Path) -> None:
            assert old in path.read_text(), path
            path.write_text(path.read_text().replace(old, new, 1))

        return edit

    return later_tool(tool, version, {name: replace(*texts) for name, texts in edits.items()})


def later_tool(tool: Tool, version: str, edits: dict[str, Callable[[Path], None]]) -> Tool:
    """A tool of a later version, in whose source each file was edited."""
    later = Tool(HOME / f"source-{version}")
    shutil.rmtree(later.path, ignore_errors=True)
    shutil.copytree(tool.path, later.path, symlinks=True, ignore=shutil.ignore_patterns(".git", "build"))
    (present,) = re.findall(
        r'__version__ = "(.+)"', (tool.path / "src/behindproxy_serve/__init__.py").read_text()
    )
    for name in ("src/behindproxy/__init__.py", "src/behindproxy_serve/__init__.py", "pyproject.toml"):
        path = later.path / name
        assert f'{present}"' in path.read_text(), name
        path.write_text(path.read_text().replace(f'{present}"', f'{version}"', 1))
    for name, edit in edits.items():
        edit(later.path / name)
    later.install()
    return later


def link_environment(clone: Path) -> None:
    """The packages of a clone are installed already: its pins are the same."""
    (clone / "build").mkdir(exist_ok=True)
    (clone / "build" / ".gitignore").write_text(f"{MARK}\n*\n")
    (clone / "build" / "venv").symlink_to(ROOT / "build" / "venv")


class Project(Checkout):
    """Somebody's, at `path`; `files` are its own."""

    def __init__(
        self, path: Path, files: dict[str, str], runtime: str = "", begin: bool = True, folder: str = ""
    ) -> None:
        """With `begin` false it is there already; the application lies in `folder` of it."""
        super().__init__(path, runtime)
        self.home = path / folder
        del self.environ["COMPOSE_PROJECT_NAME"]  # a copy has one of its own
        self.environ.pop("PYTHONPATH", None)
        if not begin:
            return
        path.mkdir(parents=True)
        for name, text in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_text(text)
        git(path, "init", "--quiet")
        commit(path)

    def start(self, target: str, **settings: object) -> subprocess.Popen:
        makefile = ["-f", "deployment/Makefile"] if (self.home / "deployment/Makefile").exists() else []
        return subprocess.Popen(
            ["make", "--no-print-directory", *makefile, target, *(f"{k}={v}" for k, v in settings.items())],
            cwd=self.home,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def makes(self, target: str) -> str:
        """What a target of the project's own Makefile prints."""
        command = ["make", "--no-print-directory", "-s", target]
        process = subprocess.run(
            command, cwd=self.home, env=self.environ, capture_output=True, text=True, timeout=60
        )
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout

    def verify(self, tool: Tool | None, **settings: str) -> tuple[int, str]:
        """`make verify`, with `tool`; without one the copy installs what lies in it."""
        if tool and not (self.home / ".behindproxy").exists():
            tool.link(self.home)
        store, own = self.link_installed()
        code, output = self.make("verify", FAST=1, **settings)
        if self.runtime == "native" and own.exists() and not store.exists():
            link_tree(own, store)
        return code, output

    def red(self) -> set[str]:
        """The checks that the last `verify` called wrong, or could not send."""
        report = json.loads((self.home / ".behindproxy" / "verify" / "report.json").read_text())
        return {check["id"] for check in report["checks"] if check["status"] in ("failed", "error")}

    def link_installed(self) -> tuple[Path, Path]:
        """What another project with the same lists has installed, if one has; both places."""
        own = self.home / ".behindproxy" / "app"
        store = INSTALLED / packages(self.home)[1]
        if self.runtime == "native" and store.exists() and not own.exists():
            link_tree(store, made_in(self.home) / "app")
        return store, own


def made_in(folder: Path) -> Path:
    """The folder in a copy that the tools write to, as `make` makes it."""
    inner = folder / ".behindproxy"
    inner.mkdir(exist_ok=True)
    (inner / ".gitignore").write_text(f"{MARK}\n*\n")
    return inner


def link_tree(source: Path, destination: Path) -> None:
    """What one project had installed, for the next that wants the same packages."""
    shutil.copytree(source, destination, symlinks=True, copy_function=os.link)


def theirs(**more: str) -> dict[str, str]:
    return {"their/__init__.py": "", "their/module.py": APPLICATION, **more}
