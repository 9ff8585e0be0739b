"""What is long, does not end or is oddly written, and yet right: nothing that a check may trip over."""

import asyncio

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, StreamingResponse

LINKS = 2_000_000
LINES = 500_000
SERVERS = [{"url": "https://[api.example.com/v2"}, {"url": 7}, {}]

app = FastAPI(title="Archive")


@app.get("/orders/")
async def read_orders(request: Request):
    return {"self": str(request.url_for("read_orders"))}


@app.get("/", include_in_schema=False)
async def read_start():
    return HTMLResponse('<a href="archive">archive</a> <a href="tail">log</a> <a href="dump">dump</a>')


@app.get("/archive", include_in_schema=False)
async def read_archive():
    async def pieces():
        for number in range(0, LINKS, 1000):
            yield "".join(f'<a href="orders/?page={number + one}">{one}</a>\n' for one in range(1000))

    return StreamingResponse(pieces(), media_type="text/html")


@app.get("/dump")
async def read_dump(request: Request):
    line = f'{{"self": "{request.url_for("read_orders")}"}}'

    async def pieces():
        yield "["
        for _ in range(0, LINES, 1000):
            yield f"{line},\n" * 1000
        yield f"{line}]"

    return StreamingResponse(pieces(), media_type="application/json")


@app.get("/tail")
async def read_tail():
    async def lines():
        while True:
            yield "a line of the log\n"
            await asyncio.sleep(0.2)

    return StreamingResponse(lines(), media_type="text/plain")


make_schema = app.openapi


def openapi() -> dict:
    flows = {"clientCredentials": {"tokenUrl": "", "scopes": {}}, "password": {"tokenUrl": 7, "scopes": {}}}
    schemes = {"login": {"type": "oauth2", "flows": flows}, "other": "none"}
    return make_schema() | {"servers": SERVERS, "components": {"securitySchemes": schemes}}


app.openapi = openapi
