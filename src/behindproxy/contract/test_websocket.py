"""WebSockets over ws and wss, which belong to the entrypoints http and https."""

import json

from .check import EVERYWHERE, PUBLIC, check
from .entrypoint import Entrypoint
from .expect import Expect
from .seen import Seen
from .websocket import Frame, Opcode

SOURCE = "Behind a Proxy › Proxy with a stripped path prefix; uvicorn#2258"


@check(
    "websocket.echo",
    title="A WebSocket opens and echoes",
    entrypoints=EVERYWHERE,
    kind="claim",
    source=SOURCE,
    statement="A WebSocket route is reached under the prefix, over ws and wss.",
    hint=(
        "403: the path that the server hands over does not match the route (root_path twice, or "
        "strip without --root-path). 404: the router's rule in traefik/routes.toml does not take "
        "it."
    ),
    needs=("ws",),
    unsafe=True,
)
def test_a_websocket_echoes(entrypoint: Entrypoint, expect: Expect) -> None:
    with entrypoint.ws("/ws") as connection:
        for message in ("one", "two"):
            connection.send(message)
            expect("echo", connection.recv(), message)


@check(
    "websocket.scope",
    title="A WebSocket sees the public address",
    entrypoints=EVERYWHERE,
    kind="claim",
    source=SOURCE,
    statement="In a WebSocket scheme (ws or wss), root_path, path and url are the public ones.",
    hint=(
        "scheme ws behind TLS: the server does not read X-Forwarded-Proto: wss (Gunicorn, "
        "Hypercorn), or does not trust the proxy's address. A path without the prefix: see "
        "mount.sub_application."
    ),
    needs=("probe",),
)
def test_a_websocket_sees_the_public_address(entrypoint: Entrypoint, expect: Expect) -> None:
    with entrypoint.ws("/_probe/ws") as connection:
        seen: Seen = json.loads(connection.recv())
    path = f"{entrypoint.prefix}/_probe/ws"
    expected = {
        "scheme": entrypoint.ws_scheme,
        "root_path": entrypoint.prefix,
        "path": path,
        "url": f"{entrypoint.ws_scheme}://{entrypoint.authority}{path}",
    }
    observed = {key: value for key, value in seen.items() if key in expected}
    expect("WebSocket scope", observed, expected)


@check(
    "websocket.client",
    title="A WebSocket sees the client",
    entrypoints=PUBLIC,
    kind="claim",
    source="Behind a Proxy › Proxy Forwarded Headers",
    statement="In a WebSocket the client's address is the one that the proxy forwarded.",
    hint=(
        "The server does not trust the proxy: --forwarded-allow-ips must be the proxy's exact "
        "address (behindproxy_serve/server.py; TRUSTED_PROXIES names only load balancers in front of it)."
    ),
    needs=("probe",),
)
def test_a_websocket_sees_the_client(entrypoint: Entrypoint, expect: Expect) -> None:
    with entrypoint.ws("/_probe/ws") as connection:
        seen: Seen = json.loads(connection.recv())
    forwarded = dict(seen["headers"]).get("x-forwarded-for", "no X-Forwarded-For").split(",")[-1].strip()
    expect("client", seen["client"], [forwarded, 0])


@check(
    "limits.websocket",
    title="A WebSocket message above the limit closes the connection",
    entrypoints=EVERYWHERE,
    kind="attack",
    source="RFC 6455 › 7.4.1, 10.4",
    statement=(
        "A WebSocket message longer than WEBSOCKET_MAX_BYTES ends the connection with 1009: whole, in "
        "fragments, and in fragments without an end. No server agrees to compression."
    ),
    hint=(
        "WEBSOCKET_MAX_BYTES must reach the server: as Uvicorn's --ws-max-size, Gunicorn's "
        "--websocket-max-message-size or Hypercorn's websocket_max_message_size. The FastAPI CLI has no "
        "such option, so behindproxy_serve/fastapi_cli.py sets it; Hypercorn has none that refuses "
        "compression, so behindproxy_serve/hypercorn_websockets.py does."
    ),
    needs=("ws", "ours"),
    unsafe=True,
)
def test_a_websocket_message_above_the_limit_closes_the_connection(
    entrypoint: Entrypoint, expect: Expect
) -> None:
    limit = entrypoint.target.websocket_max_bytes
    with entrypoint.ws("/ws") as connection:
        connection.send("x" * limit)
        expect("a message at the limit", len(connection.recv()), limit)
    half = b"x" * (limit // 2 + 1)
    first, more = Frame(Opcode.TEXT, half, fin=False), Frame(Opcode.CONT, half)
    up_to_the_limit = Frame(Opcode.CONT, b"x" * (limit - len(half)), fin=False)
    cases = {
        "whole": [Frame(Opcode.TEXT, b"x" * (limit + 1))],
        "in fragments": [first, more],
        "without an end": [first, up_to_the_limit, Frame(Opcode.CONT, b"x", fin=False)],
    }

    def code(case: str) -> int | None:
        with entrypoint.ws("/ws") as connection:
            return connection.close_code(cases[case])

    expect("close code", entrypoint.each(cases, code), dict.fromkeys(cases, 1009))
    with entrypoint.ws("/ws", compress=True) as connection:
        expect("compressed", connection.compressed, False)


@check(
    "limits.websocket_compression",
    title="No offer to compress a WebSocket passes the proxy",
    entrypoints=PUBLIC,
    kind="attack",
    source="RFC 7692 › 8",
    statement=(
        "Sec-WebSocket-Extensions does not reach the server, so no client can agree with it on "
        "compression, which makes a message up to a thousand times as long as what was sent."
    ),
    hint='Sec-Websocket-Extensions = "" in scrub-headers of traefik/routes.toml.',
    needs=("ws", "probe", "ours"),
)
def test_no_offer_to_compress_passes_the_proxy(entrypoint: Entrypoint, expect: Expect) -> None:
    with entrypoint.ws("/_probe/ws", compress=True) as connection:
        headers = dict(json.loads(connection.recv())["headers"])
        expect("offered", headers.get("sec-websocket-extensions", ""), "")
        expect("compressed", connection.compressed, False)
