"""Folders and `.env` files that are odd: each command works, or says in one line what is in its way."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from behindproxy.stack import docker
from behindproxy.stack.paths import ROOT

NAMES = [
    "quo\"te's",
    "back\\slash",
    "dol$HOME",
    "ümlaut",
    "co:lon",
    "per%cent%(x)s",
    "e=mc2",
    "sp ace",
    "-minus",
]
COMMANDS = [["ps"], ["down"], ["doctor"], ["settings"], ["verify", "--list"]]
FILES = ["docker-compose.yml", "docker-compose.replicas.yml", "Dockerfile", "README.md", "LICENSE"]
FOLDERS = ["src", "app", "traefik", "requirements"]


# Root without the capability that reads what the owner may not; anyone else has none.
SETPRIV = shutil.which("setpriv")
AS_OWNER = [SETPRIV, "--bounding-set=-dac_override,-dac_read_search"] if SETPRIV else []


def fill(folder: Path) -> Path:
    folder.mkdir()
    for name in FILES:
        shutil.copy2(ROOT / name, folder)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run(folder: Path, *command: str, as_owner: bool = False) -> tuple[int, str]:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    process = subprocess.run(
        [
            *(AS_OWNER if as_owner and os.geteuid() == 0 else []),
            sys.executable,
            "-m",
            "behindproxy",
            *command,
        ],
        cwd=folder,
        env={**environ, "PYTHONPATH": "src", "RUNTIME": "native"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return process.returncode, process.stdout + process.stderr


@pytest.mark.parametrize("name", NAMES)
def test_every_command_works_in_a_folder_with_an_odd_name(name, tmp_path):
    folder = fill(tmp_path / name)
    for command in COMMANDS:
        code, output = run(folder, *command)
        assert "Traceback" not in output, output
        assert code in (0, 1), (command, output)  # 1: nothing runs here
    assert "nothing was running" in run(folder, "down")[1]


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_is_written_into_a_folder_with_an_odd_name(name, tmp_path):
    destination = tmp_path / name
    destination.mkdir()
    (destination / "main.py").write_text("from fastapi import FastAPI\napp = FastAPI()\n")
    (destination / "requirements.txt").write_text("fastapi\n")
    code, output = run(ROOT, "new", str(destination))
    assert "Traceback" not in output, output
    assert code == 0 and (destination / "docker-compose.yml").is_file(), output


def pipe(path: Path) -> None:
    os.mkfifo(path)


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def unreadable(path: Path) -> None:
    if os.geteuid() == 0 and not AS_OWNER:
        pytest.skip("root reads everything, and there is no setpriv")
    path.write_text("HTTP_PORT=9990\n")
    path.chmod(0)


# What makes the file, and what the line about it names; nothing where it works.
ENV_FILES = {
    "a named pipe": (pipe, r"\.env is no file"),
    "a folder": (Path.mkdir, r"\.env is no file"),
    "unreadable": (unreadable, r"\.env cannot be read"),
    "a link to itself": (loop, r"\.env"),
    "not UTF-8": (lambda path: path.write_bytes(b"A=1\nB=\xff\n"), r"\.env line 2: byte 0xff"),
    "with a NUL": (lambda path: path.write_bytes(b"A=1\0\n"), r"\.env line 1: it has a NUL"),
    "UTF-16": (lambda path: path.write_bytes("HTTP_PORT=9990\n".encode("utf-16")), r"\.env line 1: .*UTF-8"),
    "CRLF": (lambda path: path.write_bytes(b"HTTP_PORT=9990\r\n"), ""),
    "a BOM": (lambda path: path.write_bytes(b"\xef\xbb\xbfHTTP_PORT=9990\r\n"), ""),
    "no line end": (lambda path: path.write_bytes(b"HTTP_PORT=9990"), ""),
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("odd") / "clone")


@pytest.mark.parametrize("what", ENV_FILES)
def test_an_odd_env_file_works_or_is_named_in_one_line(what, clone):
    make, pattern = ENV_FILES[what]
    path = clone / ".env"
    make(path)
    try:
        for command in [*COMMANDS, ["up"]] if pattern else COMMANDS:
            code, output = run(clone, *command, as_owner=what == "unreadable")
            assert "Traceback" not in output, output
            if pattern and command[0] in ("settings", "up"):
                assert code != 0
            if command == ["down"]:
                assert code == 0, output  # it keeps nobody from stopping what runs
            if code > 1 or pattern and command[0] in ("settings", "up"):
                lines = [line for line in output.splitlines() if not line.startswith("runtime:")]
                assert len(lines) == 1 and re.search(pattern, lines[0]), (command, output)
        if not pattern:
            assert re.search(r"^HTTP_PORT=9990 +\.env$", run(clone, "settings")[1], re.MULTILINE)
    finally:
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


@pytest.mark.parametrize("name", ["co:lon", "com,ma"])
def test_docker_cannot_use_a_folder_with_a_colon_or_a_comma(monkeypatch, name):
    monkeypatch.setattr(docker, "ROOT", Path("/their") / name)
    with pytest.raises(SystemExit, match=f"^/their/{name}: .*RUNTIME=native$"):
        docker._refuse_folder()
