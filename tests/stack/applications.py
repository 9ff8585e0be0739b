"""Applications as other people write them: none knows of the stack that it is served by.

APP_MODULE=tests.stack.applications:NAME serves one.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse


def refusing(refuse: Callable[[Request], Response | None]) -> FastAPI:
    """Return an application that answers everything with what `refuse` returns, also what it has not."""
    app = FastAPI()

    @app.middleware("http")
    async def wall(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        return refuse(request) or await call_next(request)

    @app.get("/orders")
    def orders() -> list[int]:
        return [1]

    return app


def _login(request: Request) -> Response | None:
    if request.headers.get("authorization") == "Bearer open":
        return None
    return JSONResponse({"detail": "Not authenticated"}, 401, {"WWW-Authenticate": "Bearer"})


def _hosts(status: int) -> Callable[[Request], Response | None]:
    def refuse(request: Request) -> Response | None:
        if request.headers.get("host", "").partition(":")[0] == "127.0.0.1":
            return None
        return PlainTextResponse("Invalid Host header - possible DNS rebinding attack detected", status)

    return refuse


walled = refusing(_login)
hosted = refusing(_hosts(403))  # mlflow's
misdirected = refusing(_hosts(421))  # the MCP SDK's
redirecting = refusing(lambda _: RedirectResponse("https://login.example/"))


@asynccontextmanager
async def _slow(app: FastAPI):
    await asyncio.sleep(float(os.environ.get("SLOW_SECONDS", "7")))
    yield


@asynccontextmanager
async def _without_database(app: FastAPI):
    await asyncio.sleep(2)  # long enough that a supervisor takes it for started
    raise RuntimeError("no database at db:5432")
    yield


@asynccontextmanager
async def _without_a_word(app: FastAPI):
    os._exit(3)
    yield


slow = FastAPI(lifespan=_slow)
failing = FastAPI(lifespan=_without_database)
ending = FastAPI(lifespan=_without_a_word)
ordinary = FastAPI()


@ordinary.get("/reports/{name}")
async def report(name: str, seconds: float = 0) -> str:
    await asyncio.sleep(seconds)
    return name


@ordinary.get("/busy")
async def busy(seconds: float) -> str:
    """Hold the event loop, as a long computation does."""
    time.sleep(seconds)
    return "done"


@ordinary.put("/blobs/{name}")
async def blob(name: str, request: Request) -> int:
    return len(await request.body())


@ordinary.get("/units/{unit:path}")
async def unit(unit: str) -> str:
    return unit


# The first three are never compressed; a page or an object that comes in pieces is, piece by piece.
STREAMS = ("text/event-stream", "application/x-ndjson", "text/plain", "text/html", "application/json")


@ordinary.get("/long")
async def long(kind: str) -> Response:
    return Response("a line of it\n" * 1000, media_type=kind)


@ordinary.get("/stream")
async def stream(kind: str) -> StreamingResponse:
    """Send a piece, and another one only when a client has been to /seen."""

    async def pieces() -> AsyncIterator[str]:
        event.clear()
        yield "data: first\n\n"
        await asyncio.wait_for(event.wait(), 20)
        yield "data: second\n\n"

    return StreamingResponse(pieces(), media_type=kind)


event = asyncio.Event()


@ordinary.get("/seen")
async def note_seen() -> str:
    event.set()
    return "noted"


# What an MCP server with OAuth publishes: the address that clients derive from its own (RFC 9728).
@ordinary.get("/.well-known/oauth-protected-resource/api/v1/mcp")
async def resource() -> dict[str, str]:
    return {"resource": "https://localhost/api/v1/mcp"}
