"""The FastAPI CLI serves FastAPI objects only."""

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send


class AnyASGI(FastAPI):
    """An ASGI application that the FastAPI CLI agrees to serve."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(openapi_url=None)
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)
