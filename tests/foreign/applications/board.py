"""Pages with links, assets, a script that fetches, a session's cookie, an event stream and a WebSocket."""

import asyncio
from html import escape
from pathlib import Path

from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles

NOTES = {1: "water the plants", 2: "call the plumber"}
EVENTS, SECONDS = 4, 0.4

app = FastAPI(title="Board")
app.mount("/files", StaticFiles(directory=Path(__file__).with_name("files")), name="files")


def page(request: Request, body: str) -> HTMLResponse:
    url = request.url_for
    return HTMLResponse(
        f"""<!doctype html><html><head><title>Board</title><base href="{url("read_board")}">
<link rel="stylesheet" href="{url("files", path="board.css")}"></head>
<body data-live="{url("live")}"><nav><a href="{url("read_board")}">board</a>
<a href="{url("read_about")}">about</a></nav>{body}
<script src="{url("files", path="board.js")}"></script></body></html>"""
    )


@app.get("/", include_in_schema=False)
async def read_board(request: Request):
    links = "".join(
        f'<li><a href="{request.url_for("read_note", number=number)}">{escape(text)}</a></li>'
        for number, text in NOTES.items()
    )
    answer = page(request, f'<ul id="notes">{links}</ul>')
    answer.set_cookie(
        "session",
        "c2Vzc2lvbg",
        path=request.scope["root_path"] or "/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return answer


@app.get("/about", include_in_schema=False)
async def read_about(request: Request):
    return page(request, "<p>A board for notes.</p>")


@app.get("/start", include_in_schema=False)
async def start(request: Request):
    return RedirectResponse(request.url_for("read_board"))


@app.get("/notes/{number}", include_in_schema=False)
async def read_note(request: Request, number: int):
    return page(request, f"<p>{escape(NOTES.get(number, 'no such note'))}</p>")


@app.get("/api/notes")
async def list_notes():
    return [{"textContent": text} for text in NOTES.values()]


@app.get("/events", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def events():
    async def some():
        for number in range(EVENTS):
            yield f"data: note {number}\n\n"
            await asyncio.sleep(SECONDS)

    return StreamingResponse(some(), media_type="text/event-stream")


@app.websocket("/live")
async def live(websocket: WebSocket):
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        pass
