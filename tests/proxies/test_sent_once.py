"""A request of which a byte has reached the application is not sent again by any of the three proxies whose
configuration is here to copy, but for what Go's HTTP transport does over a kept connection; and the
application's own status arrives."""

import contextlib
import http.client
import itertools
import os
import shutil
import threading
import time
from dataclasses import dataclass

import pytest

from behindproxy.stack import render
from behindproxy.stack.paths import BUILD, DYNAMIC, VENV
from behindproxy.stack.settings import StackSettings
from tests.checkout import wait_for

from . import __main__ as proxies
from .misbehaving import HOST, SECONDS, Misbehaving

PREFIX = "/api/v1"
BODIES = {
    **dict.fromkeys(("GET", "HEAD", "OPTIONS", "TRACE", "DELETE", "PROPFIND", "BREW")),
    **dict.fromkeys(("POST", "PUT", "PATCH"), b"body"),
}
KEYS = ({}, {"Idempotency-Key": "one"}, {"X-Idempotency-Key": "one"})
# Bytes that Go and nginx write before the head is whole: their buffers have 4 KiB and 8 KiB.
LONG = {f"X-Long-{number}": "x" * 4000 for number in range(4)}
# How a request ends without a response, and with what a client may learn of it.
ENDS = {
    "reset-in-head": {502},
    "reset": {502},
    "reset-after-body": {502},
    "close": {502},
    "half-an-answer": {500, 502},
    "hang": {502, 504},
}
# What Go's transport sends once more by itself over a kept connection that ends without a response.
REPLAYED = {"GET", "HEAD", "OPTIONS", "TRACE"}
numbers = itertools.count()


@dataclass
class Proxied:
    name: str
    port: int
    app: Misbehaving

    def client(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(HOST, self.port, timeout=SECONDS)

    def fresh(self, deed: str, method: str, **headers: str) -> tuple[int, int]:
        """The status, and how often the application had the request."""
        key = f"k{next(numbers)}"
        with contextlib.closing(self.client()) as client:
            status = send(client, method, f"/{deed}/{key}", BODIES[method], headers)
        return status, len(self.app.arrivals[key])

    def kept(self, deed: str, method: str, body: bytes | None, **headers: str) -> tuple[int, int]:
        """The same over a connection to the application that an earlier request left open."""
        for _ in range(5):  # the proxy may not have put the connection back yet
            key = f"k{next(numbers)}"
            # One client: each worker of nginx has connections of its own. Two requests: one a server.
            with contextlib.closing(self.client()) as client:
                for _ in range(2):
                    assert send(client, "GET", f"/kept/{key}-before", None, {}) == 200
                status = send(client, method, f"/{deed}/{key}", body, headers)
            if self.app.arrivals[key][0]:
                return status, len(self.app.arrivals[key])
        raise AssertionError("no connection to the application was used twice")


def send(
    client: http.client.HTTPConnection, method: str, path: str, body: bytes | None, headers: dict
) -> int:
    client.request(method, f"{PREFIX}{path}", body, headers)
    with client.getresponse() as answer:
        answer.read()
        return answer.status


def traefik(home, settings):
    """As `make up` starts it natively, but with two servers, whose health is left alone, and for a second."""
    ports = {key.lower(): int(settings[key]) for key in ("HTTP_PORT", "HTTPS_PORT", "OPS_PORT")}
    own = StackSettings(api_prefix=PREFIX, **ports)
    static = render.static(own, native=True)
    folder = home / "dynamic"
    shutil.copytree(DYNAMIC, folder)
    routes = folder / "routes.toml"
    routes.write_text(routes.read_text().replace('interval = "1s"', 'interval = "3600s"'))
    assert render.ROUTES in static
    (home / "traefik.toml").write_text(static.replace(render.ROUTES, str(folder)))
    environ = own.environ() | {
        "PUBLIC_HOSTS": f"localhost,{HOST}",
        "ANSWER_SECONDS": "1",
        "APP_SERVERS": f"http://{HOST}:{settings['APP_PORT']},http://localhost:{settings['APP_PORT']}",
        "STATIC_DIR": "",
    }
    return [str(VENV / "bin" / "traefik"), f"--configFile={home}/traefik.toml"], environ


def hasty(text: str, setting: str, value: str) -> str:
    """The same configuration with a second in place of a limit that no test can wait for."""
    assert setting in text
    return text.replace(setting, setting.replace(value.strip('"'), "1s"))


def nginx(home, settings):
    command, environ = proxies.nginx(home, settings)
    api = home / "api.conf"
    server = f"server {settings['APP_ADDRESS']}"
    assert f"{server};" in (text := hasty(api.read_text(), "proxy_read_timeout 60s", "60s"))
    # A failure would take a server out for 10 s, and the next request would not be sent at all.
    api.write_text(text.replace(f"{server};", f"{server} max_fails=0; {server} max_fails=0;"))
    return command, environ


def caddy(home, settings):
    command, environ = proxies.caddy(home, settings)
    environ["APP_ADDRESS"] += f" localhost:{settings['APP_PORT']}"
    ours = home / "Caddyfile"
    text = proxies.CADDY.read_text()
    ours.write_text(hasty(text, "response_header_timeout 60s", "60s"))
    command[command.index(str(proxies.CADDY))] = str(ours)
    return command, environ


STARTS = {"traefik": traefik, "nginx": nginx, "caddy": caddy}


@pytest.fixture(scope="module", params=STARTS)
def proxied(request):
    name = request.param
    beside = f"{VENV}/bin:{os.environ.get('PATH', '')}:/usr/sbin"
    if not shutil.which(name, path=beside):
        how = proxies.PACKAGES.get(name, "make verify-environment")
        pytest.skip(f"{name} is not installed: {how}")
    home = BUILD / "sent-once" / name
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    settings = {**proxies.deployment(home), **proxies.free_ports("OPS_PORT")}
    app = Misbehaving(int(settings["APP_PORT"]))
    command, environ = STARTS[name](home, settings)
    ports = [settings["HTTP_PORT"], settings["HTTPS_PORT"]]
    with proxies.started(command, home / f"{name}.log", environ, ports):
        ready = Proxied(name, int(settings["HTTP_PORT"]), app)
        # Traefik listens before it has routes.
        wait_for(lambda: ready.fresh("200", "GET") == (200, 1))
        yield ready
    app.refuse()


def methods(proxied: Proxied) -> list[tuple[str, dict[str, str]]]:
    # nginx answers TRACE with 405 itself.
    mine = [method for method in BODIES if (proxied.name, method) != ("nginx", "TRACE")]
    return [(method, key) for method in mine for key in KEYS]


def said(method: str, key: dict[str, str], times: int, status: int) -> str:
    return f"{method}{' with a key' if key else ''} {times} times, {status}"


@pytest.mark.parametrize("deed", ENDS)
def test_a_request_without_an_answer_is_not_sent_again(proxied, deed):
    long = LONG if deed == "reset-in-head" else {}
    wrong = []
    for method, key in methods(proxied):
        status, times = proxied.fresh(deed, method, **long, **key)
        if times != 1 or status not in ENDS[deed]:
            wrong.append(said(method, key, times, status))
    assert not wrong, "; ".join(wrong)


@pytest.mark.parametrize("own", (500, 502, 503, 504))
def test_the_application_s_own_5xx_arrives_and_the_request_ran_once(proxied, own):
    wrong = []
    for method, key in methods(proxied):
        status, times = proxied.fresh(str(own), method, **key)
        if (status, times) != (own, 1):
            wrong.append(said(method, key, times, status))
    assert not wrong, "; ".join(wrong)


@pytest.mark.parametrize("method", BODIES)
def test_a_refused_connection_is_tried_again_and_the_request_arrives_once(proxied, method):
    """Whatever the method, for nothing of it has been sent."""
    if (proxied.name, method) == ("nginx", "TRACE"):
        pytest.skip("nginx answers TRACE itself")
    key, answers = f"k{next(numbers)}", []
    proxied.app.refuse()
    with contextlib.closing(proxied.client()) as client:

        def sent() -> None:
            answers.append(send(client, method, f"/200/{key}", BODIES[method], {}))

        sending = threading.Thread(target=sent)
        sending.start()
        sending.join(0.3)  # so that the first attempt was refused
        proxied.app.listen()
        sending.join(SECONDS)
    if proxied.name == "nginx":  # it cannot tell a refusal from a lost response, and gives up at both
        assert (answers, proxied.app.arrivals[key]) == ([502], [])
    else:
        assert (answers, len(proxied.app.arrivals[key])) == ([200], 1)


@pytest.mark.parametrize("deed", ("reset", "reset-after-body", "close"))
def test_what_go_sends_once_more_over_a_kept_connection(proxied, deed):
    """The exception that docs/how-it-works.md names: no option of Traefik or Caddy is for it alone."""
    wrong = []
    for method, key in methods(proxied):
        for body in (None, b"body"):
            go = proxied.name != "nginx" and not body and (key or method in REPLAYED)
            status, times = proxied.kept(deed, method, body, **key)
            if status != 502 or times != (2 if go else 1):
                wrong.append(said(method, key, times, status) + (" with a body" if body else ""))
    assert not wrong, "; ".join(wrong)


def test_a_server_that_dies_over_a_kept_connection_costs_the_request(proxied):
    """What Go would send once more meets a closed port. Caddy takes that for a refusal, and tries until
    the server is back: there a GET may run twice; from Traefik nothing comes."""
    key = f"k{next(numbers)}"
    with contextlib.closing(proxied.client()) as client:
        for _ in range(2):
            assert send(client, "GET", f"/kept/{key}-before", None, {}) == 200
        client.request("GET", f"{PREFIX}/die/{key}")
        wait_for(lambda: proxied.app.arrivals[key])
        time.sleep(0.3)  # so that what would be sent again has been refused
        proxied.app.listen()
        status = client.getresponse().status
    times = len(proxied.app.arrivals[key])
    allowed = [(502, 1), (200, 2)] if proxied.name == "caddy" else [(502, 1)]
    assert (status, times) in allowed
