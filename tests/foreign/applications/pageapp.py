"""A page application: the browser's router knows the paths, so whatever is not the API's is its page."""

from fastapi import FastAPI, HTTPException
from fastapi.responses import HTMLResponse

PAGE = '<!doctype html><html><head><title>Notes</title></head><body><div id="root"></div></body></html>'

app = FastAPI(title="Notes")


@app.get("/api/notes")
async def read_notes():
    return ["water the plants"]


@app.get("/{path:path}", include_in_schema=False, response_class=HTMLResponse)
async def read_page(path: str):
    if path == "api" or path.startswith("api/"):
        raise HTTPException(404)
    return PAGE
