"""What the servers take for an ASGI application."""

from starlette.types import ASGIApp, Receive, Scope, Send


class Entry:
    """Hand over to the middlewares. Uvicorn and Hypercorn look whether an application is a coroutine
    function; a middleware that waits for nothing is none, and takes a microsecond less."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)
