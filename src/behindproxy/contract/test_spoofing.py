"""Forwarded headers that a client invents change nothing, at any entrypoint."""

import json

from .check import EVERYWHERE, PUBLIC, check
from .entrypoint import Entrypoint
from .expect import Expect
from .lies import View, lies, trusted, view

PROXY_HINT = (
    "Traefik trusted the client: remove forwardedHeaders.insecure and over-wide trustedIPs from "
    "traefik/traefik.toml; TRUSTED_PROXIES names load balancers only. If the client's address "
    "alone is wrong, --forwarded-allow-ips is `*` or covers the clients' network."
)
DIRECT_HINT = (
    "The server trusted a caller that is not the proxy: --forwarded-allow-ips must be the "
    "proxy's exact address, never `*` nor a network that holds other callers (behindproxy_serve/server.py, "
    "TRUSTED_PROXIES)."
)


@check(
    "trust.proxy_cannot_spoof",
    title="Invented headers change nothing at the proxy",
    entrypoints=PUBLIC,
    kind="attack",
    source="Behind a Proxy › Enable Proxy Forwarded Headers; hypercorn#195",
    statement=(
        "Whatever forwarding headers a client sends, the application sees the same client, "
        "scheme, host and prefix."
    ),
    hint=PROXY_HINT,
    needs=("probe", "untrusted caller"),
)
def test_a_client_of_the_proxy_cannot_spoof(entrypoint: Entrypoint, expect: Expect) -> None:
    sets = lies(entrypoint.scheme)
    expect("changed by", trusted(entrypoint, sets), {name: {} for name in sets})


@check(
    "trust.direct_cannot_spoof",
    title="The server trusts the proxy alone",
    entrypoints=("direct",),
    kind="attack",
    source="Behind a Proxy › Enable Proxy Forwarded Headers; uvicorn#2971",
    statement=("Only the proxy is trusted: a caller of the server's own port cannot pose as somebody else."),
    hint=DIRECT_HINT,
    needs=("probe",),
)
def test_a_caller_of_the_server_cannot_spoof(entrypoint: Entrypoint, expect: Expect) -> None:
    sets = lies(entrypoint.scheme)
    expect("changed by", trusted(entrypoint, sets), {name: {} for name in sets})


@check(
    "trust.redirect_not_steered",
    title="Invented headers do not steer a redirect",
    entrypoints=EVERYWHERE,
    kind="attack",
    source="hypercorn#195; uvicorn#965",
    statement=("A redirect leads to the entrypoint that was called, whatever forwarding headers came along."),
    hint=f"{PROXY_HINT} At the direct entrypoint: {DIRECT_HINT}",
    needs=("items", "untrusted caller"),
)
def test_invented_headers_do_not_steer_a_redirect(entrypoint: Entrypoint, expect: Expect) -> None:
    sets = lies(entrypoint.scheme)
    locations = entrypoint.each(
        sets, lambda name: entrypoint.get("/items", headers=sets[name]).headers.get("location")
    )
    expect("Location under", locations, dict.fromkeys(sets, entrypoint.public("/items/")))


@check(
    "trust.docs_ignore_spoofing",
    title="An invented prefix stays out of the docs",
    entrypoints=EVERYWHERE,
    kind="attack",
    source="CVE-2024-52003; traefik#11253; fastapi#14986",
    statement=(
        "Docs and schema name the configured prefix alone; an invented one is neither shown nor remembered."
    ),
    hint=(
        "Something copies X-Forwarded-Prefix into root_path: remove it. root_path is "
        "configuration (API_PREFIX), never a header."
    ),
    needs=("docs", "openapi"),
)
def test_an_invented_prefix_does_not_reach_the_docs(entrypoint: Entrypoint, expect: Expect) -> None:
    honest_page, honest_schema = entrypoint.get("/docs").text, expect.json(entrypoint.get("/openapi.json"))
    for value in ("/evil", "//evil.example", "/x'-alert(1)-'"):
        headers = {"X-Forwarded-Prefix": value, "X-Script-Name": value}
        expect(
            f"docs are unchanged by {value}",
            entrypoint.get("/docs", headers=headers).text == honest_page,
            True,
        )
        schema = expect.json(entrypoint.get("/openapi.json", headers=headers))
        expect(f"servers under {value}", schema.get("servers"), honest_schema.get("servers"))
    expect(
        "servers afterwards",
        expect.json(entrypoint.get("/openapi.json")).get("servers"),
        honest_schema.get("servers"),
    )


@check(
    "trust.websocket_cannot_spoof",
    title="Invented headers do not change a WebSocket",
    entrypoints=EVERYWHERE,
    kind="attack",
    source="uvicorn#2043",
    statement=(
        "A handshake with invented forwarding headers leaves client, scheme and url of the "
        "WebSocket as they are."
    ),
    hint=f"{PROXY_HINT} At the direct entrypoint: {DIRECT_HINT}",
    needs=("probe", "untrusted caller"),
)
def test_invented_headers_change_nothing_in_a_websocket(entrypoint: Entrypoint, expect: Expect) -> None:
    def seen(headers: list[tuple[str, str]]) -> View:
        with entrypoint.ws("/_probe/ws", headers=headers) as connection:
            return view(json.loads(connection.recv()))

    honest = seen([])
    other = "ws" if entrypoint.ws_scheme == "wss" else "wss"
    sets = {**lies(entrypoint.scheme), "the other ws scheme": [("X-Forwarded-Proto", other)]}
    views = entrypoint.each(sets, lambda name: seen(sets[name]))
    expect("view under", views, dict.fromkeys(sets, honest))
