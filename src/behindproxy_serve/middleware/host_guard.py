"""No request without one sound Host reaches what builds URLs from it."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from ..problems import problem

HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?")


class HostGuard:
    """Answer 400 unless there is exactly one Host, well formed, with a possible port.

    Starlette falls back to the socket's own address otherwise, and every redirect then shows it
    (`Host: example.com:` and `example.com:99999` pass Traefik's Host rule).
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._sound(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "http" or "websocket.http.response" in scope.get("extensions", {}):
            await problem(400, "the Host header is malformed")(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    @staticmethod
    def _sound(scope: Scope) -> bool:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        match = HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        return match is not None and 0 < int(match[1] or 80) < 65536
