"""The limit on a request's body, in the application, because Traefik's way to have one (buffering)
holds every stream back until it ends."""

import time

import anyio
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..problems import problem
from .cross_origin import cross_origin

DISCARD_SECONDS = 5
FRAMING = (b"content-length", b"transfer-encoding")


class BodyLimit:
    """Answer 413 to a body above `limit` bytes, announced or not; what is below streams through."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        framed = [value for name, value in scope["headers"] if name in FRAMING]
        if not framed and scope["http_version"] < "2":
            return await self.app(scope, receive, send)  # no body (RFC 9112, 6.3)
        # More than 4300 digits are no int for Python, and a server may take them.
        if any(value.isdigit() and int(value.lstrip(b"0")[:20] or 0) > self.limit for value in framed):
            return await self._refuse(scope, receive, send)
        received, over, started = 0, False, False

        async def counting() -> Message:
            nonlocal received, over
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.limit:
                over = True
                raise ClientDisconnect  # what a framework expects of a body that breaks off
            return message

        async def unless_over(message: Message) -> None:
            nonlocal started
            if not over or started:
                started = True
                await send(message)

        try:
            await self.app(scope, counting, unless_over)
        except ClientDisconnect:
            if not over:
                raise
        if over and not started:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer first; then read what still comes and throw it away, as much again at once
        and the rest slowly, until the client has gone: a proxy that is still writing, and has not
        come to reading, would see a reset in place of the answer."""
        detail = f"a body may have {self.limit} bytes here; MAX_BODY_BYTES is the limit's setting"
        answer = problem(413, detail, headers={"Connection": "close"})
        headers = [*answer.raw_headers, *await cross_origin(self.app, scope)]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body, "more_body": True})
        discarded, deadline = 0, time.monotonic() + DISCARD_SECONDS
        while time.monotonic() < deadline:
            message = await receive()
            if message["type"] == "http.disconnect" or not message.get("more_body"):
                break
            discarded += len(message.get("body", b""))
            if discarded > self.limit:
                await anyio.sleep(0.05)
        await send({"type": "http.response.body", "body": b""})
