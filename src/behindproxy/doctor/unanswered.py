"""Why an address gave no response: each cause judged against the facts, the likeliest first."""

import errno
import os
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from behindproxy.stack.paths import CA_FILE, ROOT

from .addresses import in_url, kind
from .answered import connecting, downgraded
from .checks import parts, process
from .facts import Answer, Container, Facts, Listener
from .findings import cause
from .step import Step
from .writer import PROGRAMS

PYTHON = ("python", "pypy")


def _container_at(facts: Facts, port: int) -> tuple[Container, int] | None:
    """Return the container that publishes `port`, and the port in it."""
    for container in sorted(facts.containers, key=lambda one: one.state != "running"):
        for one in container.published:
            if one.port == port:
                return container, one.target
    return None


def on_every_address(command: str, port: int) -> str:
    """How to start the same server for other machines too; empty: it is not known."""
    if "fastapi" in command and " dev" in command:
        return "fastapi dev … --host 0.0.0.0"
    for server, option in (
        ("uvicorn", "--host 0.0.0.0"),
        ("fastapi", "--host 0.0.0.0"),
        ("hypercorn", f"--bind 0.0.0.0:{port}"),
        ("gunicorn", f"--bind 0.0.0.0:{port}"),
    ):
        if server in command:
            return f"{server} … {option}"
    return ""


def refused(facts: Facts, answer: Answer) -> Iterator[Step]:
    port = answer.port
    if not facts.target_ours:
        yield cause("url.nothing_listens_there", address=answer.address, port=port, url=answer.url)
        return
    if rejecting := [
        rule for rule in facts.rules or [] if rule.stops(port) and "REJECT" in rule.text.upper()
    ]:
        yield cause("url.firewall", port=port, rule=rejecting[0].text)
        return
    published = _container_at(facts, port)
    if published and published[0].state in ("running", "paused"):
        container, target = published
        places = [Listener(one.address, one.port) for one in container.published]
        if any(one.port == port and one.takes(answer.address) for one in places):
            # From this machine the engine's rules lead straight into the container.
            yield from _behind_the_port(facts, answer, container, target)
        else:
            address = next(one.address for one in places if one.port == port)
            yield _published_elsewhere(facts, answer, container, address, target)
        return
    at = facts.at(port)
    if taking := [one for one in at if one.takes(answer.address)]:
        yield cause("url.refused_though_listening", process=process(taking[0]))
    elif at:
        yield _bound_elsewhere(facts, answer, at[0])
    elif published:
        container = published[0]
        yield cause(
            "url.container_ended",
            case="stack" if container.ours else "",
            container=container.name,
            port=port,
            state=container.state,
            exit_code=container.exit_code,
            last_line=container.last_line,
        )
    else:
        yield _nothing(facts, answer)


def _published_elsewhere(
    facts: Facts, answer: Answer, container: Container, address: str, target: int
) -> Step:
    settings, name, port = facts.settings, container.name, answer.port
    if not container.ours:
        return cause("url.published_on_loopback", container=name, port=port, address=address, target=target)
    if ":" in answer.address and ":" not in address:
        return cause("url.ipv6_is_not_published", container=name, port=port, address=address)
    if container.service != "traefik":
        url = f"{settings.url('http') or settings.url('https')}/app"
        return cause(
            "url.direct_is_local", case="container", container=name, port=port, address=address, url=url
        )
    return cause("url.published_on_loopback", case="stack", container=name, port=port, address=address)


def _bound_elsewhere(facts: Facts, answer: Answer, listener: Listener) -> Step:
    settings, port = facts.settings, answer.port
    ours = facts.runtime == "native" and port in (settings.http_port, settings.https_port)
    other_family = listener.here.version != (6 if ":" in answer.address else 4)
    name, address = process(listener), f"{in_url(listener.address)}:{port}"
    if other_family and (listener.here.is_unspecified or kind(answer.address)[0] == "loopback"):
        version, other = ("IPv4", "127.0.0.1") if ":" in answer.address else ("IPv6", "[::1]")
        url = f"http://{other}:{port}"
        return cause("url.other_family", process=name, address=address, version=version, url=url)
    if facts.runtime == "native" and port == settings.direct_port:
        url = f"{settings.url('http')}/app"
        return cause("url.direct_is_local", process=name, address=address, url=url)
    command = on_every_address(listener.command, port)
    if ours or not command:
        return cause(
            "url.bound_to_loopback" if listener.here.is_loopback else "url.bound_to_another_address",
            case="stack" if ours else "unknown_server",
            process=name,
            address=address,
        )
    return cause(
        "url.bound_to_loopback" if listener.here.is_loopback else "url.bound_to_another_address",
        process=name,
        address=address,
        command=command,
    )


def _nothing(facts: Facts, answer: Answer) -> Step:
    settings, port = facts.settings, answer.port
    if facts.runtime:
        urls = (settings.url(entrypoint) for entrypoint in ("http", "https", "direct"))
        entrypoints = " and ".join(filter(None, urls))
        return cause("url.nothing_listens", case="stack_elsewhere", port=port, entrypoints=entrypoints)
    if port in (settings.http_port, settings.https_port, settings.direct_port):
        return cause("url.nothing_listens", case="port_of_the_stack", port=port)
    others = sorted(
        {one.port for one in facts.listeners if "python" in one.command or "uvicorn" in one.command}
    )
    return cause("url.nothing_listens", port=port, others=", ".join(map(str, others)))


def timed_out(facts: Facts, answer: Answer) -> Iterator[Step]:
    port = answer.port
    if facts.target_ours:
        if stopping := [rule for rule in facts.rules or [] if rule.stops(port)]:
            yield cause("url.firewall", port=port, rule=stopping[0].text)
        elif taking := [one for one in facts.at(port) if one.takes(answer.address)]:
            if taking[0].state == "stopped":
                yield cause("url.stopped", process=process(taking[0]), pid=taking[0].pid)
            else:
                yield cause("url.queue_full", process=process(taking[0]))
        else:
            yield cause("url.firewall_unseen", port=port, firewall=facts.firewall)
        return
    if facts.no_neighbour:
        yield cause("url.no_neighbour", address=answer.address)
        return
    yield from _private_elsewhere(facts, answer)
    yield cause("url.dropped_on_the_way", port=port, url=answer.url)


def _private_elsewhere(facts: Facts, answer: Answer) -> Iterator[Step]:
    name = kind(answer.address)[0]
    neighbour = any(_same_network(address.text, answer.address) for address in facts.addresses)
    if name.startswith(("private", "unique local", "carrier-grade")) and not neighbour:
        yield cause("url.private_elsewhere", address=answer.address, kind=name, port=answer.port)


def _same_network(own: str, other: str) -> bool:
    """Guess without the netmask: the first half of an IPv4 address, the first 64 bits of an IPv6."""
    here, there = ip_address(own), ip_address(other)
    size = 8 if here.version == 6 else 2
    return here.version == there.version and here.packed[:size] == there.packed[:size]


def no_answer(facts: Facts, answer: Answer) -> Iterator[Step]:
    """Explain what was connected, and then silent, reset, closed, or not HTTP."""
    port = answer.port
    if downgraded(answer) and facts.speaks_tls:
        yield cause("url.downgraded")
        return
    if facts.speaks_tls and urlsplit(answer.url).scheme == "http":
        https_url = answer.url.replace("http:", "https:", 1)
        yield cause("url.speaks_tls", port=port, https_url=https_url)
        return
    proxied = facts.stack_at(port) in ("http", "https")
    if of_stack := [step for step in parts(facts) if step.finding and proxied]:
        yield from of_stack
        return
    if waiting := list(connecting(facts, answer)):
        yield from waiting
        return
    other = facts.elsewhere.get("another path")
    if other and other.outcome == "http":
        yield _this_path(answer, other, facts.elsewhere.get("another path, then", other))
        return
    published = _container_at(facts, port) if facts.target_ours else None
    if published:
        yield from _behind_the_port(facts, answer, *published)
        return
    for listener in facts.at(port) if facts.target_ours else ():
        if not listener.takes(answer.address):
            continue
        if listener.command.split(" ")[0] in ("ssh", "sshd", "autossh"):
            yield cause("url.forward_closed", process=process(listener))
        elif listener.state == "stopped":
            yield cause("url.stopped", process=process(listener), pid=listener.pid)
        elif answer.outcome == "silent":
            yield _busy(answer, listener)
        else:
            yield cause("url.not_http", process=process(listener))
        return
    if answer.outcome == "silent":
        yield cause("url.busy", case="unseen", seconds=f"{answer.seconds:.0f}")
    else:
        yield cause("url.not_http", case="unseen", port=port)


def _this_path(answer: Answer, other: Answer, then: Answer) -> Step:
    """Return the finding if `other` had a response before; `then`: its response after that time."""
    path, another = urlsplit(answer.url).path or "/", urlsplit(other.url).path
    if answer.outcome == "silent":
        seconds = f"{answer.seconds:.0f}"
        if then.outcome != "http":
            return cause("url.busy", case="path", path=path, seconds=seconds, another=another)
        return cause("url.slow", path=path, seconds=seconds, another=another, status=other.status)
    seconds = f"{answer.seconds:.1f}"
    return cause("url.server_ended", path=path, seconds=seconds, another=another, status=other.status)


def _busy(answer: Answer, listener: Listener) -> Step:
    name, seconds = process(listener), f"{answer.seconds:.0f}"
    if listener.program.startswith(PYTHON):
        return cause("url.busy", process=name, seconds=seconds, pid=listener.pid)
    proxy = listener.program.startswith(PROGRAMS)
    return cause("url.busy", case="proxy" if proxy else "program", process=name, seconds=seconds)


def _behind_the_port(facts: Facts, answer: Answer, container: Container, target: int) -> Iterator[Step]:
    name, port = container.name, answer.port
    inside = [one for one in container.listeners or () if one.port == target]
    if container.state == "paused":
        yield cause("url.container_paused", container=name)
    elif container.listeners is not None and not inside and container.starting:
        seconds = f"{container.up_seconds or 0:.0f}"
        yield cause("url.container_starting", container=name, seconds=seconds, target=target)
    elif inside and all(one.here.is_loopback for one in inside):
        yield cause("url.container_loopback", container=name, address=f"{inside[0].address}:{target}")
    elif container.listeners is not None and not inside:
        if others := sorted({one.port for one in container.listeners}):
            yield cause(
                "url.container_other_port",
                container=name,
                port=port,
                target=target,
                others=", ".join(map(str, others)),
                other=others[0],
            )
        else:
            yield cause("url.container_other_port", case="no_port", container=name, target=target)
    else:
        yield cause("url.container_silent", container=name, port=port)


def unreachable(facts: Facts, answer: Answer) -> Iterator[Step]:
    if facts.no_neighbour:
        yield cause("url.no_neighbour", address=answer.address)
        return
    if answer.detail == os.strerror(errno.EHOSTUNREACH):  # an ICMP message: the kernel itself has a route
        yield cause("url.rejected_on_the_way", address=answer.address, port=answer.port, reason=answer.detail)
        return
    yield from _private_elsewhere(facts, answer)
    yield cause("url.no_route", address=answer.address, reason=answer.detail)


def no_name(facts: Facts, answer: Answer) -> Iterator[Step]:
    yield cause("url.no_name", host=urlsplit(answer.url).hostname, reason=answer.detail)


def not_tls(facts: Facts, answer: Answer) -> Iterator[Step]:
    plain = facts.elsewhere.get("plain")
    if answer.hops[-1:] == (answer.url.replace("https:", "http:", 1),):
        yield cause("url.plain_http", case="redirected", port=answer.port)
    elif plain and plain.outcome == "http" and plain.status != 400:
        ours = facts.runtime and answer.port == facts.settings.http_port
        tls = facts.settings.url("https") if ours else ""
        url = f"{tls}/app" if tls else answer.url.replace("https:", "http:", 1)
        yield cause("url.plain_http", port=answer.port, url=url)
    else:
        yield cause("url.tls_refused", reason=answer.detail, host=urlsplit(answer.url).hostname)


def certificate(facts: Facts, answer: Answer) -> Iterator[Step]:
    reason, host, here = answer.detail, urlsplit(answer.url).hostname, facts.stack_at(answer.port)
    if "expired" in reason:
        yield cause("url.certificate_expired", case="stack" if here else "")
    elif "mismatch" in reason or "not valid for" in reason:
        yield cause("url.certificate_name", case="stack" if here else "", host=host, reason=reason)
    else:
        yield cause("url.certificate_unknown", reason=reason, ca=CA_FILE.relative_to(ROOT))
