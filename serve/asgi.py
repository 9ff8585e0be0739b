"""What the servers load: the application named by APP_MODULE, inside what every server needs."""

import logging
import re
import secrets
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from . import log
from .drain import Leaving
from .health import Health
from .limits import BodyLimit, WholeBody, limit_hypercorn_websockets
from .observe import Observe, with_request_id
from .probe import Probe
from .problems import problem
from .settings import Settings

HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?")
TOKEN_HEADER = b"x-proxy-token"
BOOT_FAILED = 3  # Gunicorn ends at this status of a worker, and starts another one at any other


class HostGuard:
    """Answers 400 unless there is exactly one Host, well formed, with a possible port.

    Starlette falls back to the socket's own address otherwise, and every redirect then shows it
    (`Host: example.com:` and `example.com:99999` pass Traefik's Host rule).
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._sound(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "http" or "websocket.http.response" in scope.get("extensions", {}):
            await problem(400, "the Host header is malformed")(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    @staticmethod
    def _sound(scope: Scope) -> bool:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        match = HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        return match is not None and 0 < int(match[1] or 80) < 65536


class RootPath:
    """Sets `root_path`, and restores the prefix in the path where a proxy stripped it.

    ASGI's path includes root_path. Uvicorn does this for --root-path; Gunicorn's and Hypercorn's
    own option leaves the path stripped, and mounts, static files and redirects then break.
    """

    def __init__(self, app: ASGIApp, prefix: str, stripped: bool) -> None:
        self.app, self.prefix, self.stripped = app, prefix, stripped

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            scope["root_path"] = self.prefix
            if self.stripped:
                scope["path"] = self.prefix + scope["path"]
                scope["raw_path"] = self.prefix.encode() + (scope.get("raw_path") or b"")
        await self.app(scope, receive, send)


class ProxyToken:
    """Believes forwarded headers only beside the token that this stack's Traefik adds.

    On one host without containers every process has the proxy's address, 127.0.0.1.
    """

    def __init__(self, believed: ASGIApp, doubted: ASGIApp, token: str) -> None:
        self.believed, self.doubted, self.token = believed, doubted, token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.doubted
        if scope["type"] in ("http", "websocket"):
            given = [value for name, value in scope["headers"] if name == TOKEN_HEADER]
            scope["headers"] = [pair for pair in scope["headers"] if pair[0] != TOKEN_HEADER]
            if len(given) == 1 and secrets.compare_digest(given[0], self.token):
                app = self.believed
        await app(scope, receive, send)


class AnyASGI(FastAPI):
    """An ASGI application that the FastAPI CLI agrees to serve: it takes FastAPI objects only."""

    def __init__(self, inner: ASGIApp) -> None:
        super().__init__(openapi_url=None)
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.inner(scope, receive, send)


def load(name: str) -> ASGIApp:
    """The object that `module:attr` names. Raises ImportError or AttributeError."""
    module, _, attributes = name.partition(":")
    found: Any = import_module(module)
    for attribute in attributes.split("."):
        found = getattr(found, attribute)
    return cast(ASGIApp, found)


def wrap(app: ASGIApp, settings: Settings) -> ASGIApp:
    """`app` as it must be served by `settings.app_server` behind the prefix."""
    if settings.probe and not getattr(app, "has_probe", False):  # one further in sees more
        app = Probe(app)
    app = BodyLimit(app, settings.max_body_bytes)
    app = Health(app, settings.api_prefix, Path(settings.run_dir) / "draining")
    app = HostGuard(app)
    if settings.drain_mark:
        app = Leaving(app, settings.drain_mark)
    app = Observe(app, settings.api_prefix, settings.app_host, settings.metrics_port)
    app = with_request_id(app)
    if settings.app_server == "hypercorn":
        app = WholeBody(app)
        limit_hypercorn_websockets()
    own_options = settings.app_server in ("uvicorn", "fastapi")
    if not (own_options and settings.strip_prefix):
        app = RootPath(app, settings.api_prefix, settings.strip_prefix)
    # Gunicorn never reads X-Forwarded-For and makes wss ws; Hypercorn reads neither header. (Uvicorn's
    # types of an ASGI application are not Starlette's.)
    if settings.proxy_token:
        believing = ProxyHeadersMiddleware(app, settings.forwarded_allow_ips)  # type: ignore[arg-type]
        app = ProxyToken(believing, app, settings.proxy_token)  # type: ignore[arg-type]
    elif not own_options:
        app = ProxyHeadersMiddleware(app, settings.forwarded_allow_ips)  # type: ignore[arg-type,assignment]
    return AnyASGI(app) if settings.app_server == "fastapi" else app


def create() -> ASGIApp:
    settings = Settings()
    logging.captureWarnings(True)
    try:
        return wrap(load(settings.app_module), settings)
    except Exception as error:
        if settings.app_reload:
            raise  # the server waits for a change then
        log.failure(f"APP_MODULE={settings.app_module} could not be loaded", error)
        raise SystemExit(BOOT_FAILED) from None


app = create()
