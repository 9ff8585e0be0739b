"""Pages whose assets are relative: right below a slash, and nowhere else."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

app = FastAPI(title="Notebook", openapi_url=None)
app.mount("/files", StaticFiles(directory=Path(__file__).with_name("files")), name="files")


@app.get("/")
async def read_page():
    return HTMLResponse(
        '<!doctype html><html><head><link rel="stylesheet" href="./files/board.css"></head>'
        '<body><script type="module" src="./files/board.js"></script></body></html>'
    )
