"""What the application saw of a request, for any ASGI application: `app.add_middleware(Probe)`.

It shows headers, so it is for development. It needs nothing else of this project.
"""

import json
from typing import Any

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, NoMatchFound
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

PATH = "/_probe/"
MARK = (b"x-probe", b"1")


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
    for route in getattr(connection.scope["app"], "routes", []):
        name = getattr(route, "name", None)
        try:
            if name:
                parameters = {"path": "/"} if isinstance(route, Mount) else {}
                links[name] = str(connection.url_for(name, **parameters))
        except (NoMatchFound, AssertionError):
            continue  # it has parameters of its own
    return links


class Probe:
    """Answers GET /_probe/… and the WebSocket /_probe/ws, unless another one further in does."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if not path.startswith(PATH) or (scope["type"] == "http" and scope["method"] != "GET"):
            return await self.app(scope, receive, send)
        answered = None
        taken: list[Message] = []

        async def if_a_probe_s(message: Message) -> None:
            nonlocal answered
            if answered is None:
                answered = MARK in message.get("headers", [])
            if answered:
                await send(message)

        async def noting() -> Message:
            taken.append(await receive())
            return taken[-1]

        async def again() -> Message:
            return taken.pop(0) if taken else await receive()

        try:
            await self.app({**scope}, noting, if_a_probe_s)
        except Exception:
            # Many an application has no WebSockets, and not even an answer for them.
            if answered or scope["type"] == "http":
                raise
        if answered:
            return None
        if scope["type"] == "http":
            answer = JSONResponse(seen(Request(self._known(scope))), headers={"x-probe": "1"})
            await answer(scope, again, send)
        else:
            await self._websocket(WebSocket(self._known(scope), again, send))

    def _known(self, scope: Scope) -> Scope:
        """With what url_for needs, where the application has routes."""
        application: Any = scope.get("app", self.app)
        return {"app": application, "router": getattr(application, "router", None), **scope}

    async def _websocket(self, websocket: WebSocket) -> None:
        await websocket.accept(headers=[MARK])
        await websocket.send_text(json.dumps(seen(websocket)))
        # The client closes: a server that closes at once can overtake its own message.
        async for _ in websocket.iter_text():
            pass
