"""What Uvicorn's WebSockets lack against a client that takes all: `--ws` names this class.

An empty frame, 6 bytes, costs as much as one of 60 kB, and there is no option for any of these.
"""

from asyncio import BaseTransport
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

TURN_BYTES = 8192
FRAGMENTS = 1_000  # of a message, until they are joined: each costs 60 bytes, also an empty one
REASON = b"This WebSocket handshake has a body, more than 128 headers, or one above 8 KiB.\n"
REFUSED = (
    b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(REASON), REASON)
)


class WebSockets(WebSocketsSansIOProtocol):
    scheduled = False

    def connection_made(self, transport: BaseTransport) -> None:
        self.rest = bytearray()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Take a part, and the rest after the other clients' turn: uvloop reads a socket up to 32 times
        before it turns to the next, 8 MB, and that is seconds of empty frames."""
        if self.handshake_initiated:
            self.rest += data
            if not self.scheduled:
                self._turn()
            return
        super().data_received(data)
        # Without a response the client, and the connection, would wait for the proxy's timeout.
        if self.conn.handshake_exc and not self.handshake_initiated and not self.transport.is_closing():
            self.logger.warning("WebSocket handshake refused: %s", self.conn.handshake_exc)
            self.transport.write(REFUSED)
            self.transport.close()

    def _turn(self) -> None:
        self.scheduled = False
        if self.transport.is_closing():
            self.rest.clear()
            return
        part = bytes(self.rest[:TURN_BYTES])
        del self.rest[:TURN_BYTES]
        super().data_received(part)
        self._go_on()

    def _go_on(self) -> None:
        if self.transport.is_closing():
            return
        if self.rest:
            self.transport.pause_reading()
            if not (self.read_paused or self.scheduled):  # receive() goes on once the message is taken
                self.scheduled = True
                self.loop.call_soon(self._turn)
        elif not self.read_paused:
            self.transport.resume_reading()

    async def receive(self) -> Any:
        message = await super().receive()
        self._go_on()
        return message

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.close":
            self._go_on()  # to the client's own close
        elif message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True  # refused, or Uvicorn logs an error of the application

    def handle_cont(self, event: Any) -> None:
        super().handle_cont(event)
        frames = getattr(self, "frames", [])  # older releases join them at once
        if len(frames) > FRAGMENTS:
            frames[:] = [b"".join(frames)]

    def send_receive_event_to_app(self) -> None:
        """Close as Uvicorn does where a text is not UTF-8, without the traceback that it would log."""
        if self.curr_msg_data_type == "text" and not self.close_sent:
            # Older releases, 0.49 among them, have `bytes`.
            frames = getattr(self, "frames", None) or [getattr(self, "bytes", b"")]
            try:
                b"".join(frames).decode()
            except UnicodeDecodeError:
                self.conn.send_close(1007)
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    def handle_ping(self) -> None:
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()  # the pong is dropped: nobody reads, and they would fill the memory
