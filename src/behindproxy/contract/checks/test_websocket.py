"""WebSockets over ws and wss, which belong to the entrypoints http and https."""

import json
import uuid

import pytest

from ..engine.check import EVERYWHERE, PUBLIC, check
from ..engine.entrypoint import LOOPBACK, OTHER_LOOPBACK, Entrypoint
from ..engine.expect import Expect, Unexpected
from ..engine.seen import Seen
from ..engine.websocket import Frame, Opcode

SOURCE = "Behind a Proxy › Proxy with a stripped path prefix; Kludex/uvicorn#2258"


@check(
    "websocket.echo",
    title="A WebSocket opens and echoes",
    entrypoints=EVERYWHERE,
    level="broken",
    source=SOURCE,
    statement="A WebSocket route works under the prefix, over ws and wss.",
    fix=(
        "If the status is 403, check the root path: the path does not match the route (root_path twice, "
        "or stripped without a root path). If it is 404, let the proxy route the path and pass Upgrade "
        "on."
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
    "websocket.opens",
    title="A WebSocket opens through the proxy",
    entrypoints=PUBLIC,
    level="broken",
    source="RFC 6455 › 4.2.2; nginx › WebSocket proxying",
    statement="A handshake with a WebSocket of the application gets 101, over ws and wss.",
    fix=(
        "Let the proxy pass Upgrade and Connection on over HTTP/1.1 (nginx: proxy_http_version 1.1; "
        "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade), and install a "
        "WebSocket library on the server (uvicorn[standard])."
    ),
    needs=("socket",),
)
def test_a_websocket_opens(entrypoint: Entrypoint, expect: Expect) -> None:
    inventory = entrypoint.target.inventory
    expect.subject = path = [*inventory.sockets, *inventory.socket_pages][0]
    status = handshake(entrypoint, path)
    if status != 101 and path not in inventory.sockets:
        unknown = handshake(entrypoint, f"/{uuid.uuid4().hex}")
        if status in (401, 403) and unknown == 403:  # Starlette's response to an upgrade that no route takes
            pytest.skip(
                f"{path}, which {inventory.socket_pages[path]} opens, answers {status}: "
                "it may need credentials"
            )
    if status == 403 and not entrypoint.target.demo and not opens_at_the_server(entrypoint, path):
        pytest.skip(f"{path} answers 403: it does not exist, or needs credentials or another Origin")
    expect(f"handshake with {path}", status, 101)


def opens_at_the_server(entrypoint: Entrypoint, path: str) -> bool:
    target = entrypoint.target
    return target.has_direct and handshake(target.open("direct", Expect()), path) == 101


def handshake(entrypoint: Entrypoint, path: str) -> int:
    """Return the status that a WebSocket handshake is answered with."""
    try:
        with entrypoint.ws(path):
            return 101
    except Unexpected as refused:
        last = refused.observed.rpartition(" ")[2]
        return int(last) if last.isdecimal() else 0


@check(
    "websocket.scope",
    title="A WebSocket sees the public URL",
    entrypoints=EVERYWHERE,
    level="broken",
    source=SOURCE,
    statement="A WebSocket's scheme (ws or wss), root_path, path and url are the public ones.",
    fix=(
        "If the scheme is ws behind TLS, let the server trust the proxy's address, and read "
        "X-Forwarded-Proto: wss (Gunicorn and Hypercorn need a middleware). If the path lacks the "
        "prefix, see mount.sub_application."
    ),
    needs=("probe",),
)
def test_a_websocket_sees_the_public_address(entrypoint: Entrypoint, expect: Expect) -> None:
    with entrypoint.ws("/_probe/ws") as connection:
        scope: Seen = json.loads(connection.recv())
    path = f"{entrypoint.prefix}/_probe/ws"
    expected = {
        "scheme": entrypoint.ws_scheme,
        "root_path": entrypoint.prefix,
        "path": path,
        "url": f"{entrypoint.ws_scheme}://{entrypoint.authority}{path}",
    }
    observed = {key: value for key, value in scope.items() if key in expected}
    expect("WebSocket scope", observed, expected)


@check(
    "websocket.client",
    title="A WebSocket sees the client",
    entrypoints=PUBLIC,
    level="broken",
    source="Behind a Proxy › Proxy Forwarded Headers",
    statement=(
        "A WebSocket's client is the address that the proxy forwarded; each of two callers has its own."
    ),
    fix=(
        "Let the server trust the proxy's exact address (Uvicorn: --forwarded-allow-ips), without a "
        "name, quotes or host bits, and name the load balancers in front of the proxy too."
    ),
    needs=("probe",),
)
def test_a_websocket_sees_the_client(entrypoint: Entrypoint, expect: Expect) -> None:
    with entrypoint.ws("/_probe/ws") as connection:
        scope: Seen = json.loads(connection.recv())
    forwarded = dict(scope["headers"]).get("x-forwarded-for", "no X-Forwarded-For").split(",")[-1].strip()
    expect("client", scope["client"], [forwarded, 0])
    if entrypoint.target.two_clients(entrypoint.address)[0] and LOOPBACK.fullmatch(forwarded):
        entrypoint.source = OTHER_LOOPBACK
        with entrypoint.ws("/_probe/ws") as connection:
            scope = json.loads(connection.recv())
        expect(f"client at {OTHER_LOOPBACK}", scope["client"], [OTHER_LOOPBACK, 0])


@check(
    "limits.websocket",
    title="A WebSocket message above the limit closes the connection",
    entrypoints=EVERYWHERE,
    level="exposed",
    source="RFC 6455 › 7.4.1, 10.4",
    statement=(
        "A WebSocket message longer than WEBSOCKET_MAX_BYTES ends the connection with 1009: whole, in "
        "fragments, and in fragments without an end. No server agrees to compression."
    ),
    fix=(
        "Set the server's limit for a message (Uvicorn: --ws-max-size; Gunicorn: "
        "--websocket-max-message-size; Hypercorn: websocket_max_message_size)."
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
    title="The proxy drops an offer to compress a WebSocket",
    entrypoints=PUBLIC,
    level="exposed",
    source="RFC 7692 › 8",
    statement=(
        "Sec-WebSocket-Extensions does not reach the server, so no client can negotiate compression, with "
        "which a message can be up to a thousand times as long as what was sent."
    ),
    fix="Let the proxy delete Sec-WebSocket-Extensions.",
    needs=("ws", "probe", "ours"),
)
def test_no_offer_to_compress_passes_the_proxy(entrypoint: Entrypoint, expect: Expect) -> None:
    with entrypoint.ws("/_probe/ws", compress=True) as connection:
        headers = dict(json.loads(connection.recv())["headers"])
        expect("offered", headers.get("sec-websocket-extensions", ""), "")
        expect("compressed", connection.compressed, False)
