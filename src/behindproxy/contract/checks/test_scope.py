"""What the application sees of a request, by its probe."""

import pytest

from ..engine.check import EVERYWHERE, PUBLIC, check
from ..engine.entrypoint import LOOPBACK, OTHER_LOOPBACK, Entrypoint
from ..engine.expect import Expect
from ..engine.seen import header_values

FORWARDED = "Behind a Proxy › Proxy Forwarded Headers"


@check(
    "scope.scheme",
    title="The application sees the public scheme",
    entrypoints=EVERYWHERE,
    level="broken",
    source=f"{FORWARDED}; Kludex/starlette#1396",
    statement="The request's scheme is the one that the client used.",
    fix=(
        "Let the server trust the proxy's exact address (Uvicorn: --forwarded-allow-ips), without a "
        "name, quotes or host bits, and name the load balancers in front of the proxy too."
    ),
    needs=("probe",),
)
def test_the_application_sees_the_public_scheme(entrypoint: Entrypoint, expect: Expect) -> None:
    expect("scheme", entrypoint.probe()["scheme"], entrypoint.scheme)


@check(
    "scope.client",
    title="The application sees the client",
    entrypoints=PUBLIC,
    level="broken",
    source=f"{FORWARDED}; Kludex/uvicorn#590",
    statement=(
        "The request's client is the address that connected to the proxy; two callers have each their own."
    ),
    fix=(
        "Let the server trust the proxy's exact address (Uvicorn: --forwarded-allow-ips), without a "
        "name, quotes or host bits, and name the load balancers in front of the proxy too."
    ),
    needs=("probe",),
)
def test_the_application_sees_the_client(entrypoint: Entrypoint, expect: Expect) -> None:
    scope = entrypoint.probe()
    forwarded = header_values(scope, "x-forwarded-for")
    expect("X-Forwarded-For lines", len(forwarded), 1)
    address = forwarded[0].split(",")[-1].strip()
    # Port 0 tells a forwarded address from a peer's own, also where both are 127.0.0.1.
    expect("client", scope["client"], [address, 0])
    other, _ = entrypoint.target.two_clients(entrypoint.address)
    # Whatever the proxy writes may be one address for all; through Docker's own port it is.
    if other is not None and LOOPBACK.fullmatch(address):
        entrypoint.client = other
        expect(f"client at {OTHER_LOOPBACK}", entrypoint.probe()["client"], [OTHER_LOOPBACK, 0])


@check(
    "scope.root_path",
    title="The application sees the prefix as root_path",
    entrypoints=EVERYWHERE,
    level="broken",
    source="Behind a Proxy › Providing the root_path",
    statement="ASGI's root_path is the public prefix.",
    fix=(
        "Set the server's root path to the prefix that the proxy strips (Uvicorn, FastAPI CLI: "
        "--root-path), and remove FastAPI(root_path=)."
    ),
    needs=("probe",),
)
def test_root_path_is_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    expect("root_path", entrypoint.probe()["root_path"], entrypoint.prefix)


@check(
    "scope.path",
    title="path and raw_path include the prefix",
    entrypoints=EVERYWHERE,
    level="broken",
    source="django/asgiref#424; Kludex/uvicorn#2213",
    statement="ASGI's path and raw_path include root_path, although the proxy stripped it.",
    fix=(
        "Use Uvicorn's --root-path (0.26 or newer), or a middleware that sets root_path and path, and "
        "remove FastAPI(root_path=). Otherwise root_path is not prepended to the stripped path, and "
        "Starlette strips it a second time."
    ),
    needs=("probe",),
)
def test_path_and_raw_path_carry_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    scope = entrypoint.probe("a%20b/c")
    expect("path", scope["path"], f"{entrypoint.prefix}/_probe/a b/c")
    expect("raw_path", scope["raw_path"], f"{entrypoint.prefix}/_probe/a%20b/c")


@check(
    "scope.url",
    title="request.url and base_url are the public URLs",
    entrypoints=EVERYWHERE,
    level="broken",
    source="Behind a Proxy › How Proxy Forwarded Headers Work; Kludex/starlette#538",
    statement="The URL that the application sees is the one that the client requested.",
    fix=(
        "Let the server trust the proxy's exact address (Uvicorn: --forwarded-allow-ips), without a "
        "name, quotes or host bits, and name the load balancers in front of the proxy too. If the prefix "
        "is missing, use Uvicorn's --root-path (0.26 or newer), or a middleware that sets root_path and "
        "path."
    ),
    needs=("probe",),
)
def test_url_and_base_url_are_the_public_ones(entrypoint: Entrypoint, expect: Expect) -> None:
    scope = entrypoint.probe("x?q=%2F")
    expect("url", scope["url"], entrypoint.public("/_probe/x?q=%2F"))
    expect("base_url", scope["base_url"], entrypoint.public("/"))


@check(
    "scope.url_for",
    title="url_for builds public URLs",
    entrypoints=EVERYWHERE,
    level="broken",
    source="Behind a Proxy › How Proxy Forwarded Headers Work; fastapi/fastapi#5899",
    statement=("Every link that url_for builds starts with the public scheme, host, port and prefix."),
    fix=(
        "Let the server trust the proxy's exact address (Uvicorn: --forwarded-allow-ips), without a "
        "name, quotes or host bits, and name the load balancers in front of the proxy too. If the prefix "
        "is missing, set the server's root path to the prefix that the proxy strips (Uvicorn, FastAPI "
        "CLI: --root-path), and remove FastAPI(root_path=)."
    ),
    needs=("probe",),
)
def test_url_for_builds_public_addresses(entrypoint: Entrypoint, expect: Expect) -> None:
    links = entrypoint.probe()["url_for"]
    if not links and not entrypoint.target.demo:
        pytest.skip("the application has no named routes")
    expect.that(bool(links), "links", observed=links, expected="at least one named route")
    inside = (
        entrypoint.public("/"),
        entrypoint.public("/").replace(entrypoint.scheme, entrypoint.ws_scheme, 1),
    )
    outside = {name: link for name, link in links.items() if not link.startswith(inside)}
    expect.that(not outside, "links that lead elsewhere", observed=outside, expected="none")
    if "items" in links and entrypoint.target.demo:
        expect("url_for('items')", links["items"], entrypoint.public("/items/"))


@check(
    "scope.forwarded_prefix",
    title="Proxy and server agree on the prefix",
    entrypoints=PUBLIC,
    level="hardening",
    source="Behind a Proxy › Providing the root_path; traefik/traefik#11253",
    statement=(
        "X-Forwarded-Prefix, where the proxy sends it, arrives once and equals root_path: proxy and server "
        "agree on the prefix."
    ),
    fix=("Set the server's root path to what the proxy strips: they have different prefixes."),
    needs=("probe", "strip", "prefix"),
)
def test_the_proxys_prefix_is_the_servers(entrypoint: Entrypoint, expect: Expect) -> None:
    scope = entrypoint.probe()
    values = header_values(scope, "x-forwarded-prefix")
    forwards = entrypoint.target.forward_prefix
    if not values and forwards is None:
        pytest.skip("the proxy sends no X-Forwarded-Prefix")
    if forwards is False:
        expect("X-Forwarded-Prefix with FORWARD_PREFIX=false", values, [])
    else:
        expect("X-Forwarded-Prefix", values, [scope["root_path"]])
