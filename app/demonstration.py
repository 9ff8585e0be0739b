"""What the demonstration has beside the page's example, for the contract suite to look at."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, WebSocket
from fastapi.responses import RedirectResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles

from behindproxy_serve.middleware.health import HEALTH
from behindproxy_serve.problems import RESPONSES, add_problems
from behindproxy_serve.settings import Settings

from .docs import add_docs
from .echo import echo
from .marker import DemonstrationMarker
from .sub import create_sub

STATIC = Path(__file__).parent / "static"


def options(settings: Settings) -> dict[str, Any]:
    """Return what FastAPI() is given: the other servers of the schema, and no documentation from a CDN."""
    servers = {"Staging": settings.staging_url, "Production": settings.production_url}
    return {
        "servers": [{"url": url, "description": name} for name, url in servers.items() if url],
        "root_path_in_servers": settings.root_path_in_servers,
        "docs_url": None,
        "redoc_url": None,
        "responses": RESPONSES,
        "telemetry": {"exclude": lambda scope: scope["path"].endswith(HEALTH)},
    }


def add_demonstration(app: FastAPI) -> None:
    add_problems(app)
    app.add_middleware(DemonstrationMarker)

    @app.get("/", include_in_schema=False)
    async def start(request: Request) -> RedirectResponse:
        return RedirectResponse(request.url_for("swagger_ui"))

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    # While draining, src/behindproxy_serve/middleware/health.py answers 503 in its place.
    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> dict[str, str]:
        return {"status": "ready"}

    @app.get("/noslash")
    async def noslash() -> dict[str, str]:
        return {"message": "no trailing slash"}

    @app.websocket("/ws")
    async def websocket(websocket: WebSocket) -> None:
        await echo(websocket)

    @app.get("/stream", response_class=StreamingResponse)
    async def stream(
        count: Annotated[int, Query(ge=1, le=100)] = 5,
        interval_seconds: Annotated[float, Query(ge=0, le=5)] = 0.2,
    ) -> StreamingResponse:
        async def events() -> AsyncIterator[str]:
            for number in range(count):
                yield f"id: {number}\ndata: tick\n\n"
                await asyncio.sleep(interval_seconds)

        # no-cache keeps intermediaries from holding the events back.
        return StreamingResponse(
            events(), media_type="text/event-stream", headers={"Cache-Control": "no-cache"}
        )

    add_docs(app)
    app.mount("/sub", create_sub(), name="sub")
    app.mount("/static", StaticFiles(directory=STATIC, html=True), name="static")
