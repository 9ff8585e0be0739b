"""Socket.IO round an API, with a page that opens it; CHAT_PATH is where its engine looks for it."""

import os

import socketio
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

server = socketio.AsyncServer(async_mode="asgi")
api = FastAPI(title="Chat")


@api.get("/", include_in_schema=False)
async def read_index(request: Request):
    return HTMLResponse(
        f"""<!doctype html><html><head><title>Chat</title>
<script src="https://cdn.example/socket.io.min.js"></script></head>
<body><script>io({{path: "{request.scope["root_path"]}/socket.io"}})</script></body></html>"""
    )


@api.get("/rooms")
async def list_rooms(request: Request):
    return [str(request.url_for("read_room", name="lobby"))]


@api.get("/rooms/{name}")
async def read_room(name: str):
    return {"name": name}


@server.event
async def say(sid, data):
    await server.emit("said", data, to=sid)


app = socketio.ASGIApp(server, other_asgi_app=api, socketio_path=os.environ.get("CHAT_PATH", "/socket.io"))
