"""A Host header has no effect unless it is one of the deployment's own names."""

import re

import pytest

from ..engine.check import EVERYWHERE, PUBLIC, check
from ..engine.entrypoint import Entrypoint
from ..engine.expect import Expect
from ..engine.raw import RawAnswer

INJECTED = "injected"
COMES_BACK = "answered, and the name comes back in an address"


def refused(entrypoint: Entrypoint, head: str) -> str:
    """Return the response to a redirecting path under `head`, in a word: who got a Location, and where to."""
    answers = entrypoint.raw(f"{head}\r\nConnection: close\r\n\r\n")
    if not answers:
        return "refused"
    location = answers[0].header("location")
    if location:
        place = re.match(r"\w+://([^/?#]*)", location)  # urlsplit would raise for a malformed URL
        return f"Location {place[1] if place else ''}"
    return "refused" if 400 <= answers[0].status_code < 500 else f"{answers[0].status_code}"


def under(entrypoint: Entrypoint, *hosts: str, version: str = "1.1", target: str = "") -> str:
    lines = "".join(f"\r\nHost: {host}" for host in hosts)
    return f"GET {target or entrypoint.path(redirecting(entrypoint))} HTTP/{version}{lines}"


def expect_location(entrypoint: Entrypoint, expect: Expect) -> None:
    """Expect a Location under the own Host: a path that refuses everybody shows nothing by a refusal."""
    expect.subject = redirecting(entrypoint)
    own = refused(entrypoint, under(entrypoint, entrypoint.authority))
    if not own.startswith("Location") and not entrypoint.target.demo:
        pytest.skip(f"{expect.subject} does not redirect here: {own}")
    expect.that(own.startswith("Location"), "under the own Host", observed=own, expected="a Location")


def redirecting(entrypoint: Entrypoint) -> str:
    """Return a path whose response names the host of its request."""
    return entrypoint.target.inventory.redirects[0].path


def answering(entrypoint: Entrypoint, expect: Expect) -> str:
    """Return a path that answers under an own name, best one that shows it."""
    inventory = entrypoint.target.inventory
    for path in [*inventory.showing[:2], *inventory.routes[:3], *entrypoint.target.answers]:
        if entrypoint.look(path).status_code < 400:
            expect.subject = path
            return path
    pytest.skip("no path was found that answers (--path names one)")


def injected_in(text: str) -> str:
    """Return the address in `shown` that has what stood behind the name in Host."""
    for word in re.findall(r"[^\s\"'<>]+", text):
        if "://" in word.partition(INJECTED)[0] and INJECTED in word:
            return str(word)
    return "in none"


def taken(entrypoint: Entrypoint, head: str, host: str, own: RawAnswer) -> str:
    """Return what a response to a foreign `host` shows: the name itself, the application's own response, or
    that the host was refused or belongs to another application."""
    answers = entrypoint.raw(f"{head}\r\nConnection: close\r\n\r\n")
    if not answers or 400 <= answers[0].status_code < 500:
        return "refused"
    text = f"{answers[0].header('location') or ''} {answers[0].text}"
    name = host.partition(":")[0].rstrip(".")
    if re.search(rf"//{re.escape(name)}[./:\"'\s]", f"{text} "):
        return COMES_BACK
    if answers[0].status_code >= 500:
        return f"{answers[0].status_code}"
    same = answers[0].status_code == own.status_code and answers[0].text == own.text
    location = own.header("location")
    if not own.text and location is not None:  # a proxy's way to the deployment's own name looks the same
        same = same and "//" not in location and answers[0].header("location") == location
    return "answered" if same else "refused"


def expect_not_taken(entrypoint: Entrypoint, expect: Expect, cases: dict[str, tuple[str, str]]) -> None:
    """Expect that each case, a head and its foreign host, is refused; a name that comes back is graver."""
    head = under(entrypoint, entrypoint.authority, target=entrypoint.path(expect.subject))
    own, again = (entrypoint.raw(f"{head}\r\nConnection: close\r\n\r\n")[0] for _ in range(2))
    answers = entrypoint.each(cases, lambda case: taken(entrypoint, *cases[case], own))
    if own.text != again.text and set(answers.values()) == {"refused"}:
        pytest.skip(f"each response of {expect.subject} differs, so none can be recognized (--path)")
    if COMES_BACK not in answers.values() and not entrypoint.target.ours:
        expect.level = "hardening"
    expect("answers", answers, dict.fromkeys(cases, "refused"))


@check(
    "host.foreign",
    title="A foreign Host is refused",
    entrypoints=PUBLIC,
    level="exposed",
    source="Kludex/starlette#3279; CVE-2026-48710",
    statement="The proxy accepts only the deployment's own names, whatever the spelling.",
    fix=(
        "Let the proxy accept only the deployment's own hosts (nginx: server_name, and a default_server "
        "that refuses; Traefik: Host(…) in the rule; HAProxy: a condition on hdr(host))."
    ),
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
    target = entrypoint.path(answering(entrypoint, expect))
    if entrypoint.target.ours:
        answers = entrypoint.each(
            hosts, lambda host: refused(entrypoint, under(entrypoint, host, target=target))
        )
        expect("answers", answers, dict.fromkeys(hosts, "refused"))
        return
    cases = {host: (under(entrypoint, host, target=target), host) for host in hosts}
    expect_not_taken(entrypoint, expect, cases)


@check(
    "host.absolute_form",
    title="A foreign host in the request target is refused",
    entrypoints=PUBLIC,
    level="exposed",
    source="RFC 9112 › 3.2.2",
    statement="A host in the request line takes precedence over Host, and is refused in the same way.",
    fix=(
        "Let the proxy accept only the deployment's own hosts (nginx: server_name, and a default_server "
        "that refuses; Traefik: Host(…) in the rule; HAProxy: a condition on hdr(host))."
    ),
)
def test_an_absolute_form_target_with_a_foreign_host_is_not_answered(
    entrypoint: Entrypoint, expect: Expect
) -> None:
    target = f"http://evil.example{entrypoint.path(answering(entrypoint, expect))}"
    # Absolute-form makes the target's host the request's: an own Host beside it changes nothing.
    head = under(entrypoint, entrypoint.authority, target=target)
    if entrypoint.target.ours:
        expect("answer", refused(entrypoint, head), "refused")
        return
    expect_not_taken(entrypoint, expect, {"absolute form": (head, "evil.example")})


@check(
    "host.malformed",
    title="A malformed Host is refused",
    entrypoints=EVERYWHERE,
    level="hardening",
    source="RFC 9112 › 3.2",
    statement="A Host that is not a host name, or has an impossible port, never gets a Location.",
    fix=(
        "Let the proxy or TrustedHostMiddleware refuse such a request: where Host does not parse, "
        "Starlette falls back to the socket's own address, and a redirect shows it."
    ),
    needs=("redirect",),
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
    expect_location(entrypoint, expect)
    answers = entrypoint.each(hosts, lambda host: refused(entrypoint, under(entrypoint, host)))
    expect("answers", answers, dict.fromkeys(hosts, "refused"))


@check(
    "host.with_a_path",
    title="A path in Host appears in no URL",
    entrypoints=EVERYWHERE,
    level="exposed",
    source="CVE-2026-48710; RFC 9112 › 3.2",
    statement="A path, a query or a fragment in Host appears in no URL and no redirect.",
    fix=(
        "Upgrade Starlette to 1.0.1 or newer, and let the proxy refuse such a Host: older versions build "
        "request.url from any Host, so its path is not the one that was routed."
    ),
    needs=("address",),
)
def test_what_stands_behind_the_name_in_host_gets_into_no_address(
    entrypoint: Entrypoint, expect: Expect
) -> None:
    path = expect.subject = entrypoint.target.inventory.showing[0]
    if not entrypoint.target.demo and not entrypoint.shown(path):
        pytest.skip(f"{path} shows no absolute address here")
    hosts = [f"{entrypoint.authority}{sign}{INJECTED}" for sign in "/?#"]

    def injected(host: str) -> str:
        head = under(entrypoint, host, target=entrypoint.path(path))
        answers = entrypoint.raw(f"{head}\r\nConnection: close\r\n\r\n")
        text = f"{answers[0].header('location') or ''} {answers[0].text}" if answers else ""
        return injected_in(text)

    expect("in an address", entrypoint.each(hosts, injected), dict.fromkeys(hosts, "in none"))


@check(
    "host.one",
    title="A request with two Host headers, or none, is refused",
    entrypoints=EVERYWHERE,
    level="hardening",
    source="RFC 9112 › 3.2",
    statement="A request with two Host headers, or with none, is refused: neither may determine a redirect.",
    fix=(
        "Let the proxy or TrustedHostMiddleware refuse such a request: where Host does not parse, "
        "Starlette falls back to the socket's own address, and a redirect shows it."
    ),
    needs=("redirect",),
)
def test_two_hosts_and_none_are_refused(entrypoint: Entrypoint, expect: Expect) -> None:
    cases = {
        "two": under(entrypoint, entrypoint.authority, "evil.example"),
        "two, the other way": under(entrypoint, "evil.example", entrypoint.authority),
        "none": under(entrypoint),
        "none in HTTP/1.0": under(entrypoint, version="1.0"),
    }
    expect_location(entrypoint, expect)
    answers = entrypoint.each(cases, lambda case: refused(entrypoint, cases[case]))
    expect("answers", answers, dict.fromkeys(cases, "refused"))


@check(
    "host.own_port",
    title="A Location has the host and port of the request",
    entrypoints=EVERYWHERE,
    level="broken",
    source="Traefik › Services › passHostHeader; nginx-proxy/nginx-proxy#2386",
    statement=("For each of the deployment's own names, with any port, Location has that name and port."),
    fix=("Let the proxy pass Host on as the client wrote it, with its port."),
    needs=("redirect",),
)
def test_a_location_names_the_host_that_was_asked(entrypoint: Entrypoint, expect: Expect) -> None:
    host = entrypoint.address.bracketed_host
    hosts = (host, f"{host}:1", f"{host}:65535")
    expect.subject = redirecting(entrypoint)
    location = entrypoint.get(expect.subject).headers.get("location", "")
    if not entrypoint.target.demo and "//" not in location:
        pytest.skip("the application's redirects name no host")
    answers = entrypoint.each(hosts, lambda host: refused(entrypoint, under(entrypoint, host)))
    same = {host: f"Location {host}" for host in hosts}
    observed = {host: re.sub(r":(80|443)$", "", answer) for host, answer in answers.items()}
    if not entrypoint.target.ours:  # it may take its one authority alone; links.* compare what it shows
        expect.level = "hardening"
        same = {host: one if observed[host] != "refused" else "refused" for host, one in same.items()}
    expect("answers", observed, same)
