"""A Socket.IO server around an application, and a page with its client."""

import socketio
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

PAGE = """<!doctype html><title>Chat</title><p id="said">nothing</p>
<script src="client/socket.io.js"></script>
<script>
const socket = io();
socket.on("connect", () => socket.emit("say", "hello"));
socket.on("said", (text) => { document.getElementById("said").textContent = text });
</script>"""

api = FastAPI()
api.mount("/client", StaticFiles(directory="node_modules/socket.io-client/dist"))
sio = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*")
app = socketio.ASGIApp(sio, api)


@api.get("/", response_class=HTMLResponse)
async def read_page() -> str:
    return PAGE


@sio.event
async def say(sid: str, text: str) -> None:
    await sio.emit("said", text, to=sid)
