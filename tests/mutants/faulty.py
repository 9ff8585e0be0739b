"""Applications as adopters bring them: the demonstration, with one fault each.

APP_MODULE=tests.mutants.faulty:NAME serves it.
"""

import os

from app.demonstration import STATIC
from app.main import create_app
from fastapi import Depends, Request, Response
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse
from fastapi.security import OAuth2PasswordBearer
from starlette.middleware.httpsredirect import HTTPSRedirectMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from behindproxy_serve import order
from behindproxy_serve.probe import Probe


def header(scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


CHANGES = {}  # of each request's scope, by application


def with_scope(change):
    """The demonstration behind a middleware that changes the scope of each request."""
    app = create_app()
    CHANGES[app] = change
    return app


def probe(app):
    """The probe; where a middleware changes the scope, inside it, so that it sees the change."""
    inner, change = Probe(app), CHANGES.get(app)

    async def changing(scope, receive, send):
        if scope["type"] in ("http", "websocket"):
            scope = {**scope, **change(scope)}
        await inner(scope, receive, send)

    return changing if change else inner


order.Probe = probe


def _prefix(scope) -> dict:
    prefix = header(scope, b"x-forwarded-prefix")
    return {"root_path": prefix} if prefix else {}


def _forwarded(scope) -> dict:
    fields = [pair.partition("=") for pair in header(scope, b"forwarded").split(";")]
    pairs = {key.strip().lower(): value.strip('"') for key, _, value in fields}
    changed = {}
    if "for" in pairs:
        changed["client"] = (pairs["for"], 0)
    if "proto" in pairs:
        changed["scheme"] = pairs["proto"]
    return changed


def _host(scope) -> dict:
    host = header(scope, b"x-forwarded-host").encode()
    pairs = [(key, host if key == b"host" and host else value) for key, value in scope["headers"]]
    return {"headers": pairs}


def _ws_for_wss(scope) -> dict:
    return {"scheme": "ws"} if scope["type"] == "websocket" else {}


prefix_from_header = with_scope(_prefix)
forwarded_trusted = with_scope(_forwarded)
forwarded_host = with_scope(_host)
ws_for_wss = with_scope(_ws_for_wss)
trusted_host = TrustedHostMiddleware(create_app(), allowed_hosts=["localhost"])
production_host = TrustedHostMiddleware(create_app(), allowed_hosts=["api.example.com"])


class ExceptHealth(HTTPSRedirectMiddleware):
    async def __call__(self, scope, receive, send):
        healthy = scope.get("path", "").endswith("/healthz")
        await (self.app if healthy else super().__call__)(scope, receive, send)


https_redirect = ExceptHealth(create_app())

hard_coded_redirect = create_app()


@hard_coded_redirect.get("/old", response_class=RedirectResponse, status_code=307)
async def old() -> str:
    return "/items/"


token_url = create_app()


@token_url.get("/me", dependencies=[Depends(OAuth2PasswordBearer(tokenUrl="/token"))])
async def me() -> dict[str, str]:
    return {"name": "ops"}


cookie_path = create_app()


@cookie_path.get("/visit")
async def visit(response: Response) -> dict[str, str]:
    response.set_cookie("seen", "1")
    return {"seen": "1"}


links_by_string = create_app()


@links_by_string.get("/links")
async def links(request: Request) -> dict[str, str]:
    return {"items": f"{request.url.scheme}://{request.headers['host']}/items/"}


catch_all = create_app()


@catch_all.get("/{path:path}", include_in_schema=False)
async def anything(path: str) -> dict[str, str]:
    return {"page": "index"}


names_itself = create_app()


@names_itself.exception_handler(404)
async def not_found(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": f"nothing here, at {request.scope['server'][0]}:8000"}, 404)


class Collected:
    """Sends nothing before the whole response is there."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        messages = []

        async def keep(message):
            messages.append(message)

        await self.app(scope, receive, keep)
        for message in messages:
            await send(message)


collects_streams = Collected(create_app())


traces = create_app()


@traces.api_route("/app", methods=["TRACE"], include_in_schema=False)
async def trace(request: Request) -> dict[str, str]:
    return dict(request.headers)


joined_paths = create_app()
joined_paths.router.routes = [
    route for route in joined_paths.routes if getattr(route, "name", "") != "static"
]


@joined_paths.get("/static/{path:path}", include_in_schema=False)
async def opened(path: str) -> Response:
    file = f"{STATIC}/{path}"
    return FileResponse(file) if os.path.isfile(file) else Response(status_code=404)


fails_sometimes = create_app()


def _odd(count: int = 1) -> dict[str, int]:
    return {"share": 100 // count}


fails_sometimes.get("/share")(_odd)
_sub = next(one for one in fails_sometimes.routes if getattr(one, "name", "") == "sub")
_sub.app.get("/share")(_odd)
