"""Paths that hold more than names: another URL, names with a slash and a space."""

from fastapi import FastAPI, Request

app = FastAPI(title="Mirror")


@app.get("/fetch/{url:path}")
async def fetch(url: str, request: Request):
    return {"url": url, "self": str(request.url_for("fetch", url=url))}


@app.get("/units/{name}")
async def read_unit(name: str):
    return {"name": name}


@app.get("/units/")
async def read_units(request: Request):
    return [str(request.url_for("read_unit", name="two words"))]
