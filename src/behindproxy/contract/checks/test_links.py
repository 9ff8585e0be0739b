"""Every absolute address that a response shows is compared in full: scheme, host, port and prefix."""

import uuid
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

import httpx
import pytest

from ..engine import safety
from ..engine.check import PUBLIC, check
from ..engine.entrypoint import DEFAULT_PORTS, Address, Entrypoint, Look
from ..engine.expect import Expect

SOURCE = "Behind a Proxy › How Proxy Forwarded Headers Work"
MAX_ANSWERS = 12
NOWHERE = f"/{uuid.uuid4().hex}"
MAX_OUTSIDE = 60  # addresses beside the prefix that are looked at in a run, on one entrypoint
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
    inventory, inside = entrypoint.target.inventory, path.removeprefix(prefix)
    there = inventory.matches(inside) or inside in inventory.present or f"{inside}/" in inventory.present
    return bool(prefix) and within(path, prefix + prefix) and not there


def is_nothing(entrypoint: Entrypoint, answer: Look | httpx.Response) -> bool:
    """Whether a response outside the prefix is this proxy's to what nobody has: Caddy says an empty 200."""

    def empty(one: Look | httpx.Response) -> bool:
        length = one.headers.get("content-length")
        return one.status_code == 200 and length == "0" and "content-type" not in one.headers

    return empty(answer) and empty(entrypoint.look_at(NOWHERE))


def leads_elsewhere(entrypoint: Entrypoint, path: str) -> bool:
    """Say whether an address of this host outside the prefix is another application's: it answers there,
    and this application has no such path."""
    inventory = entrypoint.target.inventory
    if inventory.matches(path):
        return False
    if safety.CAREFUL.search(path):
        return True  # not requested: it may do what it is called
    judged = entrypoint.target.outside[entrypoint.name]
    if len(judged | {path}) > MAX_OUTSIDE:
        return True
    judged.add(path)
    try:
        if entrypoint.look(path).status_code < 400 and not inventory.fallback:
            return False
        answer = entrypoint.look_at(path)
        if is_nothing(entrypoint, answer):
            return False
    except (httpx.HTTPError, RuntimeError):
        return False
    return answer.status_code < 400 or answer.status_code in (401, 403, 405)


def compare(entrypoint: Entrypoint, expect: Expect, wrong: Callable[[str], bool], expected: str) -> None:
    """Expect of no address that a response shows that it is wrong."""
    paths = entrypoint.target.inventory.showing[:MAX_ANSWERS]
    addresses: dict[str, list[str]] = {}

    def misleading(path: str) -> list[str]:
        addresses[path] = entrypoint.shown(path)
        return sorted({url for url in addresses[path] if wrong(url)})

    answers = entrypoint.each(paths, misleading)
    if not any(addresses.values()):
        pytest.skip("no response shows an absolute URL here")
    red = {path: urls for path, urls in answers.items() if urls}
    expect.subject = next(iter(red), next(path for path in paths if addresses[path]))
    expect(f"addresses that are not {expected}", red, {})


@check(
    "links.scheme",
    title="Absolute URLs have the public scheme",
    entrypoints=PUBLIC,
    level="broken",
    source=SOURCE,
    statement=(
        "Each absolute URL of this deployment in Location, Link, HTML, JSON or an OAuth redirect_uri has "
        "the scheme that the client used."
    ),
    fix=(
        "Let the proxy send X-Forwarded-Proto with the client's scheme, and let the server trust the "
        "proxy's address (Uvicorn: --forwarded-allow-ips)."
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
    title="Absolute URLs have the host of the request",
    entrypoints=PUBLIC,
    level="broken",
    source=f"{SOURCE}; nginx › ngx_http_proxy_module › proxy_set_header",
    statement="Each absolute URL of this deployment has the host that the client sent.",
    fix="Let the proxy pass Host on as the client sent it.",
    needs=("address",),
)
def test_absolute_addresses_have_the_host_of_the_request(entrypoint: Entrypoint, expect: Expect) -> None:
    own = entrypoint.host.lower()
    compare(entrypoint, expect, lambda url: (urlsplit(url).hostname or "").lower() != own, f"at {own}")


@check(
    "links.port",
    title="Absolute URLs have the port of the request",
    entrypoints=PUBLIC,
    level="broken",
    source=f"{SOURCE}; nginx-proxy/nginx-proxy#2386",
    statement="Each absolute URL with this deployment's host has the port that the client used.",
    fix="Let the proxy pass Host on with its port (nginx: $http_host, not $host).",
    needs=("address",),
)
def test_absolute_addresses_have_the_port_of_the_request(entrypoint: Entrypoint, expect: Expect) -> None:
    def wrong(url: str) -> bool:
        parts = parts_of(url)
        if (parts.hostname or "").lower() != entrypoint.host.lower():
            return False  # links.host says so
        port = parts.port
        # A lost scheme brings its own default port along, which links.scheme says.
        expected = [one.port for one in places(entrypoint)]
        return (port or DEFAULT_PORTS[entrypoint.scheme]) not in expected

    compare(entrypoint, expect, wrong, f"at port {entrypoint.address.port}")


@check(
    "links.prefix",
    title="Absolute URLs have the prefix exactly once",
    entrypoints=PUBLIC,
    level="broken",
    source="Behind a Proxy › Providing the root_path",
    statement="Each absolute URL of this deployment starts with the prefix, and has it once.",
    fix=("Set the server's root path to the prefix (Uvicorn: --root-path), and build links with url_for."),
    needs=("address", "prefix"),
)
def test_absolute_addresses_have_the_prefix_once(entrypoint: Entrypoint, expect: Expect) -> None:
    exists: dict[str, bool] = {}

    def wrong(url: str) -> bool:
        path = urlsplit(url).path
        if path.startswith(f"{entrypoint.prefix}//"):
            return True
        if within(path, entrypoint.prefix):
            return twice(path, entrypoint.prefix, entrypoint)
        if path not in exists:
            exists[path] = not leads_elsewhere(entrypoint, path or "/")
        return exists[path]

    compare(entrypoint, expect, wrong, f"under {entrypoint.prefix}/")
