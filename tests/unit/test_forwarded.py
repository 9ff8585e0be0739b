"""Client and scheme by what a proxy tells (behindproxy_serve/middleware/forwarded.py)."""

import itertools

import anyio
import pytest
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from behindproxy_serve.middleware import forwarded
from behindproxy_serve.middleware.forwarded import Forwarded

TRUSTED = "10.0.0.1,10.1.0.0/16"
FOR = (None, "192.0.2.1", "192.0.2.1, 10.1.2.3", "192.0.2.1:77", "[2001:db8::1]:5", "10.0.0.1", "", "x" * 300)
PROTO = (None, "https", "http", "wss", "gopher", "")
CLIENTS = (("10.0.0.1", 4), ("10.1.9.9", 5), ("192.0.2.9", 6), None)


async def nothing(scope, receive, send):
    pass


def scope(client, forwarded_for, proto, kind="http", twice=False):
    pairs = [(b"x-forwarded-for", forwarded_for), (b"x-forwarded-proto", proto)]
    headers = [(name, value.encode()) for name, value in pairs if value is not None]
    scheme = "http" if kind == "http" else "ws"
    return {"type": kind, "scheme": scheme, "client": client, "headers": headers * (1 + twice)}


def told(app, *arguments, **options):
    one = scope(*arguments, **options)
    anyio.run(app, one, None, None)
    return one["client"], one["scheme"]


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_it_sets_what_uvicorn_sets_the_first_time_and_every_other(kind):
    ours, theirs = Forwarded(nothing, TRUSTED), ProxyHeadersMiddleware(nothing, TRUSTED)
    for client, forwarded_for, proto, twice in itertools.product(CLIENTS, FOR, PROTO, (False, True)):
        expected = told(theirs, client, forwarded_for, proto, kind, twice)
        for _ in range(2):
            assert told(ours, client, forwarded_for, proto, kind, twice) == expected


def test_a_client_that_is_not_trusted_keeps_the_port_of_each_connection():
    app = Forwarded(nothing, TRUSTED)
    for port in (1, 2):
        assert told(app, ("192.0.2.9", port), "192.0.2.1", "https") == (("192.0.2.9", port), "http")


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(forwarded, "KEYS", 3)
    app = Forwarded(nothing, TRUSTED)
    for number in range(10):
        address = f"192.0.2.{number}"
        assert told(app, ("10.0.0.1", 4), address, "https") == ((address, 0), "https")
    assert len(app.cache) <= 3
    told(app, ("10.0.0.1", 4), "x" * 300, "https")
    assert all(len(key[2]) < 300 for key in app.cache)
