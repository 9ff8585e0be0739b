"""What others wait for: a long response that is made without a pause."""

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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        parts = 0

        async def in_turns(message: Message) -> None:
            nonlocal parts
            await send(message)
            if message.get("more_body"):
                parts += 1
                if parts % PARTS == 0:
                    await anyio.sleep(0)

        await self.app(scope, receive, in_turns)
