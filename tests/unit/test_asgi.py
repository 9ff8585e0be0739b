"""What src/behindproxy_serve/asgi.py puts round an application, asked without a server."""

import json

import anyio
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from behindproxy_serve.asgi import wrap
from behindproxy_serve.settings import Settings


async def seen(request):
    return JSONResponse(
        {
            "root_path": request.scope["root_path"],
            "path": request.scope["path"],
            "raw_path": request.scope["raw_path"].decode(),
            "scheme": request.scope["scheme"],
            "client": request.client.host,
            "headers": sorted(request.headers),
        }
    )


def ask(path="/app", headers=(), client="127.0.0.1", **settings):
    """The status and JSON that the wrapped application answers to one request."""
    inner = Starlette(routes=[Route("/app", seen), Mount("/sub", routes=[Route("/app", seen)])])
    app = wrap(inner, Settings(**settings))
    if not any(name == "host" for name, _ in headers):
        headers = [("host", "localhost:9999"), *headers]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(k.encode(), v.encode()) for k, v in headers],
        "client": (client, 50000),
        "server": ("10.0.0.9", 8000),
    }
    messages = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        messages.append(message)

    anyio.run(app, scope, receive, send)
    body = b"".join(message.get("body", b"") for message in messages)
    status = messages[0]["status"]
    return status, json.loads(body) if status == 200 else body.decode()


MALFORMED = [
    "localhost:",
    "localhost:99999",
    "localhost:0",
    "localhost:port",
    "",
    "a b",
    "a/b",
    "user@localhost",
    "[::1",
    "localhost:80:80",
]


@pytest.mark.parametrize("host", MALFORMED)
def test_a_malformed_host_or_impossible_port_is_400(host):
    status, body = ask(headers=[("host", host)])
    assert status == 400 and "10.0.0.9" not in body


@pytest.mark.parametrize("host", ["localhost", "localhost:65535", "[::1]:80", "127.0.0.1", "a_b.c."])
def test_a_sound_host_passes(host):
    assert ask(headers=[("host", host)])[0] == 200


def test_two_hosts_are_400():
    assert ask(headers=[("host", "a"), ("host", "b")])[0] == 400


@pytest.mark.parametrize("server", ["gunicorn", "hypercorn"])
def test_servers_that_do_not_restore_the_prefix_get_it_restored(server):
    _, answer = ask("/sub/app", app_server=server)
    assert answer["root_path"] == "/api/v1/sub"
    assert answer["path"] == answer["raw_path"] == "/api/v1/sub/app"


@pytest.mark.parametrize("server", ["uvicorn", "fastapi", "gunicorn", "hypercorn"])
@pytest.mark.parametrize("path", ["/app", "/api/v1/app"])
def test_unstripped_both_paths_answer_and_root_path_is_set(server, path):
    status, answer = ask(path, app_server=server, strip_prefix=False)
    assert (status, answer["root_path"], answer["path"]) == (200, "/api/v1", path)


SPOOF = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-proto", "https")]


@pytest.mark.parametrize("server", ["gunicorn", "hypercorn"])
def test_the_proxy_is_trusted_and_another_address_is_not(server):
    trusted = ask(headers=SPOOF, client="172.30.98.10", app_server=server, proxy_address="172.30.98.10")
    doubted = ask(headers=SPOOF, client="172.30.98.1", app_server=server, proxy_address="172.30.98.10")
    assert (trusted[1]["client"], trusted[1]["scheme"]) == ("6.6.6.6", "https")
    assert (doubted[1]["client"], doubted[1]["scheme"]) == ("172.30.98.1", "http")


@pytest.mark.parametrize("tokens", [[], ["wrong"], ["right", "right"], ["wrong", "right"]])
def test_without_the_one_right_token_nobody_is_trusted(tokens):
    headers = [*SPOOF, *(("x-proxy-token", value) for value in tokens)]
    _, answer = ask(headers=headers, proxy_token="right")
    assert (answer["client"], answer["scheme"]) == ("127.0.0.1", "http")


def test_the_token_is_trusted_and_never_shown_to_the_application():
    _, answer = ask(headers=[*SPOOF, ("x-proxy-token", "right")], proxy_token="right")
    assert (answer["client"], answer["scheme"]) == ("6.6.6.6", "https")
    assert "x-proxy-token" not in answer["headers"]
