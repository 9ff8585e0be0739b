"""WebSockets over ws and wss, which belong to the doors proxy and tls."""

import json

from .check import check

EVERYWHERE = ("proxy", "tls", "direct")
SOURCE = "Behind a Proxy › Proxy with a stripped path prefix; uvicorn#2258"


@check(
    "websocket.echo",
    title="A WebSocket opens and echoes",
    doors=EVERYWHERE,
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
    broken_by=(
        "server without WebSockets",
        "--root-path without strip",
    ),
)
def test_a_websocket_echoes(door, expect):
    with door.ws("/ws") as connection:
        for message in ("one", "two"):
            connection.send(message)
            expect("echo", connection.recv(), message)


@check(
    "websocket.scope",
    title="A WebSocket sees the public address",
    doors=EVERYWHERE,
    kind="claim",
    source=SOURCE,
    statement="In a WebSocket scheme (ws or wss), root_path, path and url are the public ones.",
    hint=(
        "scheme ws behind TLS: the server does not read X-Forwarded-Proto: wss (Gunicorn, "
        "Hypercorn), or does not trust the proxy's address. A path without the prefix: see "
        "mount.sub_application."
    ),
    needs=("probe",),
    broken_by=(
        "server without WebSockets",
        "passHostHeader = false",
        "--forwarded-allow-ips of another address",
    ),
)
def test_a_websocket_sees_the_public_address(door, expect):
    with door.ws("/_probe/ws") as connection:
        seen = json.loads(connection.recv())
    path = f"{door.prefix}/_probe/ws"
    expected = {
        "scheme": door.ws_scheme,
        "root_path": door.prefix,
        "path": path,
        "url": f"{door.ws_scheme}://{door.authority}{path}",
    }
    expect("WebSocket scope", {key: seen[key] for key in expected}, expected)


@check(
    "websocket.client",
    title="A WebSocket sees the client",
    doors=("proxy", "tls"),
    kind="claim",
    source="Behind a Proxy › Proxy Forwarded Headers",
    statement="In a WebSocket the client's address is the one that the proxy forwarded.",
    hint=(
        "The server does not trust the proxy: --forwarded-allow-ips must be the proxy's exact "
        "address (serve/server.py; TRUSTED_PROXIES names only load balancers in front of it)."
    ),
    needs=("probe",),
    broken_by=(
        "server without WebSockets",
        "--forwarded-allow-ips of another address",
        "--forwarded-allow-ips quoted",
    ),
)
def test_a_websocket_sees_the_client(door, expect):
    with door.ws("/_probe/ws") as connection:
        seen = json.loads(connection.recv())
    forwarded = (
        dict(seen["headers"]).get("x-forwarded-for", "no X-Forwarded-For").split(",")[-1].strip()
    )
    expect("client", seen["client"], [forwarded, 0])
