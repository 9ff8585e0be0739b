"""Documentation pages and the schema, where they are not for everybody (DOCS)."""

import functools
import inspect
import random
import re
import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..headers import by_name
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
# What a response begins with that is a schema (OpenAPI 3, Swagger 2), and what a page has that shows one:
# Swagger UI, ReDoc, Scalar, RapiDoc, Stoplight Elements.
SCHEMA = re.compile(rb"""\s*(?:\{\s*)?["']?(?:openapi|swagger)["']?\s*:\s*["']?[23]\.""")
PAGE = re.compile(
    rb"""SwaggerUIBundle\s*\(|\bRedoc\.init\(|<(?:redoc|rapi-doc|elements-api)[\s>]|id=["']api-reference["']"""
)
KIND = re.compile(rb"text/html|(?:application|text)/(?:[\w.+-]*\+)?(?:json|(?:x-)?yaml)(?=;|$)")
SEARCHED = 1 << 20  # bytes of a compressed response
RARE = "jkqvxz"  # Letters of a made-up name, which is in no other word of a page.


class Docs:
    """Answer as for an unknown path in place of a documentation page, its schema and its OAuth2 redirect.

    Which these are, the route that has answered tells: whatever the application calls them, also in a mount.
    So do the routes that the application has at its start, where a middleware of its own copies the scope,
    and the first bytes of a response to GET, whatever made it.
    With `private`, clients of the server itself get them, made without the prefix: it is the proxy's, so
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
        is_visible = self.private and FORWARDED.isdisjoint(by_name(scope))
        reads = scope["method"] in ("GET", "HEAD")
        is_docs_path = self._names(scope["path"])
        if is_docs_path and reads and is_visible:
            return await self.app(self._without_prefix(scope), receive, send)
        if is_docs_path and reads:
            return await elsewhere(self.app, scope, receive, send)
        before, hidden, start, headers = dict(scope), False, None, {}

        async def unless_documentation(message: Message) -> None:
            nonlocal hidden, start, headers
            if message["type"] == "http.response.start":
                tells = is_docs_path and message["status"] in (307, 405)  # that something is there
                hidden = hidden or documents(scope.get("endpoint")) or tells
                if reads and not hidden and message["status"] == 200:
                    headers = dict(message.get("headers", ()))
                    if KIND.match(headers.get(b"content-type", b"")):
                        start = message  # until its first bytes tell
                        return
            elif start:
                hidden = documentation(headers, message.get("body", b""))
                if not hidden:
                    await send(start)
                start = None
            if not hidden:
                await send(message)

        await self.app(scope, receive, unless_documentation)
        if hidden and is_visible:
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


async def elsewhere(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Ask `app` for a path that nobody has, beside the request's own: as if that were not there, it answers
    with whatever its own 404 is. Where its response shows the made-up name, it shows the request's."""
    folder, _, name = scope["path"].rstrip("/").rpartition("/")
    stand_in = "".join(random.choices(RARE, k=max(len(name), 4)))  # as long as the name: no length changes
    path = f"{folder}/{stand_in}" + "/" * scope["path"].endswith("/")

    def shown(text: bytes) -> bytes:
        return text.replace(stand_in.encode(), name.encode()) if len(stand_in) == len(name) else text

    async def with_name(message: Message) -> None:
        if "headers" in message:
            message = {**message, "headers": [(key, shown(value)) for key, value in message["headers"]]}
        elif "body" in message:
            message = {**message, "body": shown(message["body"])}
        await send(message)

    await app({**scope, "path": path, "raw_path": quote(path).encode()}, receive, with_name)


def documentation(headers: Mapping[bytes, bytes], body: bytes) -> bool:
    """Return whether a response that begins with `body` is a schema or a page that shows one."""
    if headers.get(b"content-encoding") in (b"gzip", b"deflate"):
        try:
            body = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(body, SEARCHED)
        except zlib.error:
            return False
    return bool(PAGE.search(body) if b"html" in headers[b"content-type"] else SCHEMA.match(body))


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
