"""Documentation pages and the schema, where they are not for everybody (DOCS)."""

import functools
import inspect
import re
import uuid
from typing import Any
from urllib.parse import quote

from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..problems import problem
from ..routes import routes

# One of them is in every request that has come through a proxy, and no client can take it away.
FORWARDED = {b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip", b"forwarded"}
# What a page of the application's own is made with.
MAKERS = {
    "get_openapi",
    "get_redoc_html",
    "get_scalar_api_reference",
    "get_swagger_ui_html",
    "get_swagger_ui_oauth2_redirect_html",
}


class Docs:
    """Answer as for an unknown path in place of a documentation page, its schema and its OAuth2 redirect.

    Which these are, the route that has answered tells: whatever the application calls them, also in a mount.
    So do the routes that the application has at its start, where a middleware of its own copies the scope.
    With `private`, whoever calls the server itself gets them, made without the prefix: it is the proxy's, so
    a page would look for its schema in vain there.
    """

    def __init__(self, app: ASGIApp, prefix: str, private: bool) -> None:
        self.app, self.prefix, self.private = app, prefix, private
        self.paths = [
            compile_path(path)[0] for path, one in routes(app) if documents(getattr(one, "endpoint", None))
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        shown = self.private and not any(name in FORWARDED for name, _ in scope["headers"])
        named = self._names(scope["path"])
        if named and scope["method"] in ("GET", "HEAD"):
            return await self.app(self._without_prefix(scope) if shown else elsewhere(scope), receive, send)
        before, hidden = dict(scope), False

        async def unless_documentation(message: Message) -> None:
            nonlocal hidden
            if message["type"] == "http.response.start":
                tells = named and message["status"] in (307, 405)  # that something is there
                hidden = hidden or documents(scope.get("endpoint")) or tells
            if not hidden:
                await send(message)

        await self.app(scope, receive, unless_documentation)
        if hidden and shown:
            await self.app(self._without_prefix(before), nothing, send)
        elif hidden:
            await problem(404, "Not Found")(scope, receive, send)

    def _names(self, path: str) -> bool:
        path = re.sub("/+", "/", path.removeprefix(self.prefix)).rstrip("/")
        return any(pattern.fullmatch(path) for pattern in self.paths)

    def _without_prefix(self, scope: Scope) -> Scope:
        path, raw = scope["path"], scope.get("raw_path") or b""
        if path.startswith(f"{self.prefix}/"):
            path, raw = path.removeprefix(self.prefix), raw.removeprefix(self.prefix.encode())
        return {**scope, "root_path": "", "path": path, "raw_path": raw}


async def nothing() -> Message:
    """Receive an empty body: the one that was sent has been read."""
    return {"type": "http.request", "body": b"", "more_body": False}


def elsewhere(scope: Scope) -> Scope:
    """Return the request for a path that nobody has, beside its own: as if that were not there,
    the application answers with whatever its own 404 is."""
    path = f"{scope['path'].rstrip('/').rpartition('/')[0]}/{uuid.uuid4().hex}"
    return {**scope, "path": path, "raw_path": quote(path).encode()}


def documents(endpoint: Any) -> bool:
    """Return whether a route's function answers with documentation or a schema."""
    while isinstance(endpoint, functools.partial):
        endpoint = endpoint.func
    if not inspect.isfunction(endpoint) and not inspect.ismethod(endpoint):
        return False
    function: Any = inspect.unwrap(endpoint)
    if function.__module__ == "fastapi.applications":
        return True  # FastAPI has no other routes of its own
    code = getattr(function, "__code__", None)
    return code is not None and not MAKERS.isdisjoint(code.co_names)
