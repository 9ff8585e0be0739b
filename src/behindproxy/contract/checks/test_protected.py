"""A route that the proxy protects cannot be bypassed by any address or request."""

import base64

import httpx

from ..engine.check import PUBLIC, check
from ..engine.entrypoint import Entrypoint
from ..engine.expect import Expect
from ..engine.raw import RawAnswer

OTHER_HOSTS = ("localhost", "127.0.0.1", "[::1]")  # which a rule may take beside the public names
REWRITES = ("X-Original-Url", "X-Rewrite-Url", "X-Forwarded-Prefix", "X-Forwarded-Path")


def spellings(prefix: str, path: str) -> list[str]:
    """Request targets that some proxy or server takes for `path` under `prefix`."""
    inner, first, rest = path[1:], *path[1:].partition("/")[::2]
    parent, last = prefix.rpartition("/")[::2]
    encoded = f"%{ord(first[0]):02x}{first[1:]}"
    rest = f"/{rest}" if rest else ""
    return [
        # beside the boundary
        f"{prefix}{inner}",
        f"{prefix}%2f{inner}",
        f"{prefix}%2F{inner}",
        f"{prefix};{path}",
        # a slash that is not one, or one more
        f"{prefix}/%2f{inner}",
        f"{prefix}/{inner.replace('/', '%2f')}",
        f"{prefix}//{inner}",
        f"{prefix}/{inner.replace('/', '//')}",
        f"/{prefix}{path}",
        f"{prefix}\\{inner}",
        f"{prefix}/{inner.replace('/', '%5c')}",
        f"{prefix}/{inner.replace('/', '%252f')}",
        # dot segments
        f"{prefix}/.{path}",
        f"{prefix}/x/..{path}",
        f"{prefix}/x/..%2f{inner}",
        f"{prefix}/%2e{path}",
        f"{prefix}/x/%2e%2e{path}",
        f"{prefix}/..{prefix}{path}",
        f"{prefix}..{path}",
        f"{parent}/x/../{last}{path}",
        # the prefix twice
        f"{prefix}{prefix}{path}",
        # other letters for the same
        f"{prefix}/{encoded}{rest}",
        f"{prefix}{path.upper()}",
        f"{prefix.upper()}{path}",
        # what some server cuts off
        f"{prefix}{path}/",
        f"{prefix}{path}/.",
        f"{prefix}{path};x=1",
        f"{prefix}{path}%00",
        f"{prefix}/{first};x=1{rest}",
        f"{prefix}/{first}.{rest}",
        f"{prefix}{path}%3f",
        f"{prefix}{path}%23",
        f"{prefix}{path}?x=/app",
    ]


# What a proxy says to whom it lets nowhere, or to a method that it does not know.
REFUSALS = (400, 401, 403, 501)
Ways = dict[str, tuple[str, str, str]]  # each a method, a target and further header lines


def addresses(entrypoint: Entrypoint, path: str) -> Ways:
    """Each way to request `path` without credentials that changes nothing."""
    itself, elsewhere = entrypoint.path(path), entrypoint.path("/")
    others = [target for target in spellings(entrypoint.prefix, path) if target != itself]
    ways = {target: ("GET", target, "") for target in others}
    ways["absolute form"] = ("GET", f"{entrypoint.origin}{itself}", "")
    ways["HEAD"] = ("HEAD", itself, "")
    for host in OTHER_HOSTS:
        ways[f"Host: {host}"] = ("GET", itself, f"Host: {host}\r\n")
    for name in REWRITES:
        ways[f"{name} of another path"] = ("GET", itself, f"{name}: {elsewhere}\r\n")
        ways[f"{name} elsewhere"] = ("GET", elsewhere, f"{name}: {path}\r\n")
        ways[f"{name} elsewhere, prefixed"] = ("GET", elsewhere, f"{name}: {itself}\r\n")
    return ways


def methods(entrypoint: Entrypoint, path: str) -> Ways:
    """`path` itself, by every other method."""
    length = "Content-Length: 0\r\n"
    ways = {method: (method, entrypoint.path(path), length) for method in ("POST", "PUT", "get")}
    override = f"{length}X-HTTP-Method-Override: GET\r\n"
    return {**ways, "method override": ("POST", entrypoint.path(path), override)}


@check(
    "path.protected_route",
    title="A protected route cannot be bypassed",
    entrypoints=PUBLIC,
    level="exposed",
    source="traefik/traefik#1663, traefik/traefik#2214; CVE-2025-66490",
    statement=(
        "A route that the proxy protects is open to its own users and nobody else, whatever the "
        "spelling, host or rewriting header."
    ),
    fix=(
        "Give the protected router a rule without a trailing slash, for every host and method that the "
        "general one matches, and a higher priority. End the prefix with a slash in the general rule, "
        "turn entryPoints.*.http.encodedCharacters off, and keep root_path in the path."
    ),
    needs=("protected",),
)
def test_a_protected_route_has_no_way_round(entrypoint: Entrypoint, expect: Expect) -> None:
    expect_protected(entrypoint, expect, addresses(entrypoint, entrypoint.target.protected))


@check(
    "path.protected_methods",
    title="A protected route is protected for every method",
    entrypoints=PUBLIC,
    level="exposed",
    source="traefik/traefik#1663, traefik/traefik#11452",
    statement="A route that the proxy protects accepts no method without credentials.",
    fix="Remove Method() from the protected router's rule: it leaves other methods open.",
    needs=("protected",),
    unsafe=True,
)
def test_a_route_is_protected_from_every_method(entrypoint: Entrypoint, expect: Expect) -> None:
    expect_protected(entrypoint, expect, methods(entrypoint, entrypoint.target.protected), told_apart=True)


def expect_protected(entrypoint: Entrypoint, expect: Expect, ways: Ways, told_apart: bool = False) -> None:
    """Expect that no way leads to the route; with `told_apart`, that nobody without credentials is even
    answered as its users are: an application answers 405 to a method that it lacks, whoever the client is."""
    path = entrypoint.target.protected
    expect("status without credentials", entrypoint.get(path).status_code, 401)
    credentials = base64.b64encode(entrypoint.target.protected_user.encode()).decode()
    secret = entrypoint.get(path, headers={"Authorization": f"Basic {credentials}"})
    expect("status with credentials", secret.status_code, 200)
    expect.that(len(secret.text) > 5, "secret", observed=secret.text, expected="a text to look for")

    def sent(method: str, target: str, lines: str) -> RawAnswer:
        host = "" if lines.startswith("Host:") else f"Host: {entrypoint.authority}\r\n"
        head = f"{method} {target} HTTP/1.1\r\n{host}{lines}"
        return entrypoint.raw(f"{head}Connection: close\r\n\r\n")[0]

    def reached(way: str) -> str:
        method, target, lines = ways[way]
        answer: httpx.Response | RawAnswer
        if method == "HEAD":  # a length without a body, which raw answers cannot have
            answer = entrypoint.ask(method, target)
        else:
            answer = sent(method, target, lines)
        if told_apart and answer.status_code not in REFUSALS:
            theirs = sent(method, target, f"{lines}Authorization: Basic {credentials}\r\n")
            if answer.status_code == theirs.status_code:
                return f"{answer.status_code}, as with credentials"
        at_start_page = target == entrypoint.path("/")  # public: it may answer, with its own text
        opens = 200 <= answer.status_code < 300 and not at_start_page
        return f"{answer.status_code}" if opens or secret.text in answer.text else "no"

    expect("reached", entrypoint.each(ways, reached), dict.fromkeys(ways, "no"))
