"""What a file or a response that is not as it should be must not lead to."""

import errno
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import psutil
import pytest

import behindproxy
from behindproxy.contract.engine import safety
from behindproxy.stack import docker, images, lock, made, native, render, rolling
from behindproxy.stack.settings import StackSettings

from .targets import target

MARKED = {"/app": {"get": {}}, "/items/": {"get": {}}}


@pytest.mark.parametrize("note", ["", ".", "/", "relative/supervisor.sock", "elsewhere"])
def test_down_removes_no_folder_but_the_one_it_made(tmp_path, monkeypatch, note):
    home = tmp_path / "build" / "native"
    home.mkdir(parents=True)
    theirs = tmp_path / "theirs" / "supervisor.sock"
    theirs.parent.mkdir()
    (theirs.parent / "data").write_text("theirs")
    (home / "socket").write_text(str(theirs) if note == "elsewhere" else note)
    removed = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(native, "HOME", home)
    monkeypatch.setattr(native, "_ours", list)
    monkeypatch.setattr(native.shutil, "rmtree", lambda path, **_: removed.append(path))
    native.down()
    assert removed == []


@pytest.fixture
def deep(tmp_path, monkeypatch):
    """A clone in a folder whose name is too long for a socket: its home, and the socket's own folder."""
    home = tmp_path / ("deep" * 30) / "native"
    home.mkdir(parents=True)
    monkeypatch.setattr(native, "HOME", home)
    monkeypatch.setattr(native, "_ours", list)
    return home, native._new_socket().parent


def test_down_removes_the_socket_s_own_folder(deep):
    _, folder = deep
    assert folder.is_dir() and folder.name.startswith("stack-")
    native.down()
    assert not folder.exists()


def test_a_copy_leaves_the_socket_of_the_clone_that_it_was_made_of(deep, tmp_path, monkeypatch):
    home, folder = deep
    assert native._socket().parent == folder
    copy = tmp_path / ("copy" * 30) / "native"
    shutil.copytree(home, copy)
    monkeypatch.setattr(native, "HOME", copy)
    assert native._socket() == copy / "supervisor.sock"
    native.down()
    assert folder.is_dir()
    monkeypatch.setattr(native, "HOME", home)
    native.down()
    assert not folder.exists()


def test_a_supervisord_that_is_stopped_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(native, "HOME", tmp_path)
    monkeypatch.setattr(native, "SOCKET_SECONDS", 0.2)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(native._new_socket()))
        listening.listen()
        assert native.states() == {}


@pytest.mark.parametrize(
    "there, words", [(True, "supervisord does not answer"), (False, "nothing of this clone")]
)
def test_what_answers_at_the_ports_alone_is_not_healthy(monkeypatch, capsys, there, words):
    """supervisord was killed, or this is a copy of a clone that runs."""
    monkeypatch.setattr(native, "states", dict)
    monkeypatch.setattr(native, "unhealthy", lambda settings: [])
    monkeypatch.setattr(native, "left", lambda: there)
    assert native.ps(StackSettings.model_validate({})) == 1
    assert words in capsys.readouterr().out


def test_a_damaged_note_of_what_runs_is_no_reason_to_fail(tmp_path, monkeypatch):
    monkeypatch.setattr(native, "HOME", tmp_path)
    (tmp_path / "socket").write_bytes(b"\xff\0x")
    assert native._socket() == tmp_path / "supervisor.sock"


def test_down_names_what_runs_of_a_folder_that_was_moved(tmp_path):
    home = tmp_path / "clone" / "build" / "native"
    home.mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"], env={**os.environ, native.MARK: str(home)}) as process:
        try:
            deadline = time.monotonic() + 10
            while native.MARK not in psutil.Process(process.pid).environ() and time.monotonic() < deadline:
                time.sleep(0.01)
            assert not [line for line in native.lost() if str(tmp_path) in line]
            (tmp_path / "clone").rename(tmp_path / "moved")
            assert f"(pid {process.pid})" in next(line for line in native.lost() if str(tmp_path) in line)
        finally:
            process.kill()


def test_down_ends_what_the_application_started_with_another_environment(tmp_path, monkeypatch):
    monkeypatch.setattr(native, "HOME", tmp_path)
    monkeypatch.setattr(native, "HOMES", {str(tmp_path)})
    script = "env -i sleep 60 & echo $!; wait"
    environ = {**os.environ, native.MARK: str(tmp_path)}
    with subprocess.Popen(["sh", "-c", script], env=environ, stdout=subprocess.PIPE, text=True) as process:
        child = psutil.Process(int(process.stdout.readline()))
        native.down()
        assert native._has_ended(child)


def test_a_damaged_file_is_written_again(tmp_path):
    path = tmp_path / "state.json"
    path.write_bytes(b"\xff\xfe")
    render.write(path, "{}")
    assert path.read_text() == "{}"


@pytest.mark.parametrize(
    "port, words", [("65535", "there is none"), ("9998", "HTTP_PORT has that"), ("8082", "that is taken")]
)
def test_the_port_of_the_metrics_is_one_that_is_free(monkeypatch, port, words):
    monkeypatch.setattr(native.ports, "refuse_taken", lambda *_, **__: None)
    monkeypatch.setattr(native.ports, "free", lambda port: port < 8083)
    settings = StackSettings.model_validate({"ops_port": port})
    with pytest.raises(SystemExit, match=f"OPS_PORT={port}: .*{words}; for example OPS_PORT="):
        native._refuse_ports(settings)


def test_clean_leaves_the_user_s_own_tags(monkeypatch):
    removed = []
    monkeypatch.setattr(docker.ownership, "own", list)
    monkeypatch.setattr(docker.ownership, "others", lambda *_: [])
    tags = ["shop-app:backup", "shop-app:latest", "shop-app:served"]
    command = '["python","-m","behindproxy_serve"]'
    monkeypatch.setattr(docker.ownership, "query", lambda *words: tags if "ls" in words else [command])
    monkeypatch.setattr(docker.subprocess, "run", lambda words, **_: removed.append(words[-1]))
    docker.remove_images({"shop"})
    assert sorted(removed) == ["shop-app:latest", "shop-app:previous", "shop-app:served"]


def test_a_program_in_a_folder_with_an_equals_sign_is_started(tmp_path, monkeypatch):
    program = tmp_path / "e=mc2"
    program.symlink_to(shutil.which("true"))
    monkeypatch.setattr(native, "HOME", tmp_path)
    monkeypatch.setattr(native, "APP_PYTHON", program)
    text = native._supervisord(StackSettings.model_validate({}))
    command = text.partition("[program:app]\ncommand = ")[2].partition("\n")[0]
    assert subprocess.run(shlex.split(command.replace("%%", "%"))).returncode == 0


def test_down_works_on_a_disk_that_became_read_only(tmp_path, monkeypatch):
    file = tmp_path / "lock"
    monkeypatch.setattr(lock, "BUILD", tmp_path)
    monkeypatch.setattr(lock, "FILE", file)
    file.write_text("")
    open_, kind = type(file).open, OSError(errno.EROFS, "Read-only file system")

    def opened(path, mode="r", **more):
        if mode != "r":
            raise kind
        return open_(path, mode, **more)

    monkeypatch.setattr(type(file), "open", opened)
    with lock.taken_over("down"):
        pass
    with pytest.raises(SystemExit, match="cannot be written: Read-only.*df -h"), lock.alone("up"):
        pass

    def unlink(path, missing_ok):
        raise kind

    monkeypatch.setattr(type(file), "unlink", unlink)
    lock.forget(file)
    kind = OSError(errno.EACCES, "Permission denied")
    with pytest.raises(PermissionError):
        lock.forget(file)


def test_an_engine_that_can_tag_nothing_hides_no_reason(monkeypatch, capsys):
    failure = subprocess.CompletedProcess([], 1, "", "no space left on device\n")
    monkeypatch.setattr(images.subprocess, "run", lambda *_, **__: failure)
    monkeypatch.setattr(images, "identity", lambda name: "sha256:new")
    with pytest.raises(SystemExit, match="docker tag shop-app failed: no space left"):
        images.tag("sha256:old", "shop-app")
    images.give_back("sha256:old", "shop-app")
    images.keep("shop-app", "sha256:old")
    assert "no space left" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="not deployed, .*: not ready"), rolling._restored("shop-app", "old"):
        raise rolling.NotReady("not ready")


def test_no_bytecode_is_written_on_a_full_disk(monkeypatch):
    """Python would put half a file in place, and no command would run any more."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "")  # so that it is as before afterwards
    behindproxy._keep_bytecode_whole()
    assert not sys.dont_write_bytecode
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_bavail=5, f_frsize=4096))
    behindproxy._keep_bytecode_whole()
    assert sys.dont_write_bytecode and os.environ["PYTHONDONTWRITEBYTECODE"]


def test_a_user_whom_this_machine_does_not_know_can_run_it(tmp_path, monkeypatch):
    monkeypatch.setattr(native, "HOME", tmp_path)
    monkeypatch.setattr(native.os, "geteuid", lambda: 12345)
    assert "\nuser" not in native._supervisord(StackSettings.model_validate({}))
    monkeypatch.setattr(native.os, "geteuid", lambda: 0)
    assert "\nuser = root\n" in native._supervisord(StackSettings.model_validate({}))


@pytest.fixture
def answering():
    """Serves what /openapi.json answers, with the demonstration's marker at every path."""
    servers = []

    def serve(document: object) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                there = self.path.removeprefix("/api/v1") == "/openapi.json" and document is not None
                body = json.dumps(document).encode() if there else b"{}"
                is_schema = self.path.endswith("/openapi.json")
                self.send_response(404 if is_schema and document is None else 200)
                self.send_header(*safety.MARKER)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    "document, marked",
    [
        (None, False),
        ({}, False),
        ({"paths": {}}, False),
        ([], False),
        ({"paths": None}, False),
        ({"paths": {"/users/{id}": {"get": {}}}}, False),
        ({"paths": {**MARKED, "/users": {"post": {}}}}, False),
        ({"paths": MARKED}, True),
    ],
    ids=["no schema", "no paths", "empty", "a list", "null", "other paths", "a post", "ours"],
)
def test_the_marker_alone_does_not_make_the_demonstration(answering, document, marked):
    url = answering(document)
    target_ = target(f"{url}/api/v1")
    target_.connect()
    assert bool(target_.marked) == marked
    assert target_.restricted("http") != marked


@pytest.fixture
def locked(tmp_path, monkeypatch):
    folder = tmp_path / "build"
    folder.mkdir()
    (folder / ".gitignore").write_text(f"{made.MARK}\n*\n")
    monkeypatch.setattr(lock, "BUILD", folder)
    monkeypatch.setattr(lock, "FILE", folder / "lock")
    return folder


def test_clean_keeps_the_lock_until_the_rest_is_gone(locked, monkeypatch):
    refused, really = [], made.shutil.rmtree

    def removing(path, **options):
        with pytest.raises(SystemExit, match="make clean"), lock.alone("up"):
            pass
        refused.append(path.name)
        really(path, **options)

    for name in ("app", "venv", "zzz"):
        (locked / name).mkdir()
    monkeypatch.setattr(made.shutil, "rmtree", removing)
    with lock.alone("clean"):
        assert made.remove(locked) == []
    assert refused == ["app", "venv", "zzz"] and not locked.exists()


@pytest.mark.parametrize("holder, ends", [("up", True), ("down", False)])
def test_down_ends_any_other_command_and_no_down(locked, holder, ends):
    with lock.alone(holder):
        with pytest.raises(SystemExit, match=f"`make {holder}` .* wait for its end") as refused:
            with lock.alone("up"):
                pass
    assert ("or end it with `make down`" in str(refused.value)) == ends


@pytest.mark.parametrize("take", [lock.alone, lock.taken_over])
def test_a_lock_that_clean_has_removed_is_opened_again(locked, monkeypatch, take):
    """Between another's open and its flock, `clean` removes the file."""
    files, really = [], lock._opened

    def opening(**choice):
        file = really(**choice)
        files.append(file)
        if len(files) == 1:
            lock.FILE.unlink()
        return file

    monkeypatch.setattr(lock, "_opened", opening)
    with take("down"):
        monkeypatch.setattr(lock, "_opened", really)
        assert len(files) == 2
        with pytest.raises(SystemExit, match="make down"), lock.alone("up"):
            pass
