"""The public prefix without a trailing slash, where a page's relative addresses lose its last segment."""

from collections.abc import Awaitable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..headers import by_name, take

HEADER = b"x-replaced-path"  # Traefik's replacePathRegex writes it where the path was the prefix alone


class BarePrefix:
    """Answer GET and HEAD of the bare prefix with a redirect to its slash, where the response would be HTML.

    Stripped, both are / for the application.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self.app, self.prefix = app, prefix

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http" or (scope["path"] != self.prefix and HEADER not in by_name(scope)):
            return self.app(scope, receive, send)
        bare = take(scope, HEADER) == [self.prefix.encode()] or scope["path"] == self.prefix
        if not bare or scope["method"] not in ("GET", "HEAD"):
            return self.app(scope, receive, send)
        return self._lead(scope, receive, send)

    async def _lead(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = scope.get("query_string", b"")
        location = f"{self.prefix}/".encode() + (b"?" + query if query else b"")
        leads = False

        async def leading(message: Message) -> None:
            nonlocal leads
            if message["type"] == "http.response.start" and is_page(message):
                leads = True
                headers = [(b"location", location), (b"content-length", b"0")]
                await send({"type": "http.response.start", "status": 307, "headers": headers})
                await send({"type": "http.response.body", "body": b""})
            elif not leads:
                await send(message)

        await self.app(scope, receive, leading)


def is_page(message: Message) -> bool:
    """Return whether it begins a response that a browser shows: HTML, and no redirect or failure."""
    kinds = [value for name, value in message.get("headers", ()) if name.lower() == b"content-type"]
    is_visible = message["status"] < 300 or 400 <= message["status"] < 500
    return is_visible and any(kind.lower().startswith(b"text/html") for kind in kinds)
