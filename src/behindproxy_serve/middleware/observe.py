"""What is known of a request: its id, in the response and every log line; one JSON line; metrics. The one
that sees each message of a response, it also has the headers and the turns of what is sent."""

import logging
import re
import time
from collections.abc import Awaitable
from json.encoder import encode_basestring_ascii as quoted
from pathlib import Path
from random import Random

from starlette.requests import ClientDisconnect
from starlette.routing import Mount, compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from ..headers import by_name, may_have_body, put, values
from ..metrics import Slot, serve_metrics
from ..request_id import request_id
from ..routes import routes
from .health import HEALTH
from .lines import Lines
from .security_headers import ALWAYS, TRANSPORT, lacking
from .turns import PARTS, give_way

HEADER = b"x-request-id"
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
TRACEPARENT = re.compile(rb"[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET"))
# Of the line, in characters. Longer ones would wash the log; and none may be longer than what is written at
# once (lines.py).
PATH_LENGTH, METHOD_LENGTH, ID_LENGTH = 2_048, 32, 128
ESCAPED = 12  # characters that one of a path takes at most, in JSON
SECURE = ("https", "wss")
CLIENT_LEFT = 499  # as Traefik and nginx log it


class Observe:
    """Answer with an X-Request-ID, the application's, a client's where it is harmless, or a new one; write
    the access line; and count, with the route's template in place of the path: made-up paths must not make
    new time series.

    `prefix` is the root_path that requests come with. Each worker counts in a file in `folder`; with a
    `port`, it serves the metrics of all there, on `host`. To each response it adds the security headers that
    it lacks, with `transport` those of https; and it gives way in one of many parts. A layer for each of
    these would take 10 µs more of a request (docs/performance.md).
    """

    def __init__(
        self, app: ASGIApp, prefix: str, folder: Path, host: str, port: int, transport: bool = False
    ) -> None:
        self.app, self.prefix, self.folder, self.host, self.port = app, prefix, folder, host, port
        self.policy = (ALWAYS, (*ALWAYS, *TRANSPORT) if transport else ALWAYS)  # without TLS, and with it
        self.slot, self.lines = Slot(), Lines()
        self.bits = Random().getrandbits  # of this process; an id is no secret
        self.checks = frozenset((*HEALTH, *(f"{prefix}{path}" for path in HEALTH)))
        self.second, self.until_second = 0, ""
        self.mounts = [(compile_path(path)[0], path) for path, one in routes(app) if isinstance(one, Mount)]
        # The servers' own lines would say the same again, in four formats.
        for name in ("uvicorn.access", "gunicorn.access", "hypercorn.access"):
            logging.getLogger(name).handlers.clear()
            logging.getLogger(name).propagate = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            self.slot = Slot(self.folder)
            if self.port:
                serve_metrics(self.host, self.port, self.folder)
            return await self.app(scope, receive, send)
        # Noted first: mounts change the scope on the way down.
        path, began = scope["path"], time.perf_counter()
        status, size, parts, last = 500, 0, 0, by_name(scope)
        id_, parent, forwarded = last.get(HEADER), last.get(b"traceparent"), b"x-forwarded-for" in last
        if id_ is None or not REQUEST_ID.fullmatch(id_) or len(values(scope, HEADER)) > 1:
            id_ = b"%032x" % self.bits(128)
            put(scope, HEADER, id_)  # the application reads it there

        upload = Upload(receive) if scope["type"] == "http" and may_have_body(scope) else None

        def noting(message: Message) -> Awaitable[None]:
            nonlocal status, size, parts, id_
            kind = message["type"]
            if kind == "http.response.body" or kind == "websocket.http.response.body":
                size += len(message.get("body", b""))
                if message.get("more_body"):
                    parts += 1
                    if parts % PARTS == 0:
                        return give_way(send, message)
            elif kind == "http.response.start" or kind == "websocket.http.response.start":
                status, headers = message["status"], [*message.get("headers", ())]
                if upload:
                    upload.has_answer = True
                names = {name.lower(): value for name, value in reversed(headers)}
                if HEADER in names:
                    id_ = names[HEADER][:ID_LENGTH]
                else:
                    headers.append((HEADER, id_))
                headers += lacking(headers, names, self.policy[scope.get("scheme") in SECURE])
                message = {**message, "headers": headers}
            elif kind == "websocket.accept":
                status = 101
            elif kind == "websocket.close" and status != 101:
                status = 403
            return send(message)

        before = request_id.set(id_.decode())
        self.slot.began()
        try:
            await self.app(scope, upload.receive if upload else receive, noting)
        except (ClientDisconnect, WebSocketDisconnect):
            # No error of the application, and a client that does it on purpose would have a traceback written
            # each time. The 500 that Starlette makes of it is sent to nobody.
            status = CLIENT_LEFT if status == 500 else status
        finally:
            self.slot.ended()
            request_id.reset(before)
            seconds = time.perf_counter() - began
            if upload and upload.has_left:  # FastAPI answers 400 to nobody, Litestar 500
                status = CLIENT_LEFT
            method, route = scope.get("method", "WEBSOCKET"), self.template(scope)
            self.slot.count((method if method in METHODS else "other", route, status), seconds)
            # The proxy's and the container's own checks come every second. Nobody has forwarded them.
            if status >= 400 or forwarded or path not in self.checks:
                client, traced = scope.get("client"), parent and TRACEPARENT.fullmatch(parent)
                # Laid out by hand: a library takes as long for this line as all else here together.
                self.lines.add(
                    f'{{"message":"request","time":"{self._now()}",'
                    f'"request_id":{quoted(id_.decode("latin-1"))},'
                    f'"trace_id":{quoted(traced[1].decode()) if traced else "null"},'
                    f'"client":{quoted(f"{client[0]}:{client[1]}") if client else "null"},'
                    f'"method":{quoted(method[:METHOD_LENGTH])},"path":{shortened(path)},"route":{quoted(route)},'
                    f'"status":{status},"bytes":{size},"seconds":{seconds:.6f}}}\n'
                )

    def _now(self) -> str:
        """Return the time in UTC, to the microsecond (RFC 3339)."""
        now = time.time()
        second = int(now)
        if second != self.second:
            self.second, self.until_second = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self.until_second}.{int((now - second) * 1e6):06d}Z"

    def template(self, scope: Scope) -> str:
        """Return the route that answered, as it was written: `/items/{id}`, mounts included."""
        route, mounted = scope.get("route"), scope.get("root_path", "")
        if mounted == self.prefix and route is not None and not isinstance(route, Mount):
            return str(route.path)
        mounted = mounted.removeprefix(self.prefix)
        if mounted:
            mounted = next((pattern for path, pattern in self.mounts if path.fullmatch(mounted)), "/{mount}")
        if route is None or isinstance(route, Mount):
            return f"{mounted}/{{path}}" if mounted else "none"
        return str(mounted + route.path)


def shortened(path: str) -> str:
    """Return the beginning of `path` as JSON, of at most PATH_LENGTH characters and the quotes."""
    text = quoted(path[:PATH_LENGTH])
    return text if len(text) <= PATH_LENGTH + 2 else quoted(path[: PATH_LENGTH // ESCAPED])


class Upload:
    """Note whether the client left before the end of its body, and before a response began."""

    def __init__(self, receive: Receive) -> None:
        self.next = receive
        self.is_whole = self.has_answer = self.has_left = False

    async def receive(self) -> Message:
        message = await self.next()
        if message["type"] == "http.disconnect":
            self.has_left = self.has_left or not (self.is_whole or self.has_answer)
        else:
            self.is_whole = not message.get("more_body", False)
        return message
