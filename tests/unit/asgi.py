"""One request to an ASGI application, without a server."""

from collections.abc import Iterable

import anyio


def request(app, path="/", method="GET", body=(b"",), headers: Iterable[tuple[str, str]] = ()):
    """Return the scope and the messages that `app` sent; `body` in the parts given."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "headers": [(key.encode(), value.encode()) for key, value in headers],
    }
    parts, messages = list(body), []

    async def receive():
        part = parts.pop(0) if parts else b""
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message):
        messages.append(message)

    anyio.run(app, scope, receive, send)
    return scope, messages
