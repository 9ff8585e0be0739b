"""The demonstration with the routes that only tests need: APP_MODULE=tests.routes:app."""

import asyncio
import json
import os
from collections import Counter
from typing import Annotated

from app.main import create_app
from fastapi import Query, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

app = create_app()


class Arrivals:
    """Writes a line for each request of a load as it begins: a replica that is killed writes no other."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        number = dict(scope.get("headers", ())).get(b"x-request-id", b"").decode("latin-1")
        if number.startswith("load-"):
            os.write(1, f"{json.dumps({'arrived': number})}\n".encode())
        await self.app(scope, receive, send)


app.add_middleware(Arrivals)


# Every method answers: a protection that names only some of them is seen to have a hole.
@app.api_route("/admin/secret", methods=["GET", "HEAD", "POST", "PUT"], include_in_schema=False)
async def secret() -> dict[str, str]:
    return {"secret": "the-protected-plumbus"}


@app.get("/slow", include_in_schema=False)
async def slow(seconds: Annotated[float, Query(ge=0, le=60)] = 1) -> dict[str, float]:
    await asyncio.sleep(seconds)
    return {"seconds": seconds}


@app.api_route("/body", methods=["POST", "PUT"], include_in_schema=False)
async def body(request: Request) -> dict[str, int]:
    return {"length": sum([len(chunk) async for chunk in request.stream()])}


@app.post("/slow", include_in_schema=False)
async def slow_post(seconds: float = 1) -> dict[str, float]:
    await asyncio.sleep(seconds)
    return {"seconds": seconds}


first_chunks: dict[str, str] = {}


@app.post("/first-chunk/{key}", include_in_schema=False)
async def receive_chunks(key: str, request: Request) -> dict[str, int]:
    length = 0
    async for chunk in request.stream():
        first_chunks.setdefault(key, chunk.decode())
        length += len(chunk)
    return {"length": length}


@app.get("/first-chunk/{key}", include_in_schema=False)
async def first_chunk(key: str) -> str | None:
    return first_chunks.get(key)


# Those that the servers' parsers take.
METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"]
runs: Counter[str] = Counter()


@app.api_route("/status/{code}/{key}", methods=METHODS, include_in_schema=False)
async def own_status(code: int, key: str) -> Response:
    """What an application answers that is a gateway itself, and how often it ran for `key`."""
    runs[key] += 1
    return Response("own", code, {"X-Ran": str(runs[key])})


async def stripping(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve `app` without the prefix in the path, as a server does that knows root_path alone."""
    prefix = scope.get("root_path", "")
    if prefix and scope["path"].startswith(f"{prefix}/"):
        scope = {**scope, "path": scope["path"].removeprefix(prefix)}
    await app(scope, receive, send)
