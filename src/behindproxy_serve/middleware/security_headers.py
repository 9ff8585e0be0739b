"""What a browser is told where the application says nothing of it."""

from collections.abc import Awaitable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    # A page of another origin may show it in no frame; one of this origin could read it anyway.
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    # For its own pages, and not for what they frame.
    (b"permissions-policy", b"camera=(self), geolocation=(self), microphone=(self)"),
)
TRANSPORT = ((b"strict-transport-security", b"max-age=31536000"),)
STARTS = ("http.response.start", "websocket.http.response.start")


class SecurityHeaders:
    """Add each of them to a response that has none of that name.

    Here and not in Traefik, whose headers middleware overwrites what the application set. `transport`
    adds Strict-Transport-Security to what is answered over https.
    """

    def __init__(self, app: ASGIApp, transport: bool) -> None:
        self.app, self.transport = app, transport

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "lifespan":
            return self.app(scope, receive, send)
        secure = self.transport and scope["scheme"] in ("https", "wss")
        policy = (*ALWAYS, *TRANSPORT) if secure else ALWAYS

        def adding(message: Message) -> Awaitable[None]:
            if message["type"] in STARTS:
                headers = list(message.get("headers", ()))
                names = {name.lower() for name, _ in headers}
                if b"content-security-policy" in names and framing(headers):
                    names.add(b"x-frame-options")
                missing = [pair for pair in policy if pair[0] not in names]
                message = {**message, "headers": [*headers, *missing]}
            return send(message)

        return self.app(scope, receive, adding)


def framing(headers: list[tuple[bytes, bytes]]) -> bool:
    """Return whether a Content-Security-Policy says who may frame the page."""
    return any(
        name.lower() == b"content-security-policy" and b"frame-ancestors" in value.lower()
        for name, value in headers
    )
