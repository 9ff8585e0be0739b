"""Every absolute address that an answer shows is compared in full: scheme, host, port and prefix."""

from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

import httpx
import pytest

from ..engine import safety
from ..engine.check import PUBLIC, check
from ..engine.entrypoint import DEFAULT_PORTS, Address, Entrypoint
from ..engine.expect import Expect

SOURCE = "Behind a Proxy › How Proxy Forwarded Headers Work"
MAX_ANSWERS = 12
MAX_OUTSIDE = 60  # addresses beside the prefix that are looked at in a run, at one entrypoint
SCHEMES = {"ws": "http", "wss": "https"}


def parts_of(url: str) -> SplitResult:
    """Split a URL; those of WebSockets count as the entrypoint's own scheme."""
    parts = urlsplit(url)
    return parts._replace(scheme=SCHEMES.get(parts.scheme, parts.scheme))


def port_of(parts: SplitResult) -> int:
    return parts.port or DEFAULT_PORTS.get(parts.scheme, 443)


def places(entrypoint: Entrypoint) -> list[Address]:
    """Return the entrypoint's own address, and that of https, to which http may lead."""
    addresses = entrypoint.target.addresses
    return [entrypoint.address, *([addresses["https"]] if "https" in addresses else [])]


def within(path: str, prefix: str) -> bool:
    return not prefix or path == prefix or path.startswith(f"{prefix}/")


def twice(path: str, prefix: str, entrypoint: Entrypoint) -> bool:
    """Whether the prefix is there twice, and the application has no such path."""
    found, inside = entrypoint.target.found, path.removeprefix(prefix)
    there = found.matches(inside) or inside in found.present or f"{inside}/" in found.present
    return bool(prefix) and within(path, prefix + prefix) and not there


def leads_elsewhere(entrypoint: Entrypoint, path: str) -> bool:
    """Say whether an address of this host outside the prefix is another application's: it answers there,
    and this application has no such path."""
    found = entrypoint.target.found
    if found.matches(path):
        return False
    if safety.CAREFUL.search(path):
        return True  # not requested: it may do what it is called
    judged = entrypoint.target.outside[entrypoint.name]
    if len(judged | {path}) > MAX_OUTSIDE:
        return True
    judged.add(path)
    try:
        if entrypoint.look(path).status_code < 400 and not found.fallback:
            return False
        outside = entrypoint.look_at(path).status_code
    except (httpx.HTTPError, RuntimeError):
        return False
    return outside < 400 or outside in (401, 403, 405)


def compare(entrypoint: Entrypoint, expect: Expect, wrong: Callable[[str], bool], expected: str) -> None:
    """Expect of no address that an answer shows that it is wrong."""
    paths = entrypoint.target.found.showing[:MAX_ANSWERS]
    shown: dict[str, list[str]] = {}

    def misleading(path: str) -> list[str]:
        shown[path] = entrypoint.shown(path)
        return sorted({url for url in shown[path] if wrong(url)})

    answers = entrypoint.each(paths, misleading)
    if not any(shown.values()):
        pytest.skip("no answer shows an absolute address here")
    red = {path: urls for path, urls in answers.items() if urls}
    expect.subject = next(iter(red), next(path for path in paths if shown[path]))
    expect(f"addresses that are not {expected}", red, {})


@check(
    "links.scheme",
    title="Absolute addresses have the public scheme",
    entrypoints=PUBLIC,
    level="broken",
    source=SOURCE,
    statement=(
        "Each absolute address of this deployment in Location, Link, HTML, JSON or an OAuth redirect_uri "
        "has the scheme that the client used."
    ),
    fix=(
        "The proxy must send X-Forwarded-Proto with the client's scheme, and the server must trust the "
        "proxy's address (uvicorn: --forwarded-allow-ips)."
    ),
    needs=("address",),
)
def test_absolute_addresses_have_the_public_scheme(entrypoint: Entrypoint, expect: Expect) -> None:
    def wrong(url: str) -> bool:
        parts = parts_of(url)
        # http may lead to https: then the port must be that of https too.
        return not any(
            parts.scheme == one.scheme and (one is entrypoint.address or port_of(parts) == one.port)
            for one in places(entrypoint)
        )

    compare(entrypoint, expect, wrong, f"{entrypoint.scheme}://")


@check(
    "links.host",
    title="Absolute addresses have the host of the request",
    entrypoints=PUBLIC,
    level="broken",
    source=f"{SOURCE}; nginx › ngx_http_proxy_module › proxy_set_header",
    statement="Each absolute address of this deployment has the host that the client sent.",
    fix="The proxy must pass Host on as the client sent it.",
    needs=("address",),
)
def test_absolute_addresses_have_the_host_of_the_request(entrypoint: Entrypoint, expect: Expect) -> None:
    own = entrypoint.host.lower()
    compare(entrypoint, expect, lambda url: (urlsplit(url).hostname or "").lower() != own, f"at {own}")


@check(
    "links.port",
    title="Absolute addresses have the port of the request",
    entrypoints=PUBLIC,
    level="broken",
    source=f"{SOURCE}; nginx-proxy/nginx-proxy#2386",
    statement="Each absolute address at this deployment's host has the port that the client used.",
    fix="The proxy must pass Host on with its port (nginx: $http_host, not $host).",
    needs=("address",),
)
def test_absolute_addresses_have_the_port_of_the_request(entrypoint: Entrypoint, expect: Expect) -> None:
    def wrong(url: str) -> bool:
        parts = parts_of(url)
        if (parts.hostname or "").lower() != entrypoint.host.lower():
            return False  # links.host says so
        written = parts.port
        # A lost scheme brings its own default port along, which links.scheme says.
        expected = [one.port for one in places(entrypoint)]
        return (written or DEFAULT_PORTS[entrypoint.scheme]) not in expected

    compare(entrypoint, expect, wrong, f"at port {entrypoint.address.port}")


@check(
    "links.prefix",
    title="Absolute addresses have the prefix exactly once",
    entrypoints=PUBLIC,
    level="broken",
    source="Behind a Proxy › Providing the root_path",
    statement="Each absolute address of this deployment starts with the prefix, and has it once.",
    fix=(
        "The server's root path must be the prefix (uvicorn: --root-path), and links must be built with "
        "url_for."
    ),
    needs=("address", "prefix"),
)
def test_absolute_addresses_have_the_prefix_once(entrypoint: Entrypoint, expect: Expect) -> None:
    known: dict[str, bool] = {}

    def wrong(url: str) -> bool:
        path = urlsplit(url).path
        if path.startswith(f"{entrypoint.prefix}//"):
            return True
        if within(path, entrypoint.prefix):
            return twice(path, entrypoint.prefix, entrypoint)
        if path not in known:
            known[path] = not leads_elsewhere(entrypoint, path or "/")
        return known[path]

    compare(entrypoint, expect, wrong, f"under {entrypoint.prefix}/")
