"""What each server writes, from its start to its end, with everything that can go wrong between."""

import json
import os
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from behindproxy_serve.log import line
from tests.hosts import free_port

from .served import SERVERS, start

TOKEN = "c0ffee5ec2e7"
HANDSHAKE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def send(url: str, line: str, headers: str = "") -> bytes:
    """The beginning of the response."""
    address = urlsplit(url).hostname, urlsplit(url).port
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(f"{line}\r\nHost: localhost\r\n{headers}\r\n".encode())
        return connection.recv(12)


def plain(lines: list[str]) -> list[str]:
    """Those that are not one JSON object each."""
    result = []
    for one in lines:
        try:
            assert isinstance(json.loads(one), dict)
        except (ValueError, AssertionError):
            result.append(one)
    return result


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("server", SERVERS)
def test_each_line_is_json_and_none_has_a_query(server, workers, tmp_path, monkeypatch):
    settings = {"APP_MODULE": "tests.unit.noisy:app", "APP_WORKERS": workers}
    with start(server, tmp_path, monkeypatch, **settings) as served:
        for path in ("/nowhere", "/crash"):
            served.get(f"{path}?token={TOKEN}")
        answers = {
            path: send(served.url, f"GET {path}?token={TOKEN} HTTP/1.1", HANDSHAKE)[9:]
            for path in ("/ws", "/closed", "/refused", "/crash", "/crash-late", "/nowhere")
        }
        assert answers["/ws"] == answers["/crash-late"] == b"101"
        assert b"101" not in (answers["/refused"], answers["/crash"], answers["/nowhere"])
        # Of each header of a handshake.
        odd = f"{HANDSHAKE}Sec-WebSocket-Protocol: {TOKEN}é\r\n"
        protocol = send(served.url, "GET /ws HTTP/1.1", odd)[9:]
        assert protocol in (b"400", b"101")
        # A library's own warning, whose logger has no handler.
        send(served.url, "GET /warning HTTP/1.1")
        for malformed in (f"GET /ws?token={TOKEN} HTTP/9", f"GET /ws?token={TOKEN}", f"? /?{TOKEN}"):
            send(served.url, malformed)
    lines = served.log.read_text().splitlines()
    assert not [line for line in lines if TOKEN in line]
    assert not plain(lines)
    entries = [json.loads(line) for line in lines]
    assert entries[0]["message"].startswith("exec ")
    assert any(one["message"] == "has no handler" for one in entries)
    assert not [one for one in entries if "in closed" in one.get("exception", "")]
    for what in ("cannot answer", "cannot accept", "cannot go on"):
        assert any(what in one.get("exception", "") for one in entries), what
    # Each of them is a request, and the servers do not say so a second time.
    requests = [one for one in entries if one.get("method") == "WEBSOCKET"]
    assert len(requests) == len(answers) + (protocol == b"101")
    assert not [one for one in entries if "[accepted]" in one["message"]]


@pytest.mark.parametrize("server", SERVERS)
def test_an_application_that_cannot_be_loaded_is_one_line_too(server, tmp_path):
    settings = {"APP_MODULE": "tests.unit.noisy:absent", "RUN_DIR": str(tmp_path)}
    process = subprocess.run(
        [sys.executable, "-m", "behindproxy_serve"],
        env={**os.environ, **settings, "APP_SERVER": server, "APP_PORT": str(free_port())},
        capture_output=True,
        text=True,
        timeout=60,
    )
    lines = (process.stdout + process.stderr).splitlines()
    assert not plain(lines)
    assert any("AttributeError" in json.loads(line).get("exception", "") for line in lines)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ('"GET /x?token=secret HTTP/1.1"', '"GET /x HTTP/1.1"'),
        ("?token=secret of a relative address", " of a relative address"),
        ("/ws?a='secret'&b=secret ended", "/ws ended"),
        ("""/ws?"secret ended""", "/ws ended"),
        ("('http://h/?secret', 80)", "('http://h/', 80)"),
        ("is it there? (was it?) yes", "is it there? (was it?) yes"),
    ],
)
def test_a_query_is_told_from_a_question(text, result):
    assert json.loads(line(f"it was {text}"))["message"] == f"it was {result}"


def test_what_some_readers_take_for_the_end_of_a_line_is_escaped():
    assert line("one\u2028two\u0085three\nfour").isascii()
