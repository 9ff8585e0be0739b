"""What the application lets the pages of another origin read."""

import anyio
from starlette.types import ASGIApp, Message, Scope

SECONDS = 2
OF_A_BODY = {b"content-length", b"transfer-encoding", b"content-type", b"content-encoding", b"expect"}


async def cross_origin(app: ASGIApp, scope: Scope) -> list[tuple[bytes, bytes]]:
    """Return the CORS headers of the application's response to OPTIONS with the origin of `scope`.

    Without them a browser shows the page a network error in place of a response that was made in front of
    the application. It is no preflight, whose response has other ones.
    """
    headers = [pair for pair in scope["headers"] if pair[0] not in OF_A_BODY]
    if not any(name == b"origin" for name, _ in headers):
        return []
    pairs: list[tuple[bytes, bytes]] = []
    requested, answered = False, anyio.Event()

    async def receive() -> Message:
        nonlocal requested
        if requested:
            await answered.wait()
            return {"type": "http.disconnect"}
        requested = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            pairs.extend(pair for pair in message.get("headers", ()) if _concerns_origins(*pair))
        elif not message.get("more_body"):
            answered.set()

    with anyio.move_on_after(SECONDS):
        try:
            await app({**scope, "method": "OPTIONS", "headers": headers}, receive, send)
        except Exception:
            return pairs  # nobody waits for this response, and the server logs no failure of it
    return pairs


def _concerns_origins(name: bytes, value: bytes) -> bool:
    name = name.lower()
    return name.startswith(b"access-control-") or (name == b"vary" and b"origin" in value.lower())
