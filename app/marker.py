"""What tells the demonstration from every other application."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# src/behindproxy/contract/engine/safety.py and src/behindproxy/curl.sh look for it: a test compares them.
MARKER = (b"x-demonstration", b"fastapi-behind-traefik")


class DemonstrationMarker:
    """Sets the marker in every response: `make verify` then sends POST, DELETE and broken requests too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), MARKER]
            await send(message)

        await self.app(scope, receive, marked)
