"""What Traefik cuts off: a long response to a request with a body, over HTTP/1.1."""

from collections import deque
from collections.abc import Awaitable

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..headers import may_have_body

# Of a shorter response Go has the end before it writes the first byte of it.
LONG_BYTES = 2_048
# What the application left of the body: how much of it is read ahead, and for how long.
AHEAD_BYTES, AHEAD_SECONDS = 65_536, 1
# Until Traefik has seen the end that it has sent itself. Its threads may have to wait for a core.
PAUSE_SECONDS = 0.002


class BodyFirst:
    """Begin a long response once the request's body has been received, and a moment has passed.

    Go's server closes a request's body as it writes the response's header. Where its client, the connection
    from Traefik to here, has not come to the end of that body by then, it takes this for an error and closes
    the connection: the response ends in the middle (golang/go#40747, traefik#10381). Without this, up to 123
    of 6 000 streams were cut off that were sent in response to POST, on two busy cores; with it none.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http" or not may_have_body(scope):
            return self.app(scope, receive, send)
        return self._after_body(scope, receive, send)

    async def _after_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        ahead, whole = deque[Message](), False

        async def reading() -> Message:
            return ahead.popleft() if ahead else await received()

        async def received() -> Message:
            nonlocal whole
            message = await receive()
            whole = not message.get("more_body", False)
            return message

        async def after_body(message: Message) -> None:
            if message["type"] == "http.response.start":
                waits = is_long(message)
                # A short one waits for nothing: it is only seen whether the client has left (observe.py).
                if not whole:
                    with anyio.move_on_after(AHEAD_SECONDS if waits else 0):
                        while not whole and sum(len(one.get("body", b"")) for one in ahead) < AHEAD_BYTES:
                            ahead.append(await received())
                if waits:
                    await anyio.sleep(PAUSE_SECONDS)
            await send(message)

        await self.app(scope, reading, after_body)


def is_long(message: Message) -> bool:
    """Return whether more than LONG_BYTES follow, or nobody knows how many."""
    lengths = [value for name, value in message.get("headers", ()) if name.lower() == b"content-length"]
    return message["status"] not in (204, 304) and not any(int(value) <= LONG_BYTES for value in lengths)
