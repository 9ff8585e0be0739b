"""What Gunicorn's WebSockets lack, and it has no option for."""

import asyncio
from typing import Any

TURN_FRAMES = 200


def let_others_have_their_turn() -> None:
    """Make its reader give way: it does not while frames are there, and a client can send ever more. And let
    an application close the WebSocket of a client that has left."""
    from gunicorn.asgi import websocket

    class Turns(websocket.WebSocketProtocol):  # type: ignore[misc]
        frames = 0

        async def _read_frame(self) -> Any:
            self.frames += 1
            if self.frames % TURN_FRAMES == 0:
                await asyncio.sleep(0)
            return await super()._read_frame()

        async def _send(self, message: Any) -> None:
            """Close nothing where the client has left: it would be an error of the transport's, with a
            traceback for each client that leaves an application which closes at its end."""
            if message["type"] != "websocket.close" or not self.transport.is_closing():
                await super()._send(message)

    websocket.WebSocketProtocol = Turns
