"""What the application saw of a request, for any ASGI application: `app.add_middleware(Probe)`.

It shows headers, so it is for development. It needs nothing else of this project.
`/_probe/status/502/…` answers with that status, and says how often the same URL has reached it.
"""

import re
from collections import Counter
from contextlib import suppress
from typing import Any

from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, NoMatchFound
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

PATH = "/_probe/"
STATUS = re.compile(rf"{PATH}status/(5\d\d)/")
URLS_KEPT = 1000  # so that nobody fills the memory


def seen(connection: HTTPConnection) -> dict[str, Any]:
    """Return the connection as ASGI and Starlette present it; every value is JSON."""
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
    """Answers GET /_probe/… and the WebSocket /_probe/ws in the application's place."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.times: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if not path.startswith(PATH) or scope.get("method", "GET") != "GET":
            return await self.app(scope, receive, send)
        # What url_for needs, where the application has routes.
        application: Any = scope.get("app", self.app)
        scope = {"app": application, "router": getattr(application, "router", None), **scope}
        if scope["type"] == "http":
            with suppress(ClientDisconnect):  # the body first, so that a malformed one gets no response
                async for _ in Request(scope, receive).stream():
                    pass
            answer = JSONResponse(seen(Request(scope)))
            if status := STATUS.match(path):
                answer.status_code = int(status[1])
                answer.headers["X-Probe-Times"] = str(self._times(path))
            return await answer(scope, receive, send)
        websocket = WebSocket(scope, receive, send)
        await websocket.accept()
        await websocket.send_json(seen(websocket))
        # The client closes: a server that closes at once can overtake its own message.
        while (await websocket.receive())["type"] != "websocket.disconnect":
            pass

    def _times(self, path: str) -> int:
        if len(self.times) >= URLS_KEPT:
            self.times.clear()
        self.times[path] += 1
        return self.times[path]
