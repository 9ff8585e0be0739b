"""An application that fails in every way a server writes about."""

import logging

from fastapi import FastAPI, Request, WebSocket

app = FastAPI()


@app.get("/crash")
async def crash(request: Request) -> None:
    raise RuntimeError(f"cannot answer {request.url}")


@app.get("/warning")
async def warning() -> None:
    logging.getLogger("a.library").warning("has no handler")


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())


@app.websocket("/closed")
async def closed(websocket: WebSocket) -> None:
    """As frameworks do that close at the end, whatever it was."""
    await websocket.accept()
    await websocket.receive()
    await websocket._send({"type": "websocket.close", "code": 1000})


@app.websocket("/refused")
async def refused(websocket: WebSocket) -> None:
    await websocket.close()


@app.websocket("/crash")
async def crash_early(websocket: WebSocket) -> None:
    raise RuntimeError(f"cannot accept {websocket.url}")


@app.websocket("/crash-late")
async def crash_late(websocket: WebSocket) -> None:
    await websocket.accept()
    raise RuntimeError(f"cannot go on with {websocket.url}")
