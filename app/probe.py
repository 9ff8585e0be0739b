"""What the application saw of a request: add `router` to any FastAPI application.

It shows headers, so it is for development: `app.include_router(probe.router)`.
"""

from typing import Any

from fastapi import APIRouter, Request, WebSocket
from starlette.requests import HTTPConnection
from starlette.routing import Mount, NoMatchFound

router = APIRouter(prefix="/_probe", include_in_schema=False)


def seen(connection: HTTPConnection) -> dict[str, Any]:
    """The connection as ASGI and Starlette present it; every value is JSON."""
    scope = connection.scope
    return {
        "client": list(scope["client"]) if scope.get("client") else None,
        "scheme": scope["scheme"],
        "root_path": scope.get("root_path", ""),
        "path": scope["path"],
        "raw_path": (scope.get("raw_path") or b"").decode("latin-1"),
        "url": str(connection.url),
        "base_url": str(connection.base_url),
        "http_version": scope["http_version"],
        "headers": [[k.decode("latin-1"), v.decode("latin-1")] for k, v in scope["headers"]],
        "url_for": _links(connection),
    }


def _links(connection: HTTPConnection) -> dict[str, str]:
    links = {}
    for route in connection.scope["app"].routes:
        name = getattr(route, "name", None)
        try:
            if name:
                parameters = {"path": "/"} if isinstance(route, Mount) else {}
                links[name] = str(connection.url_for(name, **parameters))
        except NoMatchFound:
            continue  # it has parameters of its own
    return links


@router.get("/{rest:path}", name="probe")
async def probe(request: Request) -> dict[str, Any]:
    return seen(request)


@router.websocket("/ws")
async def probe_websocket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_json(seen(websocket))
    # The client closes: a server that closes at once can overtake its own message.
    async for _ in websocket.iter_text():
        pass
