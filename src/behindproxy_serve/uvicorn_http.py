"""Responses in as few packets as they need: `--http` names this class.

Uvicorn writes the head and the body of a response one by one, as it has them: each is a system call, and
wakes whoever reads while other requests of the same turn wait. Joined, and written after the turn, they take
a quarter less of a busy server's time (docs/performance.md). aiohttp and Gunicorn join the two as well
(aio-libs/aiohttp#10991).
"""

from asyncio import BaseTransport, get_running_loop
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

JOINED_BYTES = 65_536  # at most, as asyncio buffers; a part as long goes out by itself, uncopied


class Http(AutoHTTPProtocol):  # type: ignore[valid-type, misc]
    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(Joining(transport))


class Joining:
    """A transport that writes what it was given in one turn of the event loop at once, right after it. A
    WebSocket keeps it."""

    __slots__ = ("call_soon", "is_closing", "parts", "size", "transport")  # there is one for each connection

    def __init__(self, transport: Any) -> None:
        self.transport, self.is_closing = transport, transport.is_closing
        self.call_soon = get_running_loop().call_soon
        self.parts, self.size = list[bytes](), 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)

    def write(self, part: bytes) -> None:
        if self.size + len(part) >= JOINED_BYTES:
            self.send()
        if len(part) >= JOINED_BYTES:
            self.transport.write(part)
            return
        if not self.parts:
            self.call_soon(self.send)
        self.parts.append(bytes(part))  # an application may use its buffer again
        self.size += len(part)

    def send(self) -> None:
        if self.parts:
            parts, self.parts, self.size = self.parts, [], 0
            if not self.is_closing():  # its client may have left in this turn
                self.transport.write(b"".join(parts))

    def close(self) -> None:
        self.send()
        self.transport.close()
