"""A WebSocket client in one thread: websockets' own threaded one reads and writes a TLS socket at
the same time, which now and then loses the response to a handshake (seen with Python 3.11)."""

import select
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import Event, State
from websockets.uri import parse_uri

from . import connecting

__all__ = ["Frame", "Opcode", "WebSocket"]

Kind = TypeVar("Kind", bound=Event)

PIECE_BYTES = 65536
ANSWER_SECONDS = 30  # until a handshake, or a message, has come whole
REFUSAL_SECONDS = 1
CLOSE_SECONDS = 3


class WebSocket:
    """Connect at once. Raise websockets' InvalidStatus when the handshake is refused.

    With `compress`, compression is offered; `compressed` says whether it was taken.
    """

    def __init__(
        self,
        url: str,
        context: ssl.SSLContext | None,
        headers: list[tuple[str, str]],
        seconds: float,
        permit: Callable[[str], None],
        compress: bool = False,
        source: str = "",
    ):
        self.permit = permit
        uri = parse_uri(url)
        extensions = [ClientPerMessageDeflateFactory()] if compress else None
        self.protocol = ClientProtocol(uri, extensions=extensions, max_size=None)
        self.events: list[Event] = []
        own = (source, 0) if source else None
        self.connection: socket.socket = connecting.to(uri.host, uri.port, seconds, own)
        try:
            if context:
                self.connection = context.wrap_socket(self.connection, server_hostname=uri.host)
            request = self.protocol.connect()
            for name, value in headers:
                request.headers[name] = value
            self.protocol.send_request(request)
            self._flush()
            self.response = self._next(Response)
            if self.protocol.handshake_exc:
                raise self.protocol.handshake_exc
        except BaseException:
            self.connection.close()
            raise

    def __enter__(self) -> "WebSocket":
        return self

    def __exit__(self, *_raised: object) -> None:
        with suppress(OSError):  # the server was quicker
            if self.protocol.state is State.OPEN:
                self.protocol.send_close()
                self._flush()
        self.connection.close()

    def send(self, text: str) -> None:
        self.permit("a message over a WebSocket")
        self.protocol.send_text(text.encode())
        self._flush()

    def recv(self) -> str:
        """Return the next text message."""
        while True:
            frame = self._next(Frame)
            if frame.opcode is Opcode.TEXT:
                return bytes(frame.data).decode()
            if frame.opcode is Opcode.CLOSE:
                raise ConnectionError("the WebSocket was closed before a message came")

    @property
    def compressed(self) -> bool:
        return bool(self.protocol.extensions)

    def close_code(self, frames: list[Frame]) -> int | None:
        """Return the code with which the other side closes while, or after, these are sent; None without one.

        The last in pieces, with time after the first: who refuses a length does so before the rest
        comes, and what is written after that can cost the response.
        """
        self.permit("a message over a WebSocket")
        for frame in frames:
            data = frame.serialize(mask=True, extensions=self.protocol.extensions)
            pieces = [
                data[: PIECE_BYTES // 4],
                *(data[at : at + PIECE_BYTES] for at in range(PIECE_BYTES // 4, len(data), PIECE_BYTES)),
            ]
            for number, piece in enumerate(pieces):
                if self._readable(0):
                    break
                try:
                    self.connection.sendall(piece)
                except OSError:
                    break
                if number == 0 < len(pieces) - 1 and frame is frames[-1]:
                    self._readable(REFUSAL_SECONDS)
        self.connection.settimeout(CLOSE_SECONDS)
        with suppress(OSError):
            while not self.protocol.close_rcvd and (chunk := self.connection.recv(65536)):
                self.protocol.receive_data(chunk)
        return self.protocol.close_rcvd.code if self.protocol.close_rcvd else None

    def _readable(self, seconds: float) -> bool:
        pending = self.connection.pending() if isinstance(self.connection, ssl.SSLSocket) else 0
        return bool(pending or select.select([self.connection], [], [], seconds)[0])

    def _flush(self) -> None:
        for data in self.protocol.data_to_send():
            self.connection.sendall(data)

    def _next(self, kind: type[Kind]) -> Kind:
        until = time.monotonic() + ANSWER_SECONDS
        while True:
            while self.events:
                if isinstance(event := self.events.pop(0), kind):
                    return event
            if self.protocol.handshake_exc:
                raise self.protocol.handshake_exc
            if time.monotonic() > until:
                raise TimeoutError(f"no response ended within {ANSWER_SECONDS} s")
            chunk = self.connection.recv(65536)
            if chunk:
                self.protocol.receive_data(chunk)
            else:
                self.protocol.receive_eof()
                raise ConnectionError("the connection was closed before a response came")
            self.events += self.protocol.events_received()
            with suppress(OSError):  # a pong or the other half of a close: nobody need be there
                self._flush()
