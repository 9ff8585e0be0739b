"""What is missing from Hypercorn's limit on WebSockets: it has no option for any of these."""

import asyncio
from dataclasses import replace
from typing import Any

from starlette.websockets import WebSocketDisconnect

TURN_BYTES = 1024


class Left(WebSocketDisconnect, OSError):
    """What ASGI has a server raise where an application sends to a client that has left."""


async def forget(message: Any) -> None:
    pass


def is_full(put: Any) -> bool:
    """Return whether `put`, a queue's own, would wait."""
    queue = getattr(put, "__self__", None)
    return queue is not None and bool(queue.full())


def limit_hypercorn_websockets() -> None:
    """Complete Hypercorn's limit on messages.

    It agrees to compression, and unpacks a message before it looks at the length. And after its 1009
    it reads on, and keeps whatever a client sends that does not go away. It takes all the frames of
    64 kB, ten thousand empty ones, before another client has its turn. A subprotocol that is not ASCII
    ends the connection with a traceback.

    Where a client has left, it takes what the application sends and says nothing: the application sends for
    ever, and one that never waits for anything else stops the whole process. It also waits until the
    application has taken ten messages before it tells it, which one that only sends never does.
    """
    from hypercorn.protocol import ws_stream
    from hypercorn.protocol.events import Body, Data, StreamClosed

    class Uncompressed(ws_stream.Handshake):
        def __init__(self, headers: list[tuple[bytes, bytes]], http_version: str) -> None:
            super().__init__([pair for pair in headers if pair[1].isascii()], http_version)
            self.extensions = None

    class Bounded(ws_stream.WebsocketBuffer):
        def extend(self, event: Any) -> None:
            if self.length + len(event.data) > self.max_length:
                self.clear()
                self.length = self.max_length  # nothing fits any more
                raise ws_stream.FrameTooLargeError
            super().extend(event)

    handle, send = ws_stream.WSStream.handle, ws_stream.WSStream.app_send

    async def in_turns(self: Any, event: Any) -> None:
        if isinstance(event, StreamClosed) and is_full(self.app_put):
            self.closed = True
            put = self.app_put({"type": "websocket.disconnect", "code": 1006})
            self.telling = asyncio.create_task(put)  # kept: the loop itself does not
            return
        if not isinstance(event, Body | Data):
            return await handle(self, event)
        for begin in range(0, len(event.data), TURN_BYTES):
            await handle(self, replace(event, data=event.data[begin : begin + TURN_BYTES]))
            await asyncio.sleep(0)

    async def unless_left(self: Any, message: Any) -> None:
        if message is None and is_full(self.app_put):
            # The application has ended: whatever waits for room in its queue is let go.
            queue, self.app_put = self.app_put.__self__, forget
            while not queue.empty():
                queue.get_nowait()
        elif self.closed and message and message["type"] == "websocket.send":
            raise Left(1006)
        await send(self, message)

    ws_stream.WSStream.handle = in_turns  # type: ignore[method-assign]
    ws_stream.WSStream.app_send = unless_left  # type: ignore[method-assign]
    ws_stream.Handshake = Uncompressed  # type: ignore[misc]
    ws_stream.WebsocketBuffer = Bounded  # type: ignore[misc]
