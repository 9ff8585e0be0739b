"""The demonstration with the routes that only tests need: APP_MODULE=tests.routes:app."""

import asyncio
from typing import Annotated

from fastapi import Query, Request, Response

from app.main import create_app

app = create_app()


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


answered = 0


@app.get("/bad-gateway", include_in_schema=False)
async def bad_gateway(response: Response) -> dict[str, int]:
    """What an application answers that is a gateway itself, and how often it was asked."""
    global answered
    answered += 1
    response.status_code = 502
    return {"answered": answered}
