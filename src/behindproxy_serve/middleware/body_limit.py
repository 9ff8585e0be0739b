"""The limits on a request's body and on all bodies together, in the application, because Traefik's way to
have one (buffering) holds every stream back until it ends."""

import time
from collections.abc import Awaitable

import anyio
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..headers import framing, may_have_body
from ..problems import problem
from .cross_origin import cross_origin

DISCARD_SECONDS = 5
# Of the bodies of all requests in progress: 100 of 10 MiB, which one HTTP/2 connection sends, would be more
# than the container's memory. An application that was given larger ones has room for four.
TOGETHER_BYTES, TOGETHER_BODIES = 128 * 2**20, 4
SMALL_BYTES = 16_384  # so much of each does not count: while large ones wait, small ones are still taken


class BodyLimit:
    """Answer 413 to a body above `limit` bytes, announced or not; what is below streams through. Answer 503
    to the one that makes the bodies of this process, which the application may hold, too many bytes."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app, self.limit = app, limit
        self.together, self.total_bytes = max(TOGETHER_BYTES, TOGETHER_BODIES * limit), 0

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http" or not may_have_body(scope):
            return self.app(scope, receive, send)
        return self._limit(scope, receive, send)

    async def _limit(self, scope: Scope, receive: Receive, send: Send) -> None:
        # More than 4300 digits are no int for Python, and a server may take them.
        if any(
            value.isdigit() and int(value.lstrip(b"0")[:20] or 0) > self.limit for value in framing(scope)
        ):
            return await self._refuse(413, scope, receive, send)
        size, share, over, has_started = 0, 0, 0, False  # `over`: the status of the refusal

        async def counting() -> Message:
            nonlocal size, share, over
            message = await receive()
            size += len(message.get("body", b""))
            large_bytes = max(0, size - SMALL_BYTES)
            self.total_bytes += large_bytes - share
            share = large_bytes
            if size > self.limit:
                over = 413
            elif share and self.total_bytes > self.together:
                over = 503
            if over:
                raise ClientDisconnect  # what a framework expects of a body that breaks off
            return message

        async def unless_over(message: Message) -> None:
            nonlocal has_started
            if not over or has_started:
                has_started = True
                await send(message)

        try:
            await self.app(scope, counting, unless_over)
        except ClientDisconnect:
            if not over:
                raise
        finally:
            self.total_bytes -= share
        if over and not has_started:
            await self._refuse(over, scope, receive, send)

    async def _refuse(self, status: int, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response first; then read what still comes and throw it away, as much again at once
        and the rest slowly, until the client has gone: a proxy that is still writing, and has not
        come to reading, would see a reset in place of the response."""
        detail = f"a body may have {self.limit} bytes here; MAX_BODY_BYTES is the limit's setting"
        headers = {"Connection": "close"}
        if status == 503:
            detail = f"the bodies of all requests in progress may have {self.together} bytes together here"
            headers["Retry-After"] = "5"
        answer = problem(status, detail, headers=headers)
        pairs = [*answer.raw_headers, *await cross_origin(self.app, scope)]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
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
