"""Forwarded headers that a client invents change nothing, at any door."""

import json

from .check import check
from .door import Door

EVERYWHERE = ("proxy", "tls", "direct")
PUBLIC = ("proxy", "tls")
FAKE_IP = "6.6.6.6"
PROXY_HINT = (
    "Traefik believed the client: remove forwardedHeaders.insecure and over-wide trustedIPs from "
    "traefik/traefik.toml; TRUSTED_PROXIES names load balancers only. If the client's address "
    "alone is wrong, --forwarded-allow-ips is `*` or covers the clients' network."
)
DIRECT_HINT = (
    "The server believed a caller that is not the proxy: --forwarded-allow-ips must be the "
    "proxy's exact address, never `*` nor a network that holds other callers (app/server.py, "
    "TRUSTED_PROXIES)."
)


def lies(door_scheme: str) -> dict[str, list[tuple[str, str]]]:
    """Sets of headers, each a way to pretend to be somebody, somewhere or something else."""
    other = "http" if door_scheme == "https" else "https"
    usual = [
        ("X-Forwarded-For", FAKE_IP),
        ("X-Forwarded-Proto", other),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Port", "1"),
        ("X-Forwarded-Server", "evil.example"),
        ("X-Forwarded-Prefix", "/evil"),
        ("X-Real-Ip", FAKE_IP),
    ]
    return {
        "X-Forwarded-*": usual,
        "junk": [
            ("X-Forwarded-For", "<script>, unknown, " + "a" * 300),
            ("X-Forwarded-Proto", "wss"),
        ],
        "scheme javascript": [("X-Forwarded-Proto", "javascript")],
        "Forwarded": [("Forwarded", f"for={FAKE_IP};proto={other};host=evil.example")],
        "old names": [
            ("X-Forwarded-Scheme", other),
            ("X-Forwarded-Protocol", "ssl"),
            ("X-Forwarded-Ssl", "on"),
            ("X-Scheme", other),
            ("Front-End-Https", "on"),
            ("X-Client-Ip", FAKE_IP),
            ("True-Client-Ip", FAKE_IP),
            ("CF-Connecting-IP", FAKE_IP),
        ],
        "rewrites": [
            ("X-Original-Url", "/docs"),
            ("X-Rewrite-Url", "/docs"),
            ("X-Script-Name", "/evil"),
            ("Script-Name", "/evil"),
            ("X-Original-Host", "evil.example"),
        ],
        "_ for -": [(name.replace("-", "_"), value) for name, value in usual],
        ". for -": [(name.replace("-", "."), value) for name, value in usual],
        "lower case": [(name.lower(), value) for name, value in usual],
        "twice": [*usual, *usual],
        "a list": [
            ("X-Forwarded-For", f"{FAKE_IP}, 127.0.0.1"),
            ("X-Forwarded-Proto", f"{other}, {other}"),
        ],
    }


def view(seen: dict) -> dict:
    """What no header may change. The client's port is left out: each connection has its own."""
    kept = ("scheme", "root_path", "path", "raw_path", "url", "base_url", "url_for")
    return {**{key: seen[key] for key in kept}, "client": (seen["client"] or [None])[0]}


def believed(door: Door, sets: dict[str, list[tuple[str, str]]]) -> dict[str, dict]:
    """Of each set, what it changed in the application's view."""
    honest = view(door.probe())

    def changed(name: str) -> dict:
        seen = view(door.probe(headers=sets[name]))
        return {key: seen[key] for key in honest if seen[key] != honest[key]}

    return door.each(sets, changed)


@check(
    "trust.proxy_cannot_spoof",
    title="Invented headers change nothing here",
    doors=PUBLIC,
    kind="attack",
    source="Behind a Proxy › Enable Proxy Forwarded Headers; hypercorn#195",
    statement=(
        "Whatever forwarding headers a client sends, the application sees the same client, "
        "scheme, host and prefix."
    ),
    hint=PROXY_HINT,
    needs=("probe",),
    broken_by=(
        "forwardedHeaders.insecure",
        "Forwarded believed",
        "insecure and --forwarded-allow-ips *",
    ),
)
def test_a_client_of_the_proxy_cannot_spoof(door, expect):
    sets = lies(door.scheme)
    expect("changed by", believed(door, sets), {name: {} for name in sets})


@check(
    "trust.direct_cannot_spoof",
    title="The server believes the proxy alone",
    doors=("direct",),
    kind="attack",
    source="Behind a Proxy › Enable Proxy Forwarded Headers; uvicorn#2971",
    statement=(
        "Only the proxy is believed: a caller of the server's own port cannot pose as somebody "
        "else."
    ),
    hint=DIRECT_HINT,
    needs=("probe",),
    broken_by=(
        "--forwarded-allow-ips *",
        "X-Forwarded-Host believed",
        "native without the proxy token",
    ),
)
def test_a_caller_of_the_server_cannot_spoof(door, expect):
    sets = lies(door.scheme)
    expect("changed by", believed(door, sets), {name: {} for name in sets})


@check(
    "trust.redirect_not_steered",
    title="Invented headers do not steer a redirect",
    doors=EVERYWHERE,
    kind="attack",
    source="hypercorn#195; uvicorn#965",
    statement=(
        "A redirect leads to the door that was asked, whatever forwarding headers came along."
    ),
    hint=f"{PROXY_HINT} At the direct door: {DIRECT_HINT}",
    needs=("items",),
    broken_by=(
        "--forwarded-allow-ips *",
        "X-Forwarded-Host believed",
        "native without the proxy token",
    ),
)
def test_invented_headers_do_not_steer_a_redirect(door, expect):
    sets = lies(door.scheme)
    locations = door.each(
        sets, lambda name: door.get("/items", headers=sets[name]).headers.get("location")
    )
    expect("Location under", locations, dict.fromkeys(sets, door.public("/items/")))


@check(
    "trust.docs_ignore_spoofing",
    title="An invented prefix stays out of the docs",
    doors=EVERYWHERE,
    kind="attack",
    source="CVE-2024-52003; traefik#11253; fastapi#14986",
    statement=(
        "Docs and schema name the configured prefix alone; an invented one is neither shown nor "
        "remembered."
    ),
    hint=(
        "Something copies X-Forwarded-Prefix into root_path: remove it. root_path is "
        "configuration (API_PREFIX), never a header."
    ),
    needs=("docs", "openapi"),
    broken_by=(
        "root_path from X-Forwarded-Prefix",
        "--root-path without strip",
    ),
)
def test_an_invented_prefix_does_not_reach_the_docs(door, expect):
    honest_page, honest_schema = door.get("/docs").text, expect.json(door.get("/openapi.json"))
    for value in ("/evil", "//evil.example", "/x'-alert(1)-'"):
        headers = {"X-Forwarded-Prefix": value, "X-Script-Name": value}
        expect(
            f"docs are unchanged by {value}",
            door.get("/docs", headers=headers).text == honest_page,
            True,
        )
        schema = expect.json(door.get("/openapi.json", headers=headers))
        expect(f"servers under {value}", schema.get("servers"), honest_schema.get("servers"))
    expect(
        "servers afterwards",
        expect.json(door.get("/openapi.json")).get("servers"),
        honest_schema.get("servers"),
    )


@check(
    "trust.one_value_each",
    title="One value of each header, the proxy's",
    doors=PUBLIC,
    kind="attack",
    source="Behind a Proxy › How Proxy Forwarded Headers Work; CVE-2026-88004",
    statement=(
        "The proxy replaces the forwarding headers of a client: one line each, with its own value."
    ),
    hint=PROXY_HINT,
    needs=("probe",),
    broken_by=(
        "forwardedHeaders.insecure",
        "insecure and --forwarded-allow-ips *",
        "--root-path without strip",
    ),
)
def test_the_proxy_replaces_a_clients_headers(door, expect):
    names = (
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-real-ip",
        "x-forwarded-prefix",
    )

    def given(headers: list[tuple[str, str]]) -> dict[str, list[str]]:
        seen = door.probe(headers=headers)["headers"]
        return {name: [value for key, value in seen if key.lower() == name] for name in names}

    honest = given([])
    sent_by_proxy = {name: values for name, values in honest.items() if values}
    expect.that(
        bool(sent_by_proxy),
        "headers of the proxy",
        observed=honest,
        expected="at least X-Forwarded-For",
    )
    expect(
        "values with none invented",
        {n: len(v) for n, v in sent_by_proxy.items()},
        dict.fromkeys(sent_by_proxy, 1),
    )
    for name, headers in lies(door.scheme).items():
        expect(f"values under {name}", {n: given(headers)[n] for n in sent_by_proxy}, sent_by_proxy)


@check(
    "trust.scrubbed_headers",
    title="Headers that nobody wrote are removed",
    doors=PUBLIC,
    kind="attack",
    source="CVE-2026-88011; CVE-2026-54763",
    statement=(
        "Forwarding headers that the proxy does not write itself, and aliases of those it does, "
        "never arrive."
    ),
    hint="traefik/routes.toml: scrub-headers must blank them and the router must use it; "
    'traefik/traefik.toml: aliasHeadersStrategy = "delete" at each entrypoint.',
    needs=("probe",),
    broken_by=(
        "aliasHeadersStrategy keep",
        "no scrub-headers",
        "X-Forwarded-Ssl believed",
    ),
)
def test_headers_that_traefik_passes_through_are_removed(door, expect):
    names = [
        "Forwarded",
        "X-Forwarded-Scheme",
        "X-Forwarded-Protocol",
        "X-Forwarded-Ssl",
        "X-Forwarded-User",
    ]
    names += ["X-Original-Url", "X-Rewrite-Url", "X-Script-Name", "X-Client-Ip", "True-Client-Ip"]
    aliases = [
        "X_Forwarded_For",
        "X.Forwarded.For",
        "X_Forwarded_Proto",
        "X.Forwarded.Proto",
        "X.Forwarded.Prefix",
    ]
    aliases += ["X_Forwarded_Prefix", "X_Real_Ip", "X.Forwarded.User", "Script_Name"]
    if not door.target.ours:
        # Somebody's proxy may pass what their server never reads; effects are checked above.
        names, aliases = ["Forwarded"], ["X_Forwarded_For", "X_Forwarded_Proto"]
    seen = door.probe(headers=[(name, "invented") for name in names + aliases])
    arrived = sorted({key for key, value in seen["headers"] if value == "invented"})
    expect.that(not arrived, "invented headers that arrived", observed=arrived, expected="none")


@check(
    "trust.connection_trick",
    title="Connection removes no forwarded header",
    doors=PUBLIC,
    kind="attack",
    source="CVE-2024-45410; CVE-2026-29054",
    statement="Naming forwarding headers in Connection does not make the proxy drop them.",
    hint=(
        "Traefik older than 3.7.13, or forwardedHeaders.connection lists them: pin the current "
        "version."
    ),
    needs=("probe",),
)
def test_connection_cannot_remove_the_proxys_headers(door, expect):
    def names(headers: dict[str, str]) -> list[str]:
        seen = door.probe(headers=headers)
        return sorted(
            {
                key.lower()
                for key, _ in seen["headers"]
                if key.lower().startswith(("x-forwarded", "x-real"))
            }
        )

    honest_names, honest_view = names({}), view(door.probe())
    for token in (
        "X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Prefix, X-Real-Ip",
        "x-forwarded-for, X_FORWARDED_PROTO",
    ):
        headers = {"Connection": f"close, {token}"}
        expect(f"headers that arrive under Connection: {token}", names(headers), honest_names)
        expect(f"view under Connection: {token}", view(door.probe(headers=headers)), honest_view)


@check(
    "trust.websocket_cannot_spoof",
    title="Nor do they change a WebSocket",
    doors=EVERYWHERE,
    kind="attack",
    source="uvicorn#2043",
    statement=(
        "A handshake with invented forwarding headers leaves client, scheme and url of the "
        "WebSocket as they are."
    ),
    hint=f"{PROXY_HINT} At the direct door: {DIRECT_HINT}",
    needs=("probe",),
    broken_by=(
        "--forwarded-allow-ips *",
        "X-Forwarded-Host believed",
        "native without the proxy token",
    ),
)
def test_invented_headers_change_nothing_in_a_websocket(door, expect):
    def seen(headers: list[tuple[str, str]]) -> dict:
        with door.ws("/_probe/ws", headers=headers) as connection:
            return view(json.loads(connection.recv()))

    honest = seen([])
    other = "ws" if door.ws_scheme == "wss" else "wss"
    sets = {**lies(door.scheme), "the other ws scheme": [("X-Forwarded-Proto", other)]}
    views = door.each(sets, lambda name: seen(sets[name]))
    expect("view under", views, dict.fromkeys(sets, honest))
