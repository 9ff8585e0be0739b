"""Spoofed forwarding headers change nothing, on any entrypoint."""

import json

import pytest

from ..engine.answers import parts, urls
from ..engine.check import EVERYWHERE, PUBLIC, check
from ..engine.entrypoint import Entrypoint
from ..engine.expect import Expect
from ..engine.lies import View, lies, trusted, view


def call_from_elsewhere(entrypoint: Entrypoint) -> None:
    """Call somebody's server from an address that is not the proxy's: whom it trusts is seen so alone."""
    if entrypoint.name == "direct" and not entrypoint.target.ours:
        if reason := entrypoint.leave_the_proxys_address():
            pytest.skip(reason)


@check(
    "trust.proxy_cannot_spoof",
    title="Spoofed headers change nothing through the proxy",
    entrypoints=PUBLIC,
    level="exposed",
    source="Behind a Proxy › Enable Proxy Forwarded Headers; pgjones/hypercorn#195",
    statement=(
        "Whatever forwarding headers a client sends, the application sees the same client, "
        "scheme, host and prefix."
    ),
    fix=(
        "Let the proxy overwrite the forwarding headers, except those from a trusted load balancer: it "
        "passes on what any client wrote. If only the client's address is wrong, the server trusts more "
        "than the proxy (--forwarded-allow-ips=*)."
    ),
    needs=("probe", "untrusted caller"),
)
def test_a_client_of_the_proxy_cannot_spoof(entrypoint: Entrypoint, expect: Expect) -> None:
    sets = lies(entrypoint.scheme)
    expect("changed by", trusted(entrypoint, sets), {name: {} for name in sets})


@check(
    "trust.direct_cannot_spoof",
    title="The server trusts only the proxy",
    entrypoints=("direct",),
    level="exposed",
    source="Behind a Proxy › Enable Proxy Forwarded Headers; Kludex/uvicorn#2971",
    statement=("Only the proxy is trusted: a caller of the direct entrypoint cannot pose as somebody else."),
    fix=(
        "Set --forwarded-allow-ips to the proxy's exact address, never * or a network with other "
        "callers, and let only the proxy reach the server's port."
    ),
    needs=("probe",),
)
def test_a_caller_of_the_server_cannot_spoof(entrypoint: Entrypoint, expect: Expect) -> None:
    call_from_elsewhere(entrypoint)
    sets = lies(entrypoint.scheme)
    expect("changed by", trusted(entrypoint, sets), {name: {} for name in sets})


@check(
    "trust.redirect_not_steered",
    title="Spoofed headers change no URL",
    entrypoints=EVERYWHERE,
    level="exposed",
    source="pgjones/hypercorn#195; Kludex/uvicorn#965",
    statement=(
        "The absolute URLs and redirects of a response are the same whatever forwarding headers a client "
        "sends; on the direct entrypoint, for a caller other than the proxy."
    ),
    fix=(
        "Let the proxy overwrite the forwarding headers, except those from a trusted load balancer: it "
        "passes on what any client wrote. If only the client's address is wrong, the server trusts more "
        "than the proxy (--forwarded-allow-ips=*). For the direct entrypoint, set --forwarded-allow-ips "
        "to the proxy's exact address, never * or a network with other callers, and let only the proxy "
        "reach the server's port."
    ),
    needs=("address", "untrusted caller"),
)
def test_invented_headers_steer_no_address(entrypoint: Entrypoint, expect: Expect) -> None:
    call_from_elsewhere(entrypoint)
    sets = lies(entrypoint.scheme)
    has_address = False
    for path in entrypoint.target.inventory.showing[:2]:
        expect.subject = path
        first, second = steered(entrypoint, path, []), steered(entrypoint, path, [])
        honest = [url for url in first if url in second]  # one that is new each time is no measure
        has_address = has_address or bool(honest)
        hosts = {parts(url).netloc for url in first}

        def seen(
            name: str, path: str = path, honest: list[str] = honest, hosts: set[str] = hosts
        ) -> list[str]:
            addresses = steered(entrypoint, path, sets[name])
            same = set(honest) <= set(addresses) and {parts(url).netloc for url in addresses} <= hosts
            return honest if same else addresses

        expect("addresses under", entrypoint.each(sets, seen), dict.fromkeys(sets, honest))
    if not has_address:
        pytest.skip("no response shows an absolute URL here")


def steered(entrypoint: Entrypoint, path: str, headers: list[tuple[str, str]]) -> list[str]:
    """Return every absolute address of a response, without its query, which the client may have written."""
    answer = entrypoint.begin(entrypoint.path(path), headers=headers)
    addresses = (url.partition("#")[0].partition("?")[0] for url in urls(answer.headers, answer.text))
    return list(dict.fromkeys(addresses))


@check(
    "trust.docs_ignore_spoofing",
    title="A spoofed prefix does not appear in the docs",
    entrypoints=EVERYWHERE,
    level="exposed",
    source="CVE-2024-52003; traefik/traefik#11253; fastapi/fastapi#14986",
    statement="Docs and schema show only the configured prefix; a spoofed one is neither shown nor kept.",
    fix="Remove the code that copies X-Forwarded-Prefix into root_path, which belongs in the configuration.",
    needs=("openapi",),
)
def test_an_invented_prefix_does_not_reach_the_docs(entrypoint: Entrypoint, expect: Expect) -> None:
    inventory = entrypoint.target.inventory
    schema_path = expect.subject = inventory.schema_path
    docs = next((one.path for one in inventory.docs), schema_path)
    honest, honest_schema = entrypoint.get(docs), expect.json(entrypoint.get(schema_path))
    expect(f"status of {docs}", honest.status_code, 200)  # a refusal is the same whatever is sent
    steady = entrypoint.get(docs).text == honest.text  # else with a token of its own in each response
    for value in ("/evil", "//evil.example", "/x'-alert(1)-'"):
        headers = {"X-Forwarded-Prefix": value, "X-Script-Name": value}
        text = entrypoint.get(docs, headers=headers).text
        changed = [line.strip() for line in text.splitlines() if line not in honest.text]
        changed = [line for line in changed if steady or "evil" in line or "alert(1)" in line]
        expect(f"lines of {docs} changed by {value}", changed[:3], [])
        schema = expect.json(entrypoint.get(schema_path, headers=headers))
        expect(f"servers under {value}", schema.get("servers"), honest_schema.get("servers"))
    expect(
        "servers afterwards",
        expect.json(entrypoint.get(schema_path)).get("servers"),
        honest_schema.get("servers"),
    )


@check(
    "trust.websocket_cannot_spoof",
    title="Spoofed headers do not change a WebSocket",
    entrypoints=EVERYWHERE,
    level="exposed",
    source="Kludex/uvicorn#2043",
    statement=(
        "A handshake with spoofed forwarding headers does not change the client, scheme and url of the "
        "WebSocket."
    ),
    fix=(
        "Let the proxy overwrite the forwarding headers, except those from a trusted load balancer: it "
        "passes on what any client wrote. If only the client's address is wrong, the server trusts more "
        "than the proxy (--forwarded-allow-ips=*). For the direct entrypoint, set --forwarded-allow-ips "
        "to the proxy's exact address, never * or a network with other callers, and let only the proxy "
        "reach the server's port."
    ),
    needs=("probe", "untrusted caller"),
)
def test_invented_headers_change_nothing_in_a_websocket(entrypoint: Entrypoint, expect: Expect) -> None:
    def seen(headers: list[tuple[str, str]]) -> View:
        with entrypoint.ws("/_probe/ws", headers=headers) as connection:
            return view(json.loads(connection.recv()))

    call_from_elsewhere(entrypoint)
    honest = seen([])
    other = "ws" if entrypoint.ws_scheme == "wss" else "wss"
    sets = {**lies(entrypoint.scheme), "the other ws scheme": [("X-Forwarded-Proto", other)]}
    views = entrypoint.each(sets, lambda name: seen(sets[name]))
    expect("view under", views, dict.fromkeys(sets, honest))
