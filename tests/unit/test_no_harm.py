"""What a file or an answer that is not as it should be must not lead to."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from behindproxy.contract.engine import safety
from behindproxy.stack import lock, made, native

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


def test_down_removes_the_socket_s_own_folder(tmp_path, monkeypatch):
    home = tmp_path / ("deep" * 30) / "native"
    home.mkdir(parents=True)
    monkeypatch.setattr(native, "HOME", home)
    monkeypatch.setattr(native, "_ours", list)
    folder = native._new_socket().parent
    assert folder.is_dir() and folder.name.startswith("stack-")
    native.down()
    assert not folder.exists()


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
    found = target(f"{url}/api/v1")
    found.connect()
    assert bool(found.marked) == marked
    assert found.restricted("http") != marked


@pytest.fixture
def locked(tmp_path, monkeypatch):
    folder = tmp_path / "build"
    folder.mkdir()
    (folder / ".gitignore").write_text(f"{made.MADE}\n*\n")
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


@pytest.mark.parametrize("holder, ended", [("up", True), ("down", False)])
def test_down_ends_any_other_command_and_no_down(locked, holder, ended):
    with lock.alone(holder):
        with pytest.raises(SystemExit, match=f"`make {holder}` .* wait for its end") as refused:
            with lock.alone("up"):
                pass
    assert ("or end it with `make down`" in str(refused.value)) == ended


@pytest.mark.parametrize("take", [lock.alone, lock.taken_over])
def test_a_lock_that_clean_has_removed_is_opened_again(locked, monkeypatch, take):
    """Between another's open and its flock, `clean` removes the file."""
    opened, really = [], lock._opened

    def opening():
        file = really()
        opened.append(file)
        if len(opened) == 1:
            lock.FILE.unlink()
        return file

    monkeypatch.setattr(lock, "_opened", opening)
    with take("down"):
        monkeypatch.setattr(lock, "_opened", really)
        assert len(opened) == 2
        with pytest.raises(SystemExit, match="make down"), lock.alone("up"):
            pass
