"""The client and the scheme that a trusted proxy tells, by Uvicorn's own rules."""

from collections.abc import Awaitable
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from ..headers import by_name

FOR, PROTO = b"x-forwarded-for", b"x-forwarded-proto"
KEYS, KEY_BYTES = 1_000, 256  # of the cache; a client could fill the memory


class Forwarded:
    """Set `client` and `scheme` as Uvicorn's middleware does, which reads each pair of address and headers
    once: for every request it would take as long as the access line."""

    def __init__(self, app: ASGIApp, trusted: list[str] | str) -> None:
        self.app = app
        # Uvicorn's types of an ASGI application are not Starlette's.
        self.uvicorn: Any = ProxyHeadersMiddleware(_nothing, trusted)  # type: ignore[arg-type]
        self.cache: dict[tuple[object, ...], tuple[str, tuple[str, int] | None]] = {}

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "lifespan":
            return self.app(scope, receive, send)
        last, client = by_name(scope), scope.get("client")
        key = (scope["scheme"], client and client[0], last.get(FOR), last.get(PROTO))
        hit = self.cache.get(key)
        if hit and len(last) == len(scope["headers"]):  # no header is there twice
            scope["scheme"], scope["client"] = hit[0], hit[1] or client
            return self.app(scope, receive, send)
        return self._as_uvicorn(key, scope, receive, send)

    async def _as_uvicorn(self, key: tuple[object, ...], scope: Scope, receive: Receive, send: Send) -> None:
        last, client = by_name(scope), scope.get("client")
        await self.uvicorn(scope, receive, send)
        self._keep(key, scope, client, last)
        await self.app(scope, receive, send)

    def _keep(self, key: tuple[object, ...], scope: Scope, client: object, last: dict[bytes, bytes]) -> None:
        if len(last) != len(scope["headers"]) or len(last.get(FOR, b"") + last.get(PROTO, b"")) > KEY_BYTES:
            return
        if len(self.cache) >= KEYS:
            self.cache.clear()
        # One that is not trusted keeps its port, which is another for each connection.
        address = scope.get("client")
        self.cache[key] = (scope["scheme"], None if address is client else address)


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    pass
