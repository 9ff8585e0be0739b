"""What is known of a request afterwards: one JSON line in the log, and metrics."""

import logging
import re
import time

import structlog
from asgi_correlation_id import correlation_id
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..metrics import IN_PROGRESS, series, serve_metrics
from .health import HEALTH

TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Observe:
    """Write the access line and count, with the route's template in place of the path: made-up
    paths must not make new time series.

    `prefix` is the root_path that requests come with. With a `port`, each worker serves the
    metrics of all there, on `host`.
    """

    def __init__(self, app: ASGIApp, prefix: str, host: str, port: int) -> None:
        self.app, self.prefix, self.host, self.port = app, prefix, host, port
        self.log = _access_log()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            if self.port:
                serve_metrics(self.host, self.port)
            return await self.app(scope, receive, send)
        # Noted first: mounts change the scope on the way down.
        path, started, sent = scope["path"], time.perf_counter(), {"status": 500, "bytes": 0}

        async def noting(message: Message) -> None:
            if message["type"].endswith("http.response.start"):
                sent["status"] = message["status"]
            elif message["type"].endswith("http.response.body"):
                sent["bytes"] += len(message.get("body", b""))
            elif message["type"] == "websocket.accept":
                sent["status"] = 101
            elif message["type"] == "websocket.close" and sent["status"] != 101:
                sent["status"] = 403
            await send(message)

        IN_PROGRESS.inc()
        try:
            await self.app(scope, receive, noting)
        finally:
            IN_PROGRESS.dec()
            self._note(scope, path, time.perf_counter() - started, sent)

    def _note(self, scope: Scope, path: str, seconds: float, sent: dict[str, int]) -> None:
        method = scope.get("method", "WEBSOCKET")
        route = template(scope, self.prefix)
        known = method if method in (*METHODS, "WEBSOCKET") else "other"
        count, duration = series(known, route, sent["status"])
        count.inc()
        duration.observe(seconds)
        traced = TRACEPARENT.fullmatch(_header(scope, b"traceparent"))
        if path.endswith(HEALTH) and sent["status"] < 400:
            return  # the proxy's and the container's own checks, every second
        self.log.info(
            "request",
            request_id=correlation_id.get(),
            trace_id=traced[1] if traced else None,
            client="{}:{}".format(*scope["client"]) if scope.get("client") else None,
            method=method,
            path=path,
            route=route,
            status=sent["status"],
            bytes=sent["bytes"],
            seconds=round(seconds, 6),
        )


def template(scope: Scope, prefix: str) -> str:
    """Return the route that answered, as it was written: `/items/{id}`, mounts included."""
    route = scope.get("route")
    mounted = scope.get("root_path", "").removeprefix(prefix)
    if route is None or isinstance(route, Mount):
        return f"{mounted}/{{path}}" if mounted else "none"
    return str(mounted + route.path)


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _access_log() -> structlog.typing.FilteringBoundLogger:
    # The servers' own lines would say the same again, in four formats.
    for name in ("uvicorn.access", "gunicorn.access", "hypercorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = False
    # Not the standard library's logging: a line of JSON through it takes several times as long.
    log: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(),
        processors=[
            structlog.processors.EventRenamer("message"),
            structlog.processors.TimeStamper(fmt="iso", key="time"),
            structlog.processors.JSONRenderer(separators=(",", ":")),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    ).bind()
    return log
