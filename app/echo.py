"""The WebSocket both applications serve."""

from fastapi import WebSocket


async def echo(websocket: WebSocket) -> None:
    """Send back every message, text as text and bytes as bytes."""
    await websocket.accept()
    while (message := await websocket.receive())["type"] != "websocket.disconnect":
        await websocket.send({**message, "type": "websocket.send"})
