"""The order of the middlewares round an application (behindproxy_serve/order.py), and what depends on it."""

import inspect
import itertools
import json
from functools import partial

import pytest

from behindproxy_serve.asgi import wrap
from behindproxy_serve.middleware.observe import Observe
from behindproxy_serve.settings import Settings

from .asgi import request

# Outside, by server, whether the proxy strips the prefix, and whether it has a token.
OUTSIDE = {
    ("uvicorn", True, False): "Entry Aliases",
    ("uvicorn", True, True): "Entry ProxyToken Aliases",
    ("uvicorn", False, False): "Entry Aliases RootPath",
    ("uvicorn", False, True): "Entry ProxyToken Aliases RootPath",
    ("fastapi", True, False): "AnyASGI Aliases",
    ("fastapi", True, True): "AnyASGI ProxyToken Aliases",
    ("fastapi", False, False): "AnyASGI Aliases RootPath",
    ("fastapi", False, True): "AnyASGI ProxyToken Aliases RootPath",
    ("gunicorn", True, False): "Entry Forwarded Aliases RootPath",
    ("gunicorn", True, True): "Entry ProxyToken Aliases RootPath",
    ("gunicorn", False, False): "Entry Forwarded Aliases RootPath",
    ("gunicorn", False, True): "Entry ProxyToken Aliases RootPath",
    ("hypercorn", True, False): "Entry Forwarded Aliases RootPath WholeBody",
    ("hypercorn", True, True): "Entry ProxyToken Aliases RootPath WholeBody",
    ("hypercorn", False, False): "Entry Forwarded Aliases RootPath WholeBody",
    ("hypercorn", False, True): "Entry ProxyToken Aliases RootPath WholeBody",
}
# Inside, for each of them, by whether it may leave (drain mark) and whether there is a probe.
LATER = "HostGuard Health BodyLimit BodyFirst BarePrefix Startup"
INSIDE = {
    (False, False): f"Observe {LATER}",
    (False, True): f"Observe {LATER} Probe",
    (True, False): f"Observe Leaving {LATER}",
    (True, True): f"Observe Leaving {LATER} Probe",
}


def layers(app) -> list[str]:
    """The middlewares of `app`, from the outermost to the one before the application."""
    names = []
    while hasattr(app, "app"):
        names.append(type(app).__name__)
        app = app.app
    return names


@pytest.mark.parametrize("leaves, probe", INSIDE)
@pytest.mark.parametrize("server, strips, token", OUTSIDE)
def test_the_middlewares_stand_in_this_order(server, strips, token, leaves, probe):
    settings = Settings(
        app_server=server,
        strip_prefix=strips,
        proxy_token="secret" if token else "",
        drain_mark="/nowhere/leaving" if leaves else "",
        probe=probe,
    )
    expected = f"{OUTSIDE[server, strips, token]} {INSIDE[leaves, probe]}"
    assert layers(wrap(Application(), settings)) == expected.split()


@pytest.mark.parametrize("server, strips, token", OUTSIDE)
def test_what_a_server_gets_is_a_coroutine_function(server, strips, token):
    """Uvicorn takes another callable for ASGI 2, Hypercorn for WSGI."""
    settings = Settings(app_server=server, strip_prefix=strips, proxy_token="secret" if token else "")
    assert inspect.iscoroutinefunction(wrap(Application(), settings).__call__)


def test_documentation_is_hidden_behind_the_limits_where_it_is_not_for_everybody():
    assert "Docs" not in layers(wrap(Application(), Settings()))
    for docs in ("private", "off"):
        names = layers(wrap(Application(), Settings(docs=docs, probe=False)))
        assert names[names.index("BodyLimit") :] == [
            "BodyLimit",
            "BodyFirst",
            "Docs",
            "BarePrefix",
            "Startup",
        ]


def test_every_server_is_among_them():
    servers = Settings.model_fields["app_server"].annotation.__args__
    assert set(OUTSIDE) == set(itertools.product(servers, (True, False), (True, False)))


def test_beside_the_token_forwarded_headers_are_read_and_nothing_is_left_out():
    outermost = wrap(Application(), Settings(proxy_token="secret", app_server="gunicorn"))
    token = outermost.app
    assert layers(token.trusting) == ["Forwarded", *layers(token)[1:]]
    assert token.trusting.app is token.app


class Application:
    """Notes the scope of each request that reaches it."""

    def __init__(self):
        self.scopes = []

    async def __call__(self, scope, receive, send):
        self.scopes.append(scope)
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"mine"})


def observing(app) -> Observe:
    while not isinstance(app, Observe):
        app = app.app
    return app


class Exchange:
    """What came of one request to a wrapped application."""

    def __init__(self, capfd, path="/app", headers=(), body=(b"",), **settings):
        application = Application()
        app = wrap(application, Settings(**settings))
        headers = {"host": "localhost:9999", **dict(headers)}
        capfd.readouterr()
        _, messages = request(app, path, body=body, headers=headers.items())
        self.reached = application.scopes
        self.status = messages[0]["status"]
        self.headers = {key.decode(): value.decode() for key, value in messages[0]["headers"]}
        self.lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
        self.statuses = {key[2] for key in observing(app).slot.places}


@pytest.fixture
def ask(capfd):
    return partial(Exchange, capfd)


def test_a_malformed_host_reaches_no_application_and_is_logged_with_its_id(ask):
    answer = ask(headers={"host": "localhost:"})
    assert (answer.status, answer.reached) == (400, [])
    (line,) = answer.lines
    assert line["status"] == 400
    assert line["request_id"] == answer.headers["x-request-id"]
    assert answer.statuses == {400}


@pytest.mark.parametrize("path", ["/readyz", "/_probe/x"])
def test_a_malformed_host_gets_nothing_from_what_answers_in_the_application_s_place(ask, tmp_path, path):
    (tmp_path / "draining").touch()
    assert ask(path, headers={"host": "localhost:99999"}, run_dir=str(tmp_path)).status == 400


FRAMING = [{"content-length": "2000"}, {"transfer-encoding": "chunked"}]


@pytest.mark.parametrize("headers", FRAMING, ids=["announced", "not"])
def test_a_body_above_the_limit_is_logged_and_counted(ask, headers):
    answer = ask(headers=headers, body=[b"x" * 1000, b"x" * 1000], max_body_bytes=1024)
    assert answer.status == 413
    assert len(answer.reached) == (0 if "content-length" in headers else 1)
    assert [line["status"] for line in answer.lines] == [413]
    assert answer.statuses == {413}


@pytest.mark.parametrize("server", ["uvicorn", "fastapi", "gunicorn", "hypercorn"])
@pytest.mark.parametrize("path", ["/readyz", "/api/v1/readyz"])
def test_while_it_drains_the_application_is_not_asked_whether_it_is_ready(ask, tmp_path, server, path):
    settings = {"app_server": server, "strip_prefix": False, "run_dir": str(tmp_path)}
    assert ask(path, **settings).status == 200
    (tmp_path / "draining").touch()
    answer = ask(path, **settings)
    assert (answer.status, answer.reached) == (503, [])
    assert [line["status"] for line in answer.lines] == [503]


def test_a_refusal_closes_the_connection_of_a_container_that_leaves(ask, tmp_path):
    mark = tmp_path / "leaving"
    mark.touch()
    assert ask(headers={"host": "localhost:"}, drain_mark=str(mark)).headers["connection"] == "close"
    mark.unlink()
    assert "connection" not in ask(headers={"host": "localhost:"}, drain_mark=str(mark)).headers


def test_the_log_has_the_client_and_the_path_that_the_application_gets(ask):
    headers = {"x-forwarded-for": "192.0.2.7", "x-proxy-token": "right"}
    answer = ask(headers=headers, app_server="gunicorn", proxy_token="right")
    (scope,), (line,) = answer.reached, answer.lines
    assert scope["client"][0] == "192.0.2.7" and scope["path"] == "/api/v1/app"
    assert (line["client"], line["path"]) == ("192.0.2.7:0", "/api/v1/app")
    assert not any(name == b"x-proxy-token" for name, _ in scope["headers"])
