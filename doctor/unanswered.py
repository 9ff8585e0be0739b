"""Why an address gave no answer: each cause judged against the facts, the likeliest first."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from stack.paths import CA_FILE, ROOT

from .addresses import in_url, kind
from .checks import process
from .facts import Answer, Container, Facts, Listener
from .step import Step, wrong

EXPOSED = "so that other machines reach it"


def _container_at(facts: Facts, port: int) -> tuple[Container, int] | None:
    """The container that publishes `port`, and the port in it."""
    for container in sorted(facts.containers, key=lambda one: one.state != "running"):
        for one in container.published:
            if one.port == port:
                return container, one.target
    return None


def bind_fix(listener: Listener, port: int) -> str:
    """How to start the same server for other machines too."""
    command = listener.command
    if "fastapi" in command and " dev" in command:
        return f"fastapi dev … --host 0.0.0.0, {EXPOSED}"
    for server, option in (("uvicorn", "--host 0.0.0.0"), ("fastapi", "--host 0.0.0.0"),
                           ("hypercorn", f"--bind 0.0.0.0:{port}"),
                           ("gunicorn", f"--bind 0.0.0.0:{port}")):  # fmt: skip
        if server in command:
            return f"{server} … {option}, {EXPOSED}"
    return f"start it on 0.0.0.0, {EXPOSED}"


def refused(facts: Facts, answer: Answer) -> Iterator[Step]:
    if not facts.target_ours:
        yield wrong("url.nothing_listens_there", "cause", f"{answer.address} is up, and nothing listens at {answer.port} "
                    "on that address: the server may listen on its 127.0.0.1 alone",
                    f"on that machine: make doctor URL={answer.url}; start the server with --host 0.0.0.0")  # fmt: skip
        return
    if rejecting := [
        rule
        for rule in facts.rules or []
        if rule.stops(answer.port) and "REJECT" in rule.text.upper()
    ]:
        yield _rule(rejecting[0].text, answer.port)
        return
    published = _container_at(facts, answer.port)
    if published and published[0].state in ("running", "paused"):
        container, target = published
        doors = [Listener(one.address, one.port) for one in container.published]
        if any(one.port == answer.port and one.takes(answer.address) for one in doors):
            # From this machine the engine's rules lead straight into the container.
            yield from _behind_the_port(facts, answer, container, target)
        else:
            address = next(one.address for one in doors if one.port == answer.port)
            yield _published_elsewhere(facts, answer, container, address, target)
        return
    at = facts.at(answer.port)
    if taking := [one for one in at if one.takes(answer.address)]:
        yield wrong("url.refused_though_listening", "cause", f"{process(taking[0])} listens there now, and refused a "
                    "moment ago: it was starting, or its queue is full", "ask again")  # fmt: skip
    elif at:
        yield from _bound_elsewhere(facts, answer, at)
    elif published:
        container = published[0]
        yield wrong("url.container_ended", "cause", f"{container.name}, which publishes {answer.port}, is "
                    f"{container.state} (exit {container.exit_code}){'; ' + container.last_line if container.last_line else ''}",
                    f"docker start {container.name}" if not container.ours else "make up")  # fmt: skip
    else:
        yield _nothing(facts, answer)


def _published_elsewhere(
    facts: Facts, answer: Answer, container: Container, address: str, target: int
) -> Step:
    settings = facts.settings
    shown = f"{container.name} publishes {answer.port} on {address} alone"
    if not container.ours:
        return wrong(
            "url.published_on_loopback",
            "cause",
            shown,
            f"-p 0.0.0.0:{answer.port}:{target}, {EXPOSED}",
        )
    if ":" in answer.address and ":" not in address:
        return wrong("url.ipv6_is_not_published", "cause", f"{shown}, which is IPv4",
                     f"http://127.0.0.1:{answer.port}, or the machine's IPv4 address; a name without an AAAA record; "
                     "natively (RUNTIME=native) BIND_ADDRESS=:: serves IPv6 too")  # fmt: skip
    if container.service != "traefik":
        return wrong("url.direct_is_local", "cause", f"{shown}, as it should: past the proxy, for this machine",
                     f"use the proxied door: {settings.url('proxy') or settings.url('tls')}/app")  # fmt: skip
    return wrong("url.published_on_loopback", "cause", shown,
                 f"BIND_ADDRESS=0.0.0.0 in .env, then make up, {EXPOSED}")  # fmt: skip


def _bound_elsewhere(facts: Facts, answer: Answer, at: list[Listener]) -> Iterator[Step]:
    listener, settings = at[0], facts.settings
    other_family = listener.here.version != (6 if ":" in answer.address else 4)
    shown = f"{process(listener)} listens on {in_url(listener.address)}:{answer.port} alone"
    ours = facts.runtime == "native" and answer.port in (settings.http_port, settings.https_port)
    if other_family and (listener.here.is_unspecified or kind(answer.address)[0] == "loopback"):
        version = "IPv4" if ":" in answer.address else "IPv6"
        yield wrong("url.other_family", "cause", f"{shown}, which is {version}",
                    f"http://{in_url('127.0.0.1' if version == 'IPv4' else '::1')}:{answer.port}, or let it listen on both")  # fmt: skip
    elif facts.runtime == "native" and answer.port == settings.direct_port:
        yield wrong("url.direct_is_local", "cause", f"{shown}, as it should: past the proxy, for this machine",
                    f"use the proxied door: {settings.url('proxy')}/app")  # fmt: skip
    elif listener.here.is_loopback:
        yield wrong("url.bound_to_loopback", "cause", f"{shown}: only this machine can connect there",
                    f"BIND_ADDRESS=0.0.0.0 in .env, then make up, {EXPOSED}" if ours
                    else bind_fix(listener, answer.port))  # fmt: skip
    else:
        yield wrong("url.bound_to_another_address", "cause", shown,
                    f"BIND_ADDRESS=0.0.0.0 in .env, then make up, {EXPOSED}" if ours
                    else bind_fix(listener, answer.port))  # fmt: skip


def _nothing(facts: Facts, answer: Answer) -> Step:
    settings = facts.settings
    if facts.runtime:
        doors = " and ".join(
            filter(None, (settings.url(door) for door in ("proxy", "tls", "direct")))
        )
        fix = f"the stack of this clone is at {doors}"
    elif answer.port in (settings.http_port, settings.https_port, settings.direct_port):
        fix = "make up"
    else:
        others = sorted(
            {
                one.port
                for one in facts.listeners
                if "python" in one.command or "uvicorn" in one.command
            }
        )
        fix = (
            f"start the server; Python listens at {', '.join(map(str, others))}"
            if others
            else "start the server"
        )
    return wrong(
        "url.nothing_listens", "cause", f"nothing listens at {answer.port} of this machine", fix
    )


def _rule(text: str, port: int) -> Step:
    return wrong("url.firewall", "cause", f"this machine's firewall keeps {port} closed: {text}",
                 f"take the rule out, or accept tcp {port} before it")  # fmt: skip


def timed_out(facts: Facts, answer: Answer) -> Iterator[Step]:
    if facts.target_ours:
        if stopping := [rule for rule in facts.rules or [] if rule.stops(answer.port)]:
            yield _rule(stopping[0].text, answer.port)
        elif taking := [one for one in facts.at(answer.port) if one.takes(answer.address)]:
            yield wrong("url.queue_full", "cause", f"{process(taking[0])} listens and takes no connection: it hangs, or is "
                        "stopped, and its queue is full", "end it and start it again")  # fmt: skip
        else:
            yield wrong("url.firewall_unseen", "cause", f"something drops what arrives at {answer.port}; {facts.firewall}",
                        "sudo make doctor shows the firewall's rules")  # fmt: skip
        return
    yield from _private_elsewhere(facts, answer)
    yield wrong("url.dropped_on_the_way", "cause", "a firewall drops it on the way: a cloud's security group, or the "
                "host's own; neither can be seen from here", f"open tcp {answer.port} there; on that machine: make doctor "
                f"URL={answer.url}")  # fmt: skip


def _private_elsewhere(facts: Facts, answer: Answer) -> Iterator[Step]:
    name = kind(answer.address)[0]
    neighbour = any(_same_network(address.text, answer.address) for address in facts.addresses)
    if name.startswith(("private", "unique local", "carrier-grade")) and not neighbour:
        yield wrong("url.private_elsewhere", "cause", f"{answer.address} is {name}, of a network that this machine is "
                    "not in: no route leads there from the internet", "use the machine's public address, a VPN, or "
                    f"ssh -L {answer.port}:localhost:{answer.port} THAT-MACHINE")  # fmt: skip


def _same_network(own: str, other: str) -> bool:
    """A guess without the netmask: the first half of an IPv4 address, the first 64 bits of an IPv6."""
    if (":" in own) != (":" in other):
        return False
    return (
        own.split(":")[:4] == other.split(":")[:4]
        if ":" in own
        else own.split(".")[:2] == other.split(".")[:2]
    )


def no_answer(facts: Facts, answer: Answer) -> Iterator[Step]:
    """Connected, and then silent, reset, closed, or not HTTP."""
    if facts.speaks_tls and urlsplit(answer.url).scheme == "http":
        yield wrong(
            "url.speaks_tls",
            "cause",
            f"{answer.port} speaks TLS",
            answer.url.replace("http:", "https:", 1),
        )
        return
    published = _container_at(facts, answer.port) if facts.target_ours else None
    if published:
        yield from _behind_the_port(facts, answer, *published)
        return
    for listener in facts.at(answer.port) if facts.target_ours else ():
        if not listener.takes(answer.address):
            continue
        if listener.command.split(" ")[0] in ("ssh", "sshd", "autossh"):
            yield wrong("url.forward_closed", "cause", f"{process(listener)} forwards this port, and nothing "
                        "listens at the far end", "there: is the server running, and at that port?")  # fmt: skip
        elif listener.state == "stopped":
            yield wrong("url.stopped", "cause", f"{process(listener)} is stopped, as Ctrl-Z does; the kernel goes on "
                        "taking connections for it", f"kill -CONT {listener.pid}, or fg in its terminal")  # fmt: skip
        elif answer.outcome == "silent":
            yield wrong("url.busy", "cause", f"{process(listener)} takes connections and answers none: its event loop is "
                        "blocked by a call that waits, or it is not an HTTP server",
                        "py-spy dump --pid shows where; a def route instead of async def runs blocking code in a thread")  # fmt: skip
        else:
            yield wrong("url.not_http", "cause", f"{process(listener)} is no HTTP server, or ends connections at once",
                        "look at its log")  # fmt: skip
        return
    if answer.outcome == "silent":
        yield wrong("url.busy", "cause", "something takes the connection and does not answer: the server hangs, or a "
                    "proxy waits for what is behind it", "ask on that machine: make doctor")  # fmt: skip
    else:
        yield wrong("url.not_http", "cause", f"what listens at {answer.port} ends the connection without an answer: it is "
                    "no HTTP server, or a port forward whose far end is closed (ssh -L to a port where nothing listens)",
                    "at the far end: is the server running, and at that port?")  # fmt: skip


def _behind_the_port(
    facts: Facts, answer: Answer, container: Container, target: int
) -> Iterator[Step]:
    inside = [one for one in container.listeners or () if one.port == target]
    if container.state == "paused":
        yield wrong(
            "url.container_paused",
            "cause",
            f"{container.name} is paused",
            f"docker unpause {container.name}",
        )
    elif inside and all(one.here.is_loopback for one in inside):
        yield wrong("url.container_loopback", "cause", f"the server in {container.name} listens on {inside[0].address}:"
                    f"{target}, which in a container is the container alone; the published port ends outside it",
                    "start it with --host 0.0.0.0 in the container; the host's side stays 127.0.0.1: in -p or ports:")  # fmt: skip
    elif container.listeners is not None and not inside:
        others = sorted({one.port for one in container.listeners})
        yield wrong("url.container_other_port", "cause", f"nothing listens at {target} in {container.name}"
                    + (f"; {', '.join(map(str, others))} does" if others else ""),
                    f"-p {answer.port}:{others[0]}" if others else f"docker logs {container.name}")  # fmt: skip
    else:
        yield wrong("url.container_silent", "cause", f"{container.name} has {answer.port} and does not answer",
                    f"docker logs {container.name}")  # fmt: skip


def unreachable(facts: Facts, answer: Answer) -> Iterator[Step]:
    yield from _private_elsewhere(facts, answer)
    yield wrong("url.no_route", "cause", f"no route leads to {answer.address}: {answer.detail}",
                "a network that is down, an address of another network, or IPv6 where there is none")  # fmt: skip


def no_name(facts: Facts, answer: Answer) -> Iterator[Step]:
    host = urlsplit(answer.url).hostname
    yield wrong("url.no_name", "cause", f"the name {host} has no address: {answer.detail}",
                "a typing error, a DNS record that is missing or not yet everywhere, or a line in /etc/hosts")  # fmt: skip


def not_tls(facts: Facts, answer: Answer) -> Iterator[Step]:
    plain = facts.elsewhere.get("plain")
    if plain and plain.outcome == "http" and plain.status != 400:
        tls = (
            facts.settings.url("tls")
            if facts.runtime and answer.port == facts.settings.http_port
            else ""
        )
        yield wrong("url.plain_http", "cause", f"{answer.port} speaks plain HTTP",
                    f"{tls}/app" if tls else answer.url.replace("https:", "http:", 1))  # fmt: skip
    else:
        yield wrong("url.tls_refused", "cause", f"the TLS handshake failed: {answer.detail}; without a certificate for "
                    f"{urlsplit(answer.url).hostname} the server takes no such name", "ask by the name that its "
                    "certificate has; DOMAIN in .env")  # fmt: skip


def certificate(facts: Facts, answer: Answer) -> Iterator[Step]:
    detail, host = answer.detail, urlsplit(answer.url).hostname
    if "expired" in detail:
        yield wrong(
            "url.certificate_expired",
            "cause",
            detail,
            "make up makes a new one; in production see make ps",
        )
    elif "mismatch" in detail or "not valid for" in detail:
        yield wrong("url.certificate_name", "cause", f"the certificate is not for {host}: {detail}",
                    f"PUBLIC_HOSTS with {host} in .env, then make up; or ask by a name that it has")  # fmt: skip
    else:
        ca = CA_FILE.relative_to(ROOT)
        yield wrong("url.certificate_unknown", "cause", f"whoever signed the certificate is not trusted here: {detail}",
                    f"CA_FILE={ca} make doctor URL=…, and curl --cacert {ca}, for this clone's "
                    "own; a public one needs DOMAIN (docs/production.md)")  # fmt: skip
