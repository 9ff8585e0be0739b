"""What Gunicorn's WebSockets lack, and it has no option for."""

import asyncio
from typing import Any

TURN_FRAMES = 200


def let_others_have_their_turn() -> None:
    """Make its reader give way: it does not while frames are there, and a client can send ever more."""
    from gunicorn.asgi import websocket

    class Turns(websocket.WebSocketProtocol):  # type: ignore[misc]
        frames = 0

        async def _read_frame(self) -> Any:
            self.frames += 1
            if self.frames % TURN_FRAMES == 0:
                await asyncio.sleep(0)
            return await super()._read_frame()

    websocket.WebSocketProtocol = Turns
