"""The way of a request to the stack of this clone, from the inside outward.

Each check takes the facts and gives steps. What an earlier finding explains is not found again:
an entrypoint that answers 502 because its container ended is the container's finding.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from ipaddress import ip_address

from behindproxy.stack import docker, native
from behindproxy.stack.paths import ROOT

from .access_log import (
    Request,
    allowed_characters,
    answer_seconds,
    encoded,
    limit,
    near,
    refused_encoded,
    request_seconds,
)
from .addresses import in_url, is_public, kind
from .facts import Answer, Container, Facts, Listener
from .findings import finding
from .step import Step, ok, unseen
from .writer import who

APP_PORT = 8000  # in the container; docker-compose.yml
WORKER = native.WORKER  # which listens at no port
SLOTS = docker.slots()
TRAEFIK_STARTS_SECONDS = 5


def runtime(facts: Facts) -> Iterator[Step]:
    if facts.runtime == "docker" and not facts.engine:
        yield finding(
            "runtime",
            "engine.silent",
            case="not_allowed" if "may not use" in facts.engine_says else "",
            engine=facts.engine_says,
        )
    elif facts.runtime == "docker":
        yield ok("runtime", f"docker: {facts.engine_says}")
    elif facts.runtime == "native":
        yield ok("runtime", "native: Traefik and the application are processes of this machine")
    else:
        yield from _ports_taken(facts)
        yield finding("runtime", "stack.not_running")


def applied(facts: Facts) -> Iterator[Step]:
    if facts.settings_error:
        yield finding("settings", "settings.refused", reason=facts.settings_error)
    elif facts.not_applied:
        yield finding("settings", "settings.not_applied", keys=", ".join(facts.not_applied))


def _ports_taken(facts: Facts) -> Iterator[Step]:
    settings = facts.settings
    for key, address, port in (
        ("HTTP_PORT", settings.bind_address, settings.http_port),
        ("HTTPS_PORT", settings.bind_address, settings.https_port),
        ("DIRECT_PORT", "127.0.0.1", settings.direct_port),
    ):
        for listener in facts.at(port):
            if listener.takes(address) or address in ("0.0.0.0", "::") or listener.here.is_unspecified:
                free_port = port + 10000 if port < 50000 else port - 10000
                yield finding(
                    key, "port.taken", port=port, process=process(listener), key=key, free_port=free_port
                )
                break


def process(listener: Listener) -> str:
    if listener.pid is None:
        return "another user's process (root can see which)"
    return f"{listener.command[:60]} (pid {listener.pid})"


def parts(facts: Facts) -> Iterator[Step]:
    if facts.runtime == "native":
        yield from _processes(facts)
    elif facts.runtime == "docker" and facts.engine:
        yield from _containers(facts)
    if facts.routes_error:
        yield finding("routes", "routes.not_taken", reason=facts.routes_error)


def _processes(facts: Facts) -> Iterator[Step]:
    if not facts.processes:
        yield finding("processes", "native.gone")
        return
    for name in native.parts(facts.settings):
        state = facts.processes.get(name, "not there")
        # STARTING is supervisor's word for its first second; whether it listens is seen below.
        if state not in ("RUNNING", "STARTING"):
            log = native.HOME.relative_to(ROOT) / f"{name}.log"
            yield finding(name, "process.ended", state=state, log=log)
            continue
        if name == WORKER:
            yield ok(name, "runs")
            continue
        port = facts.settings.http_port if name == "traefik" else facts.settings.direct_port
        listeners = facts.at(port)
        if stopped := [one for one in listeners if one.state == "stopped"]:
            pid = stopped[0].pid
            yield finding(name, "process.stopped", process=process(stopped[0]), pid=pid)
        elif not listeners and (up := facts.up_seconds.get(name)) is not None and up < _may_take(facts, name):
            yield finding(name, "process.starting", seconds=f"{up:.0f}", port=port)
        elif not listeners:
            yield finding(name, "process.not_listening", port=port)
        else:
            where = ", ".join(sorted({f"{in_url(one.address)}:{port}" for one in listeners}))
            yield ok(name, f"runs, and listens on {where}")


def _may_take(facts: Facts, name: str) -> int:
    """Return the seconds until it listens, of a part that runs natively."""
    return int(getattr(facts.settings, "start_seconds", 60)) if name == "app" else TRAEFIK_STARTS_SECONDS


def _containers(facts: Facts) -> Iterator[Step]:
    ours = {one.service: one for one in facts.containers if one.ours}
    if not ours:
        yield finding("containers", "container.missing", case="all")
        return
    services = ["traefik", "app", *(f"app-{n}" for n in range(2, facts.settings.app_replicas + 1))]
    services += [WORKER] if facts.settings.worker_command else []
    for service in services:
        container = ours.get(service)
        if not container:
            yield finding(service, "container.missing")
            continue
        yield from _container(facts, container)
    for service, container in ours.items():
        # An override's: a database … One that ended well did what it had to.
        well = container.state != "running" and not container.exit_code and not container.health
        if service not in (*services, *SLOTS) and not well:
            yield from _container(facts, container)


def _container(facts: Facts, container: Container) -> Iterator[Step]:
    name = container.service
    if container.state in ("exited", "dead", "restarting"):
        reason = container.status or f"exit {container.exit_code}"
        last_line = container.last_line
        yield finding(name, "container.ended", state=container.state, reason=reason, last_line=last_line)
        return
    if container.state == "paused":
        yield finding(name, "container.paused", container=container.name)
        return
    if container.state != "running":
        yield finding(name, "container.ended", case="not_started", state=container.state)
        return
    inside = container.listeners
    if name in SLOTS and inside is not None:
        at = [one for one in inside if one.port == APP_PORT]
        if at and all(one.here.is_loopback for one in at):
            yield finding(name, "container.loopback", address=f"{at[0].address}:{APP_PORT}")
            return
        if not at and container.starting:
            yield finding(name, "container.starting")
            return
        if not at:
            others = sorted({one.port for one in inside if not one.here.is_loopback})
            ports = ", ".join(map(str, others))
            yield finding(name, "container.other_port", port=APP_PORT, others=ports)
            return
    if container.health == "unhealthy":
        yield finding(name, "container.unhealthy")
    elif container.health == "starting":
        yield finding(name, "container.starting")
    else:
        listens = f", listens on {APP_PORT} in its container" if name in SLOTS and inside is not None else ""
        yield ok(name, f"{container.health or 'runs'}{listens}")


def bound(facts: Facts) -> Iterator[Step]:
    address = ip_address(facts.settings.bind_address)
    if not facts.runtime or not facts.own or address.is_unspecified or address.is_loopback:
        return
    if address not in map(ip_address, facts.own):
        yield finding("BIND_ADDRESS", "port.no_address", address=address)


def published(facts: Facts) -> Iterator[Step]:
    if facts.runtime != "docker" or not facts.engine:
        return
    settings = facts.settings
    for key, port, service, target in (
        ("HTTP_PORT", settings.http_port, "traefik", 9999),
        ("HTTPS_PORT", settings.https_port, "traefik", 9443),
        ("DIRECT_PORT", settings.direct_port, "app", APP_PORT),
    ):
        container = next((c for c in facts.containers if c.ours and c.service == service), None)
        if not container or container.state != "running" or (key == "DIRECT_PORT" and settings.domain):
            continue
        open_ = [one for one in container.published if one.port == port]
        if not open_:
            yield finding(key, "port.not_published", port=port, service=service, target=target)
        elif wide := [one for one in open_ if key == "DIRECT_PORT" and one.address in ("0.0.0.0", "::")]:
            address = wide[0].address
            yield finding(key, "direct.open", case="published", address=address, port=port, target=target)
        elif not [one for one in open_ if one.target == target]:
            yield finding(
                key, "port.wrong_target", port=port, published=open_[0].target, service=service, target=target
            )
        else:
            yield ok(key, f"{in_url(open_[0].address)}:{port} leads to {service}, {target} in its container")


def answered(answer: Answer | None) -> bool:
    """Whether the application answered, if only that it has no such path."""
    return bool(answer and answer.outcome == "http" and answer.status < 500 and who(answer) != "Traefik")


def network(facts: Facts) -> Iterator[Step]:
    """Through the container network, past every published port."""
    for name, part in (
        ("app", "the application in its own container"),
        ("traefik", "Traefik, over the container network"),
    ):
        if not (answer := facts.inner.get(name)):
            continue
        if answer.isdigit() and int(answer) < 500:
            yield ok("network", f"{part}: {answer}")
        else:
            yield finding("network", "network.refused", part=part, answer=answer)


ENTRYPOINTS = {"http": "proxied", "https": "https", "direct": "direct"}


def entrypoints(facts: Facts) -> Iterator[Step]:
    """Over loopback, or where BIND_ADDRESS puts them."""
    for entrypoint, name in ENTRYPOINTS.items():
        answer = facts.answers.get(f"{entrypoint}@loopback")
        if not answer:
            continue
        url, status = answer.url, answer.status
        if answered(answer):
            yield ok(name, f"{url}: {status}")
        elif answer.outcome == "certificate":
            yield finding(name, "entrypoint.certificate", url=url, outcome=answer.text)
        elif answer.outcome == "http" and who(answer) == "Traefik" and status == 404:
            yield finding(name, "entrypoint.no_route", url=url)
        elif answer.outcome == "http" and (who(answer) == "the application" or entrypoint == "direct"):
            yield finding(name, "entrypoint.fails", url=url, status=status)
        elif answer.outcome == "http" and status in (502, 503, 504):
            yield finding(name, "entrypoint.no_app", url=url, status=status)
        elif answer.outcome == "silent":
            yield finding(name, "entrypoint.silent", url=url, seconds=f"{answer.seconds:.0f}")
        elif answer.outcome == "timed_out" and (rule := _rule(facts, answer.port)):
            yield finding("firewall", "firewall.drops", case="here", port=answer.port, rule=rule)
        else:
            yield finding(name, "entrypoint.closed", url=url, outcome=answer.text)


def _rule(facts: Facts, port: int) -> str:
    """Return the firewall's first rule that keeps `port` closed."""
    return next((rule.text for rule in facts.rules or [] if rule.stops(port)), "")


def requests(facts: Facts) -> Iterator[Step]:
    """Return what Traefik's access log has of the last hour: whose limit ended requests, which it refused."""
    by_limit: dict[str, list[Request]] = {}
    for one in facts.requests:
        by_limit.setdefault(limit(one, facts.settings), []).append(one)
    if hits := by_limit.get("answer"):
        allowed, text = answer_seconds(facts.settings), _shown(hits)
        if near(hits[-1].wait_seconds, allowed):
            yield finding("requests", "requests.answer_limit", requests=text, limit=allowed, more=allowed * 2)
        else:
            yield finding("requests", "requests.answer_limit", case="edited", requests=text)
    if hits := by_limit.get("request"):
        allowed = request_seconds(facts.settings)
        yield finding(
            "requests", "requests.request_limit", requests=_shown(hits), limit=allowed, more=allowed * 2
        )
    if hits := by_limit.get("server"):
        yield finding("requests", "requests.server_ended", requests=_shown(hits))
    if hits := by_limit.get("connection"):
        yield finding("requests", "requests.no_connection", requests=_shown(hits))
    if hits := facts.only_404:
        if hits[-1].passed_on:
            yield finding("requests", "requests.only_404", case="application", requests=_shown(hits))
        else:
            hosts, prefix = facts.settings.public_hosts, facts.settings.api_prefix
            yield finding("requests", "requests.only_404", requests=_shown(hits), hosts=hosts, prefix=prefix)
    passing = allowed_characters(facts.settings)
    if hits := list(refused_encoded(facts.requests, passing)):
        refused = encoded(hits[-1].path, passing)
        yield finding(
            "requests",
            "requests.encoded",
            requests=_shown(hits),
            characters=", ".join(refused),
            listed=",".join([*passing, *refused]),
        )


def _shown(requests: list[Request]) -> str:
    last = requests[-1]
    path = last.path.partition("?")[0][:80]
    return (
        f"{len(requests)} in the last hour, the last at {last.at:%H:%M:%S} UTC: {last.method} {path}, "
        f"{last.status} after {last.seconds:.1f} s"
    )


def renewal(facts: Facts) -> Iterator[Step]:
    if not (certificate := facts.certificate):
        return
    if late := certificate.late(facts.certificate_error, datetime.now(UTC)):
        yield finding("certificate", "certificate.not_renewed", reason=late)
    else:
        yield ok("certificate", certificate.text)


def reach(facts: Facts) -> Iterator[Step]:
    """Each of this machine's addresses: who reaches it, and which entrypoints answer there."""
    settings = facts.settings
    for address in facts.addresses:
        if address.containers or kind(address.text)[0] in ("loopback", "link-local"):
            continue
        name, reached_by = kind(address.text)
        proxy = facts.answers.get(f"{'https' if settings.domain else 'http'}@{address.text}")
        direct = facts.answers.get(f"direct@{address.text}")
        where = f"{address.text} ({address.interface}) is {name}"
        if answered(direct):
            host, port = in_url(address.text), settings.direct_port
            yield finding("direct", "direct.open", address=host, port=port, who=reached_by)
        if not proxy:
            yield unseen("address", f"{where}: {reached_by}")
        elif answered(proxy):
            yield ok("address", f"{where}; the proxied entrypoint answers there: {reached_by}")
        elif proxy.outcome == "http" and proxy.status == 404 and who(proxy) == "Traefik":
            hosts = ",".join([*settings.hosts, in_url(address.text)])
            yield finding(
                "address",
                "hosts.refused",
                address=address.text,
                interface=address.interface,
                kind=name,
                hosts=hosts,
            )
        elif proxy.outcome == "refused":
            yield unseen(
                "address",
                f"{where}: no client can connect there while BIND_ADDRESS={settings.bind_address}; "
                f"with 0.0.0.0 it is {reached_by}",
            )
        else:
            yield unseen("address", f"{where}: {proxy.text}")
    if facts.runtime and settings.probe and not ip_address(settings.bind_address).is_loopback:
        yield finding("PROBE", "probe.open")


def firewall(facts: Facts) -> Iterator[Step]:
    if facts.rules is None:
        yield unseen("firewall", facts.firewall)
        return
    settings = facts.settings
    in_docker = facts.runtime == "docker"
    is_open = settings.bind_address not in ("127.0.0.1", "::1")
    for port in (settings.http_port, settings.https_port) if facts.runtime else ():
        for rule in facts.rules:
            if rule.stops(port) and rule.forwarded == in_docker and is_open:
                yield finding("firewall", "firewall.drops", port=port, rule=rule.text)
                return
    open_ = "no rule keeps the entrypoints closed" if facts.rules else "no rule"
    yield ok("firewall", f"{facts.firewall}: {open_}")


def surroundings(facts: Facts) -> Iterator[Step]:
    if not facts.all_listeners_have_owners:
        whose = (
            "belong to no process of this namespace" if facts.root else "are other users', whom root can name"
        )
        yield unseen("processes", f"some of the sockets that listen {whose}")
    if facts.cloud:
        public = any(is_public(address.text) for address in facts.addresses)
        where = (
            "" if public else "; the public address, if it has one, is the cloud's and not on this machine"
        )
        yield unseen(
            "cloud",
            f"{facts.cloud} ({facts.cloud_evidence}): its security group or firewall cannot be seen "
            f"from here, look in the provider's console{where}",
        )
    yield from connection(facts)


def connection(facts: Facts, port: int = 0) -> Iterator[Step]:
    """How you are connected, and what follows for `port` (by default HTTP_PORT)."""
    person, settings = facts.person, facts.settings
    port = port or settings.http_port
    ssh = f"ssh -L {port}:localhost:{port} THIS-MACHINE"
    if person.forwards and person.editor != "WSL" and person.source != "off":
        how = {
            "output": "from URLs in terminal output",
            "process": "from processes that listen",
            "hybrid": "from processes that listen and from terminal output",
        }.get(person.source, "from processes that listen, or from URLs in terminal output")
        yield finding(
            "you",
            "connection.editor_forwards",
            editor=person.editor,
            evidence=person.evidence,
            how=how,
            port=port,
        )
    elif person.editor == "WSL":
        yield unseen(
            "you",
            f"WSL: Windows' localhost:{port} is forwarded here; other machines reach Windows' address, "
            "and only with networkingMode=mirrored in .wslconfig or a netsh portproxy",
        )
    elif person.ssh_from:
        yield unseen(
            "you",
            f"SSH from {person.ssh_from}: plain SSH does not forward ports; {ssh} does, and then "
            f"localhost:{port} there is this machine's",
        )


CHECKS: list[Callable[[Facts], Iterator[Step]]] = [
    runtime,
    applied,
    parts,
    bound,
    published,
    network,
    entrypoints,
    requests,
    renewal,
    reach,
    firewall,
    surroundings,
]
# Once one of these has spoken, what an entrypoint says is its consequence.
EXPLAIN_ENTRYPOINTS = (
    "engine.",
    "stack.",
    "container.ended",
    "container.missing",
    "container.paused",
    "container.loopback",
    "container.other_port",
    "container.unhealthy",
    "container.starting",
    "native.",
    "process.",
    "port.",
    "routes.",
)


def steps(facts: Facts) -> list[Step]:
    all_steps: list[Step] = []
    for check in CHECKS:
        for step in check(facts):
            explained = any(one.id.startswith(EXPLAIN_ENTRYPOINTS) for one in all_steps if one.finding)
            if explained and step.id.startswith(("entrypoint.", "network.")):
                step = unseen(step.subject, f"{step.text}: follows from the above")
            if step.id and any(one.id == step.id and one.text == step.text for one in all_steps):
                continue
            all_steps.append(step)
    return all_steps
