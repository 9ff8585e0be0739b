"""What others wait for: a long response that is made without a pause."""

from collections.abc import Awaitable

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PARTS = 8  # that are sent in one turn


class Turns:
    """Let the process's other requests have their turn after every PARTS parts of a response.

    Uvicorn's and Hypercorn's `send` only waits while a client reads too slowly. Once it has left, or where it
    reads as fast as the application writes, a generator that itself waits for nothing keeps the process to
    its end: others were without an answer, and nobody could notice that the client was gone.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http":
            return self.app(scope, receive, send)
        parts = 0

        def in_turns(message: Message) -> Awaitable[None]:
            nonlocal parts
            if not message.get("more_body"):
                return send(message)
            parts += 1
            return send(message) if parts % PARTS else give_way(message)

        async def give_way(message: Message) -> None:
            await send(message)
            await anyio.sleep(0)

        return self.app(scope, receive, in_turns)
