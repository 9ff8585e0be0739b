"""The last responses of a container that is about to stop (behindproxy_serve/drain.py)."""

import os
from collections.abc import Awaitable

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Leaving:
    """Add `Connection: close` to every response once the file `mark` is there."""

    def __init__(self, app: ASGIApp, mark: str) -> None:
        self.app, self.mark = app, mark

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http" or not os.path.exists(self.mark):
            return self.app(scope, receive, send)

        def closing(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                headers = [pair for pair in message["headers"] if pair[0].lower() != b"connection"]
                message = {**message, "headers": [*headers, (b"connection", b"close")]}
            return send(message)

        return self.app(scope, receive, closing)
