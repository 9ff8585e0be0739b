"""What Gunicorn's WebSockets lack, and it has no option for."""

import asyncio
from typing import Any

TURN_FRAMES = 200
FRAGMENTS = 1_000  # of a message, until they are joined: each costs 42 bytes, and an empty one 8
CLOSE, PONG = 8, 10  # their opcodes
UNREAD_BYTES = 65_536


def complete_gunicorn_websockets() -> None:
    """Make its reader give way: it does not while frames are there, and a client can send ever more.

    It keeps each fragment of a message, and the pongs for a client that does not read. And where the client
    has left, it writes all the same: uvloop's RuntimeError then ends an application that sends, with two
    tracebacks.
    """
    from gunicorn.asgi import websocket

    class Complete(websocket.WebSocketProtocol):  # type: ignore[misc]
        frames = 0
        _fragments: list[bytes]

        async def _read_frame(self) -> Any:
            self.frames += 1
            if self.frames % TURN_FRAMES == 0:
                await asyncio.sleep(0)
            frame = await super()._read_frame()
            if len(self._fragments) > FRAGMENTS:
                self._fragments = [b"".join(self._fragments)]
            return frame

        async def _send_frame(self, opcode: int, payload: Any) -> None:
            if self.transport.is_closing():
                self.closed = True
                self._close_event.set()
                if opcode != CLOSE:
                    raise websocket.WebSocketDisconnected("the client has left")
            elif opcode != PONG or self.transport.get_write_buffer_size() < UNREAD_BYTES:
                await super()._send_frame(opcode, payload)

    websocket.WebSocketProtocol = Complete
