"""What a response has beside what the application set: only what it did not set."""

import json

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from behindproxy_serve.asgi import wrap
from behindproxy_serve.settings import Settings

from .asgi import request

FRONT = "http://front.example"
HOST = ("host", "localhost:9999")


def answer(app, path="/", headers=(), body=(b"",), **settings) -> tuple[int, list[tuple[str, str]]]:
    """Return the status and the headers, in their order, of one response of the wrapped application."""
    method = settings.pop("method", "GET")
    _, messages = request(wrap(app, Settings(**settings)), path, method, body, [HOST, *headers])
    return messages[0]["status"], [
        (key.decode().lower(), value.decode()) for key, value in messages[0]["headers"]
    ]


def answering(headers: dict[str, str]):
    async def app(scope, receive, send):
        pairs = [(key.encode(), value.encode()) for key, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": pairs})
        await send({"type": "http.response.body", "body": b""})

    return app


ADDITIONS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "strict-origin-when-cross-origin",
    "permissions-policy": "camera=(self), geolocation=(self), microphone=(self)",
}


def test_what_the_application_did_not_set_is_added():
    _, headers = answer(answering({}))
    assert ADDITIONS.items() <= dict(headers).items()


def test_an_answer_that_sends_no_list_of_headers_gets_them_too():
    async def bare(scope, receive, send):
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    assert ADDITIONS.items() <= dict(answer(bare)[1]).items()


@pytest.mark.parametrize("name", ADDITIONS)
def test_what_the_application_set_arrives_once_as_it_set_it(name):
    for spelled in (name, name.title()):
        _, headers = answer(answering({spelled: "its own"}))
        assert [value for key, value in headers if key == name] == ["its own"]


def test_a_policy_that_says_who_may_frame_the_page_stands_alone():
    policy = "default-src 'self'; frame-ancestors https://partner.example"
    assert "x-frame-options" not in dict(answer(answering({"Content-Security-Policy": policy}))[1])
    other = answer(answering({"Content-Security-Policy": "default-src 'self'"}))[1]
    assert dict(other)["x-frame-options"] == "SAMEORIGIN"


@pytest.mark.parametrize(
    ("scheme", "domain", "there"),
    [("https", "api.example.com", True), ("http", "api.example.com", False), ("https", "", False)],
)
def test_browsers_are_told_to_come_back_over_https_where_there_is_a_domain(scheme, domain, there):
    headers = [("x-forwarded-proto", scheme)]
    _, pairs = answer(answering({}), headers=headers, app_server="gunicorn", domain=domain)
    assert ("strict-transport-security" in dict(pairs)) == there


def test_a_refusal_of_the_wrapper_has_them():
    status, headers = answer(answering({}), headers=[("host", "b")])
    assert status == 400 and ADDITIONS.items() <= dict(headers).items()


def with_id(own: str):
    async def page(request):
        return Response("", headers={"X-Request-ID": own} if own else {})

    async def through(request, call_next):
        return await call_next(request)  # its response is sent by another task

    return Starlette(routes=[Route("/", page)], middleware=[Middleware(BaseHTTPMiddleware, dispatch=through)])


@pytest.mark.parametrize("own", ["app-1", "given"])
def test_the_application_s_request_id_is_the_only_one_and_stands_in_the_log(own, capfd):
    _, headers = answer(with_id(own), headers=[("x-request-id", "given")])
    assert [value for key, value in headers if key == "x-request-id"] == [own]
    assert json.loads(capfd.readouterr().out.splitlines()[-1])["request_id"] == own


def test_without_one_of_its_own_the_client_s_or_a_new_one_is_answered():
    assert dict(answer(with_id(""), headers=[("x-request-id", "given")])[1])["x-request-id"] == "given"
    assert len(dict(answer(with_id(""))[1])["x-request-id"]) == 32


def blobs(**options):
    methods = []

    async def blob(request):
        methods.append(request.method)
        return JSONResponse(len(await request.body()))

    app = Starlette(
        routes=[Route("/blobs", blob, methods=["PUT"])], middleware=[Middleware(CORSMiddleware, **options)]
    )
    app.methods = methods
    return app


CREDENTIALS = {"allow_origins": [FRONT], "allow_methods": ["*"], "allow_credentials": True}
POLICIES = [CREDENTIALS, {"allow_origins": ["*"]}, {"allow_origins": [FRONT], "expose_headers": ["ETag"]}]


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("policy", POLICIES)
def test_a_413_has_the_cors_headers_that_the_application_s_own_answer_has(policy, announced):
    origin = [("origin", FRONT), ("content-type", "application/octet-stream")]
    whole = [b"x" * 1000, b"x" * 1000]
    length = [("content-length", "2000")] if announced else [("transfer-encoding", "chunked")]
    app = blobs(**policy)
    results = []
    for body, headers in (([b"x"], origin), (whole, [*origin, *length])):
        status, pairs = answer(app, "/blobs", headers, body, method="PUT", max_body_bytes=1024)
        cors = {(k, v) for k, v in pairs if k.startswith("access-control-") or k == "vary"}
        results.append((status, cors))
    assert (results[0][0], results[1][0]) == (200, 413)
    assert results[0][1] == results[1][1] and ("access-control-allow-origin" in dict(results[0][1]))
    assert app.methods.count("PUT") == (1 if announced else 2)  # OPTIONS is no route of it


@pytest.mark.parametrize("origin", ["http://another.example", ""])
def test_an_origin_that_the_application_does_not_allow_reads_no_413(origin):
    headers = [("content-length", "2000"), *([("origin", origin)] if origin else [])]
    status, pairs = answer(blobs(**CREDENTIALS), "/blobs", headers, method="PUT", max_body_bytes=1024)
    assert status == 413
    assert "access-control-allow-origin" not in dict(pairs)


def test_an_application_that_fails_or_says_nothing_is_answered_for_all_the_same(monkeypatch):
    async def fails(scope, receive, send):
        raise RuntimeError("OPTIONS is not expected")

    async def waits(scope, receive, send):
        while (await receive())["type"] != "http.disconnect":
            pass

    monkeypatch.setattr("behindproxy_serve.middleware.cross_origin.SECONDS", 0.01)
    headers = [("content-length", "2000"), ("origin", FRONT)]
    for app in (fails, waits):
        assert answer(app, "/blobs", headers, method="PUT", max_body_bytes=1024)[0] == 413
