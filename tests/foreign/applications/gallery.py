"""A start page, not in the schema, whose assets and requests are written from the root: no prefix works."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles

PAGE = """<!doctype html><html><head><link rel="stylesheet" href="/files/board.css"></head>
<body><ul id="albums"></ul><script src="/gallery.js"></script></body></html>"""
SCRIPT = (
    'fetch("/api/albums").then((answer) => answer.json()).then((albums) => document.title = albums.length)'
)

app = FastAPI(title="Gallery")
app.mount("/files", StaticFiles(directory=Path(__file__).with_name("files")), name="files")


@app.get("/", include_in_schema=False)
async def read_page():
    return HTMLResponse(PAGE)


@app.get("/gallery.js", include_in_schema=False)
async def read_script():
    return PlainTextResponse(SCRIPT, media_type="text/javascript")


@app.get("/api/albums")
async def read_albums():
    return ["Lisbon", "Porto"]
