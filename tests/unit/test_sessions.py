"""Sessions in memory, and what is said of them, against real servers: one, and two that take turns."""

import itertools
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from behindproxy.contract.engine import sessions
from behindproxy.contract.engine.entrypoint import Address, Entrypoint
from behindproxy.contract.engine.expect import Expect


class Processes(ThreadingHTTPServer):
    """So many processes behind one port, each with sessions of its own; a connection is one process's."""

    daemon_threads = True

    def __init__(self, count: int, sticky: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.sessions: list[set[str]] = [set() for _ in range(count)]
        self.turn, self.ids = itertools.cycle(range(count)), itertools.count(1000)
        self.sticky = sticky
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    def setup(self) -> None:
        super().setup()
        assert isinstance(self.server, Processes)
        self.process = next(self.server.turn)

    def answer(self, session: str, body: str, header: str = "") -> None:
        assert isinstance(self.server, Processes)
        cookie = self.headers.get("Cookie", "").removeprefix("replica=")
        process = int(cookie) if self.server.sticky and cookie else self.process
        ids = self.server.sessions[process]
        status = 200
        if not session:
            session = f"session-{next(self.server.ids)}"
            ids.add(session)
        elif session not in ids:
            status = 400
        text = body.replace("SID", session).encode()
        self.send_response(status)
        if self.server.sticky:
            self.send_header("Set-Cookie", f"replica={process}")
        if header:
            self.send_header(header, session)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        assert query["EIO"] == ["4"] and query["transport"] == ["polling"]
        self.answer(query.get("sid", [""])[0], '0{"sid":"SID","upgrades":["websocket"]}')

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        session = self.headers.get(sessions.MCP_HEADER, "")
        assert bool(session) == (message["method"] == "ping")
        self.answer(session, "{}", sessions.MCP_HEADER)

    def log_message(self, *_: object) -> None:
        pass


def notes(server: Processes, unsafe: bool = False) -> list[str]:
    with httpx.Client(trust_env=False) as client:
        address = Address("http", "http", "127.0.0.1", server.server_port, "", "")
        target = SimpleNamespace(
            client=client, context=None, answering=set(), ours=False, restricted=lambda _: False
        )
        entrypoint = Entrypoint(target, address, Expect())
        return list(sessions.lost(entrypoint, unsafe, sessions.SOCKET_IO))


@pytest.mark.parametrize(("count", "sticky"), [(1, False), (2, True)])
def test_a_session_that_every_request_finds_is_not_named(count, sticky):
    with Processes(count, sticky) as server:
        assert notes(server, unsafe=True) == []


def test_a_session_that_one_process_knows_is_named():
    with Processes(2) as server:
        one, other = notes(server, unsafe=True)
    assert one.startswith("Socket.IO: ") and " of 8 requests met a process that does not know" in one
    assert other.startswith("MCP: ")


def test_without_leave_no_session_is_posted():
    with Processes(2) as server:
        assert [note.partition(":")[0] for note in notes(server)] == ["Socket.IO"]
