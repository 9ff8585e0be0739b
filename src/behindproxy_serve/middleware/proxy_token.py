"""Whose forwarded headers are trusted where an address proves nothing."""

import secrets
from collections.abc import Awaitable

from starlette.types import ASGIApp, Receive, Scope, Send

from ..headers import take

HEADER = b"x-proxy-token"


class ProxyToken:
    """Hand a request to `trusting` only beside the token that this stack's Traefik adds, else to `app`.

    On one host without containers every process has the proxy's address, 127.0.0.1.
    """

    def __init__(self, app: ASGIApp, trusting: ASGIApp, token: str) -> None:
        self.app, self.trusting, self.token = app, trusting, token.encode()

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        app = self.app
        if scope["type"] in ("http", "websocket"):
            tokens = take(scope, HEADER)
            if len(tokens) == 1 and secrets.compare_digest(tokens[0], self.token):
                app = self.trusting
        return app(scope, receive, send)
