"""What is missing from Hypercorn's limit on WebSockets: it has no option for any of these."""

import asyncio
from dataclasses import replace
from typing import Any

TURN_BYTES = 1024
DECODED = (b"connection", b"sec-websocket-extensions", b"sec-websocket-protocol")


def limit_hypercorn_websockets() -> None:
    """Complete Hypercorn's limit on messages.

    It agrees to compression, and unpacks a message before it looks at the length. And after its 1009
    it reads on, and keeps whatever a client sends that does not go away. It takes all the frames of
    64 kB, ten thousand empty ones, before another client has its turn.
    """
    from hypercorn.protocol import ws_stream
    from hypercorn.protocol.events import Body, Data

    class Uncompressed(ws_stream.Handshake):
        def __init__(self, headers: list[tuple[bytes, bytes]], http_version: str) -> None:
            # It decodes these as ASCII: a traceback with their values, and 502.
            self.is_sound = all(value.isascii() for name, value in headers if name.lower() in DECODED)
            super().__init__(headers if self.is_sound else [], http_version)
            self.extensions = None

        def is_valid(self) -> bool:
            return self.is_sound and bool(super().is_valid())

    class Bounded(ws_stream.WebsocketBuffer):
        def extend(self, event: Any) -> None:
            if self.length + len(event.data) > self.max_length:
                self.clear()
                self.length = self.max_length  # nothing fits any more
                raise ws_stream.FrameTooLargeError
            super().extend(event)

    handle = ws_stream.WSStream.handle

    async def in_turns(self: Any, event: Any) -> None:
        if not isinstance(event, Body | Data):
            return await handle(self, event)
        for begin in range(0, len(event.data), TURN_BYTES):
            await handle(self, replace(event, data=event.data[begin : begin + TURN_BYTES]))
            await asyncio.sleep(0)

    ws_stream.WSStream.handle = in_turns  # type: ignore[method-assign]
    ws_stream.Handshake = Uncompressed  # type: ignore[misc]
    ws_stream.WebsocketBuffer = Bounded  # type: ignore[misc]
