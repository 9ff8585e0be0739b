"""DOCS: who gets an application's documentation and its schema."""

import functools

import anyio
import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from behindproxy_serve.asgi import wrap
from behindproxy_serve.middleware.docs import Docs, nothing
from behindproxy_serve.settings import Settings

from .asgi import request

DIRECT = [("host", "localhost")]
PROXIED = [*DIRECT, ("x-forwarded-for", "192.0.2.7")]


def status(app, path, headers=PROXIED, **settings):
    _, messages = request(wrap(app, Settings(**settings)), path, headers=headers)
    return messages[0]["status"]


def shop() -> FastAPI:
    app = FastAPI(docs_url="/help", redoc_url="/reference", openapi_url="/schema.json")
    inner = FastAPI()

    @inner.get("/orders")
    @app.get("/orders")
    def orders():
        return []

    app.mount("/{tenant}/admin", inner)
    return app


OWN = ["/help", "/help/oauth2-redirect", "/reference", "/schema.json"]
OWN[1] = "/docs/oauth2-redirect"  # FastAPI's default, wherever the page is
MOUNTED = [f"/one/admin{path}" for path in ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect")]


@pytest.mark.parametrize("path", [*OWN, *MOUNTED])
def test_they_are_404_with_off_and_nothing_else_is(path):
    app = shop()
    assert status(app, path) == status(app, path, DIRECT) == 200
    assert status(app, path, docs="off") == status(app, path, DIRECT, docs="off") == 404
    assert status(app, "/orders", docs="off") == status(app, "/one/admin/orders", docs="off") == 200


def answer(app, path, docs="off"):
    _, messages = request(wrap(app, Settings(docs=docs)), path, headers=PROXIED)
    headers = [one for one in messages[0]["headers"] if one[0] != b"x-request-id"]
    return messages[0]["status"], headers, [message.get("body") for message in messages[1:]]


@pytest.mark.parametrize("path", [*OWN, *MOUNTED, "/help/", "/one/admin/docs/"])
def test_what_is_hidden_looks_like_what_is_not_there(path):
    assert answer(shop(), path) == answer(shop(), f"{path.rstrip('/')}-not-there")


def test_a_middleware_that_reads_the_body_gets_one_and_each_request_runs_once():
    app, requests = shop(), []

    @app.middleware("http")
    async def log(request, call_next):
        requests.append((request.method, await request.body()))
        return await call_next(request)

    @app.put("/{name}")
    def put(name: str):
        return name

    assert status(app, "/help", docs="off") == status(app, "/unknown", docs="off") == 405
    assert requests == [("GET", b"")] * 2
    assert status(app, "/help", DIRECT, docs="private") == 200
    assert len(requests) == 3


def test_the_application_s_own_404_is_the_one_that_is_seen():
    app = shop()
    app.add_exception_handler(404, lambda request, error: PlainTextResponse("ours", status_code=404))
    assert answer(app, "/help")[2] == [b"ours"]


class Copies:
    """A middleware that hands on a copy of the scope, as the ASGI specification wants it."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        await self.app(dict(scope), receive, send)


@pytest.mark.parametrize("path", [*OWN, *MOUNTED, "//help", "/one/admin//docs"])
def test_no_middleware_of_the_application_shows_them(path):
    app = shop()
    app.add_middleware(Copies)
    assert status(app, path, docs="off") == 404
    assert status(app, "/orders", docs="off") == 200


@pytest.mark.parametrize("path", [*OWN, *MOUNTED])
def test_with_private_the_server_itself_answers(path):
    assert status(shop(), path, docs="private") == 404
    assert status(shop(), path, DIRECT, docs="private") == 200


def text(app, path: str, **settings) -> str:
    # As a server calls it: with the prefix in front of the path that the proxy stripped.
    _, messages = request(wrap(app, Settings(app_server="gunicorn", **settings)), path, headers=DIRECT)
    return b"".join(message.get("body", b"") for message in messages).decode()


def test_with_private_a_page_names_the_schema_where_the_server_has_it():
    assert "url: '/api/v1/schema.json'" in text(shop(), "/help")
    assert "url: '/schema.json'" in text(shop(), "/help", docs="private")
    assert "url: '/one/admin/openapi.json'" in text(shop(), "/one/admin/docs", docs="private")
    assert '"servers"' not in text(shop(), "/schema.json", docs="private")
    assert '"servers"' in text(shop(), "/schema.json")


def locked():
    raise HTTPException(401)


def decorated(function):
    @functools.wraps(function)
    def inner(*arguments, **options):
        return function(*arguments, **options)

    return inner


def own_pages() -> FastAPI:
    """FastAPI's recipe "Custom Docs UI Static Assets", behind a password, in a router."""
    app, router = FastAPI(docs_url=None, redoc_url=None, openapi_url=None), APIRouter()

    @router.get("/docs")
    @decorated
    def page() -> HTMLResponse:
        return get_swagger_ui_html(openapi_url="/openapi.json", title="own")

    @router.get("/openapi.json")
    def schema() -> JSONResponse:
        return JSONResponse(get_openapi(title="own", version="1", routes=app.routes))

    @router.get("/locked", dependencies=[Depends(locked)])
    def locked_page() -> HTMLResponse:
        return get_swagger_ui_html(openapi_url="/openapi.json", title="own")

    @router.get("/docs/start")
    def text() -> PlainTextResponse:
        return PlainTextResponse("a manual of ours, and no documentation of the API")

    app.include_router(router, prefix="/v1")
    return app


@pytest.mark.parametrize("path", ["/v1/docs", "/v1/openapi.json", "/v1/locked"])
def test_pages_of_the_application_s_own_are_known_by_what_makes_them(path):
    assert status(own_pages(), path) in (200, 401)
    assert status(own_pages(), path, docs="off") == 404
    assert status(own_pages(), "/v1/docs/start", docs="off") == 200


def swagger(title):
    return get_swagger_ui_html(openapi_url="/openapi.json", title=title)


class Page(HTTPEndpoint):
    async def get(self, request):
        return swagger("a class")


def hides_its_function(function):
    def inner():
        return function()

    return inner


class Moves:
    """A middleware of the application that changes the path in a copy of the scope."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http":
            scope = {**scope, "path": scope["path"].replace("/manual", "/help")}
        await self.app(scope, receive, send)


def made_otherwise() -> FastAPI:
    app = shop()
    app.router.routes.append(Route("/class", Page))
    app.add_middleware(GZipMiddleware, minimum_size=10)
    app.add_middleware(Moves)

    @app.get("/helper")
    def helper():
        return swagger("by a helper")

    @app.get("/own-schema")
    def own_schema():
        return app.openapi()

    @app.get("/hidden")
    @hides_its_function
    def page():
        return swagger("hidden")

    @app.get("/scalar")
    def scalar():
        return HTMLResponse('<script id="api-reference" data-url="/openapi.json"></script>')

    @app.get("/schema.yaml")
    def yaml():
        return PlainTextResponse("openapi: 3.1.0\ninfo: {}\n", media_type="application/yaml")

    @app.get("/report")
    def report():
        return {"openapi": "used", "swagger": "not"}

    @app.get("/text")
    def manual():
        return HTMLResponse("<p>Our API has an OpenAPI schema; Swagger UI and ReDoc show it.")

    return app


@pytest.mark.parametrize(
    "path", ["/helper", "/class", "/own-schema", "/hidden", "/scalar", "/schema.yaml", "/manual"]
)
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_pages_and_schemas_are_known_by_what_they_are(path, coding):
    headers = [*PROXIED, ("accept-encoding", coding)]
    assert status(made_otherwise(), path, headers) == 200
    assert status(made_otherwise(), path, headers, docs="off") == 404


@pytest.mark.parametrize("path", ["/report", "/text", "/orders"])
def test_what_only_speaks_of_them_is_shown(path):
    assert answer(made_otherwise(), path) == answer(made_otherwise(), path, docs="public")


def test_a_404_that_shows_the_path_shows_the_one_that_was_asked_for():
    app = shop()

    def missing(request, error):
        headers = {"x-path": request.url.path}
        return PlainTextResponse(f"nothing at {request.url.path}", status_code=404, headers=headers)

    app.add_exception_handler(404, missing)
    page, unknown = answer(app, "/help"), answer(app, "/held")
    assert page[2] == [b"nothing at /help"]
    assert [(key, value.replace(b"held", b"help")) for key, value in unknown[1]] == page[1]


def test_the_head_of_a_stream_is_not_held_back():
    messages = []

    async def send(message):
        messages.append(message)

    async def stream(scope, receive, send):
        head = {"status": 200, "headers": [(b"content-type", b"text/event-stream")]}
        await send({"type": "http.response.start", **head})
        assert messages

    scope = {"type": "http", "method": "GET", "path": "/events", "headers": []}
    anyio.run(Docs(stream, "", False), scope, nothing, send)
    assert len(messages) == 1


async def through(request, call_next):
    return await call_next(request)


def behind_middlewares() -> FastAPI:
    app = shop()
    app.add_middleware(BaseHTTPMiddleware, dispatch=through)
    return app


def in_a_function(app):
    async def around(scope, receive, send):
        await app(scope, receive, send)

    return around


WRAPPED = [
    behind_middlewares,
    lambda: CORSMiddleware(shop(), allow_origins=["*"]),
    lambda: Starlette(routes=[Mount("/", shop())]),
    lambda: in_a_function(shop()),
]


@pytest.mark.parametrize("make", WRAPPED, ids=["middlewares", "cors", "mounted", "function"])
def test_whatever_stands_round_the_application_they_are_found(make):
    assert [status(make(), path, docs="off") for path in ("/help", "/schema.json", "/orders")] == [
        404,
        404,
        200,
    ]
    assert status(make(), MOUNTED[0], docs="off") == 404
