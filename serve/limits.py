"""The limit on a request's body, in the application, because Traefik's way to have one (buffering)
holds every stream back until it ends; and what is missing from Hypercorn's limit on WebSockets."""

import time
from typing import Any

import anyio
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problems import problem

DISCARD_SECONDS = 5
READ_SECONDS = 1


class BodyLimit:
    """Answers 413 to a body above `limit` bytes, announced or not; what is below streams through."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        announced = [value for name, value in scope["headers"] if name == b"content-length"]
        # More than 4300 digits are no int for Python, and a server may take them.
        if (
            announced
            and announced[0].isdigit()
            and int(announced[0].lstrip(b"0")[:20] or 0) > self.limit
        ):
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
        """The answer goes out first; then what still comes is read and thrown away, as much again at
        once and the rest slowly, until the client has gone: a proxy that is still writing, and has
        not come to reading, would see a reset in place of the answer."""
        answer = problem(413, f"a body may have {self.limit} bytes here",
                         headers={"Connection": "close"})  # fmt: skip
        await send({"type": "http.response.start", "status": 413, "headers": answer.raw_headers})
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


class WholeBody:
    """Reads what an application left of the request's body before the answer ends, for a second at most.

    Hypercorn closes the connection where the answer overtook the body, without saying so before; a
    proxy that has just sent the next POST there cannot know whether it was taken, and answers 502.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        whole = False

        async def noting() -> Message:
            nonlocal whole
            message = await receive()
            whole = not message.get("more_body", False)
            return message

        async def after_reading(message: Message) -> None:
            last = message["type"] == "http.response.body" and not message.get("more_body", False)
            if last:
                with anyio.move_on_after(READ_SECONDS):
                    while not whole:
                        await noting()
            await send(message)

        await self.app(scope, noting, after_reading)


def limit_hypercorn_websockets() -> None:
    """Complete Hypercorn's limit on messages: it has no option for either of these.

    It agrees to compression, and unpacks a message before it looks at the length. And after its 1009
    it reads on, and keeps whatever a client sends that does not go away.
    """
    from hypercorn.protocol import ws_stream

    class Uncompressed(ws_stream.Handshake):
        def __init__(self, headers: list[tuple[bytes, bytes]], http_version: str) -> None:
            super().__init__(headers, http_version)
            self.extensions = None

    class Bounded(ws_stream.WebsocketBuffer):
        def extend(self, event: Any) -> None:
            if self.length + len(event.data) > self.max_length:
                self.clear()
                self.length = self.max_length  # nothing fits any more
                raise ws_stream.FrameTooLargeError
            super().extend(event)

    ws_stream.Handshake = Uncompressed  # type: ignore[misc]
    ws_stream.WebsocketBuffer = Bounded  # type: ignore[misc]
