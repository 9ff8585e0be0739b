"""No request without one sound Host reaches what builds URLs from it."""

import re
from collections.abc import Awaitable
from functools import lru_cache

from starlette.types import ASGIApp, Receive, Scope, Send

from ..headers import by_name, values
from ..problems import problem

HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?")
HOSTS_KEPT = 100  # that were looked at; a client could fill the memory with more


class HostGuard:
    """Answer 400 unless there is exactly one Host, well formed, with a possible port.

    Starlette falls back to the socket's own address otherwise, and every redirect then shows it
    (`Host: example.com:` and `example.com:99999` pass Traefik's Host rule).
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "lifespan" or self._sound(scope):
            return self.app(scope, receive, send)
        return self._refuse(scope, receive, send)

    @staticmethod
    async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" or "websocket.http.response" in scope.get("extensions", {}):
            await problem(400, "the Host header is malformed")(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    @staticmethod
    def _sound(scope: Scope) -> bool:
        last = by_name(scope)
        if len(last) == len(scope["headers"]):  # no header is there twice
            return is_well_formed(last.get(b"host", b""))
        hosts = values(scope, b"host")
        return len(hosts) == 1 and is_well_formed(hosts[0])


@lru_cache(HOSTS_KEPT)
def is_well_formed(host: bytes) -> bool:
    match = HOST.fullmatch(host)
    return match is not None and 0 < int(match[1] or 80) < 65536
