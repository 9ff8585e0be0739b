"""A third-party application that takes any path and any method and answers 200, as some do:
APP_MODULE=tests.thirdparty.counts:app. `GET /_counts` says which requests reached it."""

import json
from collections import Counter

OVERRIDES = {b"x-http-method-override", b"x-http-method", b"x-method-override"}
NUMBER = {"name": "number", "in": "path", "required": True, "schema": {"type": "integer"}}
# Frameworks read both, and take the request for the method that is named there.
OVERRIDING = [
    {"name": "_method", "in": "query", "schema": {"enum": ["DELETE"]}},
    {"name": "X-HTTP-Method-Override", "in": "header", "schema": {"enum": ["DELETE"]}},
]
BODY = {"content": {"application/json": {"schema": {"type": "object"}}}}
ANSWERS = {"responses": {"200": {"description": "taken"}}}
SCHEMA = {
    "openapi": "3.1.0",
    "info": {"title": "Counts", "version": "1"},
    "servers": [{"url": "/api/v1"}],
    "paths": {
        "/orders": {"get": ANSWERS, "post": {**ANSWERS, "requestBody": BODY}},
        "/orders/{number}": {
            "parameters": [NUMBER],
            **dict.fromkeys(("get", "delete"), ANSWERS),
            **{method: {**ANSWERS, "requestBody": BODY} for method in ("put", "patch")},
        },
        "/find": {"get": {**ANSWERS, "parameters": OVERRIDING, "requestBody": BODY}},
    },
}
# The page's own script sends what it likes; a check that opens the page is what made it do so.
PAGE = """<!doctype html><title>Docs</title><script>
fetch("orders", {method: "DELETE"}); navigator.sendBeacon("orders", "opened");
</script><h1>Something went wrong</h1>"""

counts: Counter[str] = Counter()


async def app(scope, receive, send) -> None:
    if scope["type"] == "websocket":
        return await websocket(receive, send)
    if scope["type"] != "http":
        return None
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    length = await body_length(receive)
    names = {name for name, _ in scope["headers"]}
    overridden = b"_method=" in scope["query_string"] or names & OVERRIDES
    if path != "/_counts":
        counts[scope["method"] + " with a body" * bool(length) + " overridden" * bool(overridden)] += 1
    kind, text = "application/json", "{}"
    if path.endswith(("/docs", "/redoc")):
        kind, text = "text/html", PAGE
    elif path == "/_counts":
        text = json.dumps(counts)
    elif path.endswith("/openapi.json"):
        text = json.dumps(SCHEMA)
    elif path == "/app":
        text = json.dumps({"message": "Hello World", "root_path": scope.get("root_path", "")})
    headers = [(b"content-type", kind.encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


async def body_length(receive) -> int:
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    return length


async def websocket(receive, send) -> None:
    while (message := await receive())["type"] != "websocket.disconnect":
        if message["type"] == "websocket.connect":
            counts["WEBSOCKET"] += 1
            await send({"type": "websocket.accept"})
        else:
            counts["a message over a WebSocket"] += 1
