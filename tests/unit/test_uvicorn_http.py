"""A response in as few packets as it needs, and nothing of it lost or out of order."""

import asyncio
import os
import socket
import struct
import sys
from urllib.parse import urlsplit

import pytest

from behindproxy_serve.uvicorn_http import JOINED_BYTES, Joining

from .served import start

GET = b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Transport:
    """What a connection gets, write by write."""

    def __init__(self):
        self.writes, self.is_closed = [], False

    def write(self, part):
        self.writes.append(bytes(part))

    def close(self):
        self.is_closed = True

    def is_closing(self):
        return self.is_closed

    def get_extra_info(self, name):
        return name


def in_turns(*turns):
    """The transport, once each of `turns` was called with the joining one in a turn of the event loop."""
    transport = Transport()

    async def run():
        joining = Joining(transport)
        for turn in turns:
            turn(joining)
            await asyncio.sleep(0)

    asyncio.run(run())
    return transport


def test_what_one_turn_gives_is_one_write():
    def head_and_body(joining):
        joining.write(b"head")
        joining.write(b"body")

    assert in_turns(head_and_body, head_and_body).writes == [b"headbody", b"headbody"]


def test_a_head_waits_for_no_body():
    writes = in_turns(lambda joining: joining.write(b"head"), lambda joining: None).writes
    assert writes == [b"head"]


@pytest.mark.parametrize("size", [1, 1_000, JOINED_BYTES - 1, JOINED_BYTES, 3 * JOINED_BYTES])
def test_parts_of_every_size_arrive_in_order_and_little_is_held(size):
    parts = [bytes([number]) * size for number in range(9)]

    def every(joining):
        for part in (b"head", *parts, b"end"):
            joining.write(part)
            assert joining.size < JOINED_BYTES and sum(map(len, joining.parts)) == joining.size

    writes = in_turns(every).writes
    assert b"".join(writes) == b"".join([b"head", *parts, b"end"])
    assert len(writes) == (1 if size <= 1_000 else len(parts) + 2)


def test_a_buffer_that_is_used_again_is_sent_as_it_was():
    def twice(joining):
        buffer = bytearray(b"one")
        joining.write(buffer)
        buffer[:] = b"two"
        joining.write(memoryview(buffer))

    assert in_turns(twice).writes == [b"onetwo"]


def test_a_close_sends_what_was_written_before():
    def last(joining):
        joining.write(b"head")
        joining.write(b"body")
        joining.close()

    transport = in_turns(last)
    assert transport.writes == [b"headbody"] and transport.is_closed


def test_nothing_is_written_to_a_client_that_left():
    def leaves(joining):
        joining.write(b"head")
        joining.transport.close()

    assert not in_turns(leaves).writes


def test_everything_else_is_the_connection_s_own():
    assert in_turns(lambda joining: joining.write(joining.get_extra_info("peername").encode())).writes == [
        b"peername"
    ]


def ask(connection: socket.socket, path: str) -> bytes:
    """What the next read has of the response."""
    connection.sendall(GET % path.encode())
    return connection.recv(65_536)


@pytest.fixture(params=["uvicorn", "fastapi"])
def served(request, tmp_path, monkeypatch):
    with start(request.param, tmp_path, monkeypatch) as one:
        yield one


@pytest.fixture
def connection(served):
    with opened(served.url) as one:
        yield one


def opened(url: str) -> socket.socket:
    return socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=10)


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO is Linux's")
def test_a_response_is_one_packet(connection):
    for number in range(1, 21):
        assert ask(connection, "/app").endswith(b"}")
        assert packets(connection) == number


def packets(connection: socket.socket) -> int:
    """How many with data came in: tcpi_data_segs_in of linux/tcp.h."""
    return struct.unpack_from("I", connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192), 152)[0]


def test_the_head_of_a_stream_comes_before_its_first_part(tmp_path, monkeypatch):
    (tmp_path / "slow.py").write_text(
        "import asyncio\n"
        "async def app(scope, receive, send):\n"
        "    if scope['type'] == 'lifespan':\n"
        "        return\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await asyncio.sleep(3)\n"
        "    await send({'type': 'http.response.body', 'body': b'part'})\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}")
    with start("uvicorn", tmp_path, monkeypatch, APP_MODULE="slow:app") as one:
        with opened(one.url) as connection:
            head = ask(connection, "/")
            assert head.startswith(b"HTTP/1.1 200") and b"part" not in head
            assert b"part" in connection.recv(65_536)
