"""What Hypercorn does to a connection whose request's body was not read."""

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

READ_SECONDS = 1


class WholeBody:
    """Read what an application left of the request's body before the response ends, for a second at most.

    Hypercorn closes the connection where the response overtook the body, without saying so before; a
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
