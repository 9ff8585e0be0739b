"""What a server keeps of a WebSocket, and how it ends where the client has left: within its own classes."""

import asyncio

import pytest
from gunicorn.asgi import websocket as gunicorn
from hypercorn.config import Config
from hypercorn.protocol import ws_stream
from hypercorn.protocol.events import StreamClosed
from starlette.websockets import WebSocketDisconnect
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode

from behindproxy_serve.gunicorn_websockets import complete_gunicorn_websockets
from behindproxy_serve.hypercorn_websockets import limit_hypercorn_websockets
from behindproxy_serve.uvicorn_websockets import WebSockets

FRAGMENTS = 5_000
SEND = {"type": "websocket.send", "text": "tick"}


class Left:
    """As much of a connection as Gunicorn needs; the client has left."""

    def is_closing(self):
        return True

    def write(self, data):
        raise RuntimeError("unable to perform operation; the handler is closed")

    def close(self):
        pass


class Unread:
    """The same of a client that reads nothing."""

    def __init__(self):
        self.buffer = b""

    def is_closing(self):
        return False

    def write(self, data):
        self.buffer += data

    def get_write_buffer_size(self):
        return len(self.buffer)


@pytest.fixture
def ours(monkeypatch):
    """The servers' own classes are others again after the test."""
    for place, names in {
        gunicorn: ["WebSocketProtocol"],
        ws_stream: ["Handshake", "WebsocketBuffer"],
        ws_stream.WSStream: ["handle", "app_send"],
    }.items():
        for name in names:
            monkeypatch.setattr(place, name, getattr(place, name))
    complete_gunicorn_websockets()
    limit_hypercorn_websockets()


def test_fragments_are_joined_long_before_the_message_is_whole_uvicorn():
    connection = WebSockets.__new__(WebSockets)
    connection.frames, connection.bytes = [b"a"], bytearray(b"a")  # older releases have the latter
    for _ in range(FRAGMENTS):
        connection.handle_cont(Frame(Opcode.CONT, b"x", fin=False))
    assert len(connection.frames) < FRAGMENTS / 4
    assert b"a" + b"x" * FRAGMENTS in (b"".join(connection.frames), connection.bytes)


def test_fragments_are_joined_long_before_the_message_is_whole_gunicorn(ours):
    connection = gunicorn.WebSocketProtocol(None, {}, None, None)
    connection.feed_data(Frame(Opcode.TEXT, b"a", fin=False).serialize(mask=True))
    for _ in range(FRAGMENTS):
        connection.feed_data(Frame(Opcode.CONT, b"x", fin=False).serialize(mask=True))

    async def read():
        for _ in range(1 + FRAGMENTS):
            await connection._read_frame()

    asyncio.run(read())
    assert len(connection._fragments) < FRAGMENTS / 4
    assert b"".join(connection._fragments) == b"a" + b"x" * FRAGMENTS


def test_application_that_sends_to_a_client_that_has_left_ends_gunicorn(ours):
    ends = []

    async def application(scope, receive, send):
        try:
            await send(SEND)
        except OSError:
            ends.append("told")

    async def run():
        connection = gunicorn.WebSocketProtocol(Left(), {}, application, None)
        connection.accepted = True
        await asyncio.wait_for(connection.run(), 2)
        return len(asyncio.all_tasks())

    assert asyncio.run(run()) == 1  # and its reader
    assert ends == ["told"]


def test_pongs_are_kept_for_nobody_who_does_not_read_gunicorn(ours):
    connection = gunicorn.WebSocketProtocol(Unread(), {}, None, None)

    async def answer():
        for _ in range(2_000):
            await connection._send_frame(Opcode.PONG, b"p" * 125)

    asyncio.run(answer())
    assert len(connection.transport.buffer) < 70_000


def stream():
    return ws_stream.WSStream(None, Config(), None, None, False, None, None, None, 1)


def test_application_that_sends_to_a_client_that_has_left_ends_hypercorn(ours):
    one = stream()
    one.closed = True
    with pytest.raises(OSError) as raised:
        asyncio.run(one.app_send(SEND))
    assert isinstance(raised.value, WebSocketDisconnect)  # which middleware/observe.py takes for no error
    asyncio.run(one.app_send({"type": "websocket.close"}))
    asyncio.run(one.app_send(None))


def test_messages_that_nobody_takes_hold_up_no_end_hypercorn(ours):
    async def run():
        one, queue = stream(), asyncio.Queue(10)
        one.app_put = queue.put
        messages = [asyncio.create_task(one.app_put({})) for _ in range(12)]
        await asyncio.sleep(0)
        await asyncio.wait_for(one.handle(StreamClosed(1)), 2)
        with pytest.raises(OSError):
            await one.app_send(SEND)
        await one.app_send(None)
        await asyncio.wait_for(asyncio.gather(one.telling, *messages), 2)
        await one.app_put({})
        await one.handle(StreamClosed(1))

    asyncio.run(run())


def test_subprotocol_that_is_not_ascii_is_none_hypercorn(ours):
    headers = [(b"sec-websocket-protocol", "é".encode()), (b"sec-websocket-version", b"13")]
    handshake = ws_stream.Handshake(headers, "1.1")
    assert handshake.subprotocols is None and handshake.version == b"13"


def test_refused_handshake_is_complete_uvicorn(monkeypatch):
    async def send(self, message):
        pass

    monkeypatch.setattr(WebSocketsSansIOProtocol, "send", send)
    connection = WebSockets.__new__(WebSockets)
    connection.handshake_complete = False
    message = {"type": "websocket.http.response.body", "body": b"", "more_body": True}
    asyncio.run(connection.send(message))
    assert not connection.handshake_complete
    asyncio.run(connection.send({**message, "more_body": False}))
    assert connection.handshake_complete  # else: "ASGI callable returned without completing handshake."
