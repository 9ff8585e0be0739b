"""What a Host header can do: nothing, unless it is one of the deployment's own names."""

import re
from urllib.parse import urlsplit

from .check import EVERYWHERE, PUBLIC, check
from .door import Door
from .expect import Expect

FOREIGN_HINT = (
    "The router's rule names no host: PUBLIC_HOSTS in .env must list the deployment's own names, "
    "not *, and the rule in traefik/routes.toml must begin with Host(…)."
)
MALFORMED_HINT = (
    "Starlette falls back to the socket's own address when Host does not parse, and a redirect "
    "shows it: serve the application through behindproxy_serve/asgi.py, whose HostGuard answers 400, or pin Host "
    "with a headers middleware in traefik/routes.toml."
)


def refused(door: Door, head: str) -> str:
    """The answer to a redirecting path under `head`, in a word: who got a Location, and where to."""
    answers = door.raw(f"{head}\r\nConnection: close\r\n\r\n")
    if not answers:
        return "refused"
    location = answers[0].header("location")
    if location:
        return f"Location {urlsplit(location).netloc}"
    return "refused" if 400 <= answers[0].status_code < 500 else f"{answers[0].status_code}"


def under(door: Door, *hosts: str, version: str = "1.1", target: str = "") -> str:
    lines = "".join(f"\r\nHost: {host}" for host in hosts)
    return f"GET {target or door.path('/items')} HTTP/{version}{lines}"


@check(
    "host.foreign",
    title="A foreign Host is not answered",
    doors=PUBLIC,
    kind="attack",
    source="starlette#3279; CVE-2026-48710",
    statement="The proxy answers to the deployment's own names only, whatever the spelling.",
    hint=FOREIGN_HINT,
    needs=("items",),
    broken_by=("PUBLIC_HOSTS=*",),
)
def test_a_foreign_host_is_not_answered(door: Door, expect: Expect) -> None:
    hosts = (
        "evil.example",
        "evil.example:99",
        f"{door.host}.evil.example",
        "evil.example.",
        f"x{door.host}",
        "10.0.0.1",
    )
    answers = door.each(hosts, lambda host: refused(door, under(door, host)))
    expect("answers", answers, dict.fromkeys(hosts, "refused"))


@check(
    "host.absolute_form",
    title="A foreign host in the request target is not answered",
    doors=PUBLIC,
    kind="attack",
    source="RFC 9112 › 3.2.2",
    statement="A host in the request line goes before Host, and is refused in the same way.",
    hint=FOREIGN_HINT,
    needs=("items",),
    broken_by=("PUBLIC_HOSTS=*",),
)
def test_an_absolute_form_target_with_a_foreign_host_is_not_answered(door: Door, expect: Expect) -> None:
    target = f"http://evil.example{door.path('/items')}"
    answer = refused(door, under(door, door.authority, target=target))
    # Absolute-form makes the target's host the request's: an own Host beside it changes nothing.
    expect("answer", answer, "refused")


@check(
    "host.malformed",
    title="A malformed Host is refused",
    doors=EVERYWHERE,
    kind="attack",
    source="RFC 9112 › 3.2",
    statement="A Host that is no host, or has an impossible port, never gets a Location.",
    hint=MALFORMED_HINT,
    needs=("items",),
    broken_by=("served without HostGuard", "passHostHeader = false"),
)
def test_a_malformed_host_is_refused(door: Door, expect: Expect) -> None:
    host = door.address.bracketed_host
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
    answers = door.each(hosts, lambda host: refused(door, under(door, host)))
    expect("answers", answers, dict.fromkeys(hosts, "refused"))


@check(
    "host.one",
    title="A request with two Host headers, or none, is refused",
    doors=EVERYWHERE,
    kind="attack",
    source="RFC 9112 › 3.2",
    statement="Two Host headers, and none at all, are refused: neither may choose a redirect.",
    hint=MALFORMED_HINT,
    needs=("items",),
    broken_by=("served without HostGuard", "PUBLIC_HOSTS=*"),
)
def test_two_hosts_and_none_are_refused(door: Door, expect: Expect) -> None:
    cases = {
        "two": under(door, door.authority, "evil.example"),
        "two, the other way": under(door, "evil.example", door.authority),
        "none": under(door),
        "none in HTTP/1.0": under(door, version="1.0"),
    }
    answers = door.each(cases, lambda case: refused(door, cases[case]))
    expect("answers", answers, dict.fromkeys(cases, "refused"))


@check(
    "host.own_port",
    title="A Location names the host of the request",
    doors=EVERYWHERE,
    kind="attack",
    source="Traefik › Services › passHostHeader; nginx-proxy#2386",
    statement="With an own name, whatever port is behind it, Location repeats it and nothing else.",
    hint=(
        "passHostHeader must stay true in traefik/routes.toml: without it every redirect names "
        "the backend's own address."
    ),
    needs=("items",),
    broken_by=("passHostHeader = false",),
)
def test_a_location_names_the_host_that_was_asked(door: Door, expect: Expect) -> None:
    host = door.address.bracketed_host
    hosts = (host, f"{host}:1", f"{host}:65535")
    answers = door.each(hosts, lambda host: refused(door, under(door, host)))
    same = {host: f"Location {host}" for host in hosts}
    observed = {host: re.sub(r":(80|443)$", "", answer) for host, answer in answers.items()}
    expect("answers", observed, same)
