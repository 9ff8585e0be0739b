"""The demonstration's WebSocket, and the probe's, take text and bytes from each server."""

import pytest
from websockets.sync.client import connect

from .served import SERVERS, start


@pytest.mark.parametrize("server", SERVERS)
def test_a_message_comes_back_as_it_was_sent(server, tmp_path, monkeypatch):
    with start(server, tmp_path, monkeypatch) as served:
        url = served.url.replace("http", "ws", 1)
        for path in ("/ws", "/sub/ws"):
            with connect(f"{url}{path}", proxy=None) as socket:
                for message in (b"\x00\xff", "one", b""):
                    socket.send(message)
                    assert socket.recv(timeout=5) == message
        with connect(f"{url}/_probe/ws", proxy=None) as socket:
            assert '"root_path"' in socket.recv(timeout=5)
            socket.send(b"\x00")
        log = served.log
    assert "Traceback" not in log.read_text()
