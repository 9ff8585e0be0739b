"""What a Host header can do: nothing, unless it is one of the deployment's own names."""

import re
from urllib.parse import urlsplit

import pytest

from .check import EVERYWHERE, PUBLIC, check
from .entrypoint import Entrypoint
from .expect import Expect

FOREIGN_HINT = (
    "The router's rule names no host: PUBLIC_HOSTS in .env must list the deployment's own names, "
    "not *, and the rule in traefik/routes.toml must begin with Host(…)."
)
MALFORMED_HINT = (
    "Starlette falls back to the socket's own address when Host does not parse, and a redirect "
    "shows it: serve the application through behindproxy_serve/asgi.py, whose HostGuard answers 400, or pin "
    "Host with a headers middleware in traefik/routes.toml."
)


def refused(entrypoint: Entrypoint, head: str) -> str:
    """The answer to a redirecting path under `head`, in a word: who got a Location, and where to."""
    answers = entrypoint.raw(f"{head}\r\nConnection: close\r\n\r\n")
    if not answers:
        return "refused"
    location = answers[0].header("location")
    if location:
        return f"Location {urlsplit(location).netloc}"
    return "refused" if 400 <= answers[0].status_code < 500 else f"{answers[0].status_code}"


def under(entrypoint: Entrypoint, *hosts: str, version: str = "1.1", target: str = "") -> str:
    lines = "".join(f"\r\nHost: {host}" for host in hosts)
    return f"GET {target or entrypoint.path('/items')} HTTP/{version}{lines}"


def answering(entrypoint: Entrypoint) -> str:
    """A path that answers under an own name: whether a foreign one is refused shows there."""
    if entrypoint.target.demo:
        return "/items"
    named = entrypoint.target.answers
    for path in [named] if named else ["/openapi.json", "/docs", "/redoc", "/"]:
        if entrypoint.get(path).status_code < 400:
            return path
    pytest.skip("the application has no path that answers: name one, ANSWERS=/path")


@check(
    "host.foreign",
    title="A foreign Host is not answered",
    entrypoints=PUBLIC,
    kind="attack",
    source="starlette#3279; CVE-2026-48710",
    statement="The proxy answers to the deployment's own names only, whatever the spelling.",
    hint=FOREIGN_HINT,
)
def test_a_foreign_host_is_not_answered(entrypoint: Entrypoint, expect: Expect) -> None:
    hosts = (
        "evil.example",
        "evil.example:99",
        f"{entrypoint.host}.evil.example",
        "evil.example.",
        f"x{entrypoint.host}",
        "10.0.0.1",
    )
    target = entrypoint.path(answering(entrypoint))
    answers = entrypoint.each(hosts, lambda host: refused(entrypoint, under(entrypoint, host, target=target)))
    expect("answers", answers, dict.fromkeys(hosts, "refused"))


@check(
    "host.absolute_form",
    title="A foreign host in the request target is not answered",
    entrypoints=PUBLIC,
    kind="attack",
    source="RFC 9112 › 3.2.2",
    statement="A host in the request line goes before Host, and is refused in the same way.",
    hint=FOREIGN_HINT,
)
def test_an_absolute_form_target_with_a_foreign_host_is_not_answered(
    entrypoint: Entrypoint, expect: Expect
) -> None:
    target = f"http://evil.example{entrypoint.path(answering(entrypoint))}"
    answer = refused(entrypoint, under(entrypoint, entrypoint.authority, target=target))
    # Absolute-form makes the target's host the request's: an own Host beside it changes nothing.
    expect("answer", answer, "refused")


@check(
    "host.malformed",
    title="A malformed Host is refused",
    entrypoints=EVERYWHERE,
    kind="attack",
    source="RFC 9112 › 3.2",
    statement="A Host that is no host, or has an impossible port, never gets a Location.",
    hint=MALFORMED_HINT,
    needs=("items",),
)
def test_a_malformed_host_is_refused(entrypoint: Entrypoint, expect: Expect) -> None:
    host = entrypoint.address.bracketed_host
    hosts = (
        f"{host}:",
        f"{host}:notaport",
        f"{host}:99999",
        f"{host}:0",
        f"user@{host}",
        f"{host}/x",
        f"{host} x",
        "[::1",
        "",
    )
    answers = entrypoint.each(hosts, lambda host: refused(entrypoint, under(entrypoint, host)))
    expect("answers", answers, dict.fromkeys(hosts, "refused"))


@check(
    "host.one",
    title="A request with two Host headers, or none, is refused",
    entrypoints=EVERYWHERE,
    kind="attack",
    source="RFC 9112 › 3.2",
    statement="Two Host headers, and none at all, are refused: neither may choose a redirect.",
    hint=MALFORMED_HINT,
    needs=("items",),
)
def test_two_hosts_and_none_are_refused(entrypoint: Entrypoint, expect: Expect) -> None:
    cases = {
        "two": under(entrypoint, entrypoint.authority, "evil.example"),
        "two, the other way": under(entrypoint, "evil.example", entrypoint.authority),
        "none": under(entrypoint),
        "none in HTTP/1.0": under(entrypoint, version="1.0"),
    }
    answers = entrypoint.each(cases, lambda case: refused(entrypoint, cases[case]))
    expect("answers", answers, dict.fromkeys(cases, "refused"))


@check(
    "host.own_port",
    title="A Location names the host of the request",
    entrypoints=EVERYWHERE,
    kind="attack",
    source="Traefik › Services › passHostHeader; nginx-proxy#2386",
    statement=(
        "For a name of the deployment's own, with any port, Location has that name and port and no other."
    ),
    hint=(
        "passHostHeader must stay true in traefik/routes.toml: without it every redirect names "
        "the backend's own address."
    ),
    needs=("items",),
)
def test_a_location_names_the_host_that_was_asked(entrypoint: Entrypoint, expect: Expect) -> None:
    host = entrypoint.address.bracketed_host
    hosts = (host, f"{host}:1", f"{host}:65535")
    answers = entrypoint.each(hosts, lambda host: refused(entrypoint, under(entrypoint, host)))
    same = {host: f"Location {host}" for host in hosts}
    observed = {host: re.sub(r":(80|443)$", "", answer) for host, answer in answers.items()}
    expect("answers", observed, same)
