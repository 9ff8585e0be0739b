"""What one client's small frames cost the other clients of a replica, measured at each server."""

import asyncio
import contextlib
import socket
import threading
import time

import pytest
from websockets.frames import Frame, Opcode

from behindproxy_serve.uvicorn_websockets import WebSockets
from tests.sockets import connect

from .served import SERVERS, start

SOCKETS = 3
POURING_SECONDS = 8
# A response waits for the rest of one turn of each socket. Without a limit on a turn it is half a minute.
WITHIN_SECONDS = 5


def frames(kind: str) -> tuple[bytes, bytes]:
    """What begins, and what is then sent again and again."""
    if kind == "pings":
        return b"", Frame(Opcode.PING, b"").serialize(mask=True)
    begin, more = Frame(Opcode.TEXT, b"", fin=False), Frame(Opcode.CONT, b"", fin=False)
    return begin.serialize(mask=True), more.serialize(mask=True)


def pour(connection: socket.socket, kind: str) -> None:
    begin, more = frames(kind)
    until = time.monotonic() + POURING_SECONDS
    try:
        connection.sendall(begin)
        while time.monotonic() < until:
            connection.sendall(more * 4096)
    except OSError:
        pass  # nobody takes more, or it was closed


@pytest.mark.parametrize("kind", ["pings", "empty fragments"])
@pytest.mark.parametrize("server", SERVERS)
def test_small_frames_of_one_client_leave_others_their_answers(server, kind, tmp_path, monkeypatch):
    with start(server, tmp_path, monkeypatch) as served:
        assert served.get("/healthz").status_code == 200
        sockets = [connect(served.url)[0] for _ in range(SOCKETS)]
        pouring = [threading.Thread(target=pour, args=(one, kind)) for one in sockets]
        try:
            for thread in pouring:
                thread.start()
            time.sleep(1)
            waits = []
            for _ in range(3):
                began = time.monotonic()
                assert served.get("/healthz").status_code == 200
                waits.append(time.monotonic() - began)
        finally:
            for thread in pouring:
                thread.join()
            for one in sockets:
                one.close()
        assert max(waits) < WITHIN_SECONDS


HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@pytest.mark.parametrize("more", [b"Content-Length: 3\r\n", b"Cookie: " + b"a" * 9000 + b"\r\n"])
@pytest.mark.parametrize("server", ["uvicorn", "fastapi"])
def test_handshake_that_cannot_be_read_is_answered_at_once(server, more, tmp_path, monkeypatch):
    with start(server, tmp_path, monkeypatch) as served:
        address = served.url.removeprefix("http://").split(":")
        with socket.create_connection((address[0], int(address[1])), timeout=5) as connection:
            connection.sendall(HANDSHAKE + more + b"\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 400 ")


NOT_UTF_8 = {
    "whole": [Frame(Opcode.TEXT, b"\xff")],
    "in fragments": [Frame(Opcode.TEXT, b"a", fin=False), Frame(Opcode.CONT, b"\xff")],
    "cut": [Frame(Opcode.TEXT, "é".encode()[:1])],
}


# Hypercorn closes the connection without a code.
@pytest.mark.parametrize("server", ["uvicorn", "fastapi", "gunicorn"])
def test_text_that_is_not_utf_8_is_closed_with_1007_and_no_traceback(server, tmp_path, monkeypatch):
    with start(server, tmp_path, monkeypatch) as served:
        assert served.get("/healthz").status_code == 200
        for texts in NOT_UTF_8.values():
            with contextlib.closing(connect(served.url)[0]) as connection:
                connection.sendall(b"".join(frame.serialize(mask=True) for frame in texts))
                assert connection.recv(4096)[2:4] == (1007).to_bytes(2, "big")
        with contextlib.closing(connect(served.url)[0]) as connection:
            for frame in (Frame(Opcode.TEXT, "é".encode()[:1], fin=False), Frame(Opcode.CONT, b"\xa9")):
                connection.sendall(frame.serialize(mask=True))
            assert connection.recv(4096).endswith("é".encode())
    log = served.log.read_text()
    assert "Traceback" not in log and "UTF-8" not in log, log


class Pong:
    """As much of a connection as a ping needs."""

    def __init__(self):
        self.frames, self.writable, self.conn = [], asyncio.Event(), self
        self.transport = self

    def data_to_send(self):
        return [b"pong"]

    def write(self, data):
        self.frames.append(data)


def test_pong_is_kept_for_nobody_who_does_not_read():
    connection = Pong()
    WebSockets.handle_ping(connection)
    assert connection.frames == []
