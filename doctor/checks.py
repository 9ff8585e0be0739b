"""The way of a request to the stack of this clone, from the inside outward.

Each check takes the facts and gives steps. What an earlier finding explains is not found again:
a door that answers 502 because its container ended is the container's finding.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from stack import native
from stack.addresses import warnings
from stack.paths import ROOT

from .addresses import in_url, is_public, kind
from .asking import who
from .facts import Answer, Container, Facts, Listener
from .step import Step, notice, ok, unseen, wrong

APP_PORT = 8000  # in the container; docker-compose.yml
METRICS_PORT = 9000


def runtime(facts: Facts) -> Iterator[Step]:
    if facts.runtime == "docker" and not facts.engine:
        yield wrong("engine.silent", "runtime", f"the stack was started in Docker, and {facts.engine_says}",
                    "add yourself to the group docker, or sudo make doctor" if "may not use" in facts.engine_says
                    else "start Docker (sudo systemctl start docker, or Docker Desktop)")  # fmt: skip
    elif facts.runtime == "docker":
        yield ok("runtime", f"docker: {facts.engine_says}")
    elif facts.runtime == "native":
        yield ok("runtime", "native: Traefik and the application are processes of this machine")
    else:
        yield from _ports_taken(facts)
        yield wrong(
            "stack.not_running", "runtime", "the stack of this clone is not running", "make up"
        )


def _ports_taken(facts: Facts) -> Iterator[Step]:
    settings = facts.settings
    for key, address, port in (
        ("HTTP_PORT", settings.bind_address, settings.http_port),
        ("HTTPS_PORT", settings.bind_address, settings.https_port),
        ("DIRECT_PORT", "127.0.0.1", settings.direct_port),
    ):
        for listener in facts.at(port):
            if (
                listener.takes(address)
                or address in ("0.0.0.0", "::")
                or listener.here.is_unspecified
            ):
                yield wrong("port.taken", key, f"{port} is taken by {process(listener)}",
                            f"end it, or make up {key}={port + 10000 if port < 50000 else port - 10000}")  # fmt: skip
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
        yield wrong("routes.not_taken", "routes.toml", f"Traefik did not take the last edit: {facts.routes_error}",
                    "mend traefik/routes.toml; it is taken when it is saved")  # fmt: skip


def _processes(facts: Facts) -> Iterator[Step]:
    if not facts.processes:
        yield wrong(
            "native.gone", "processes", "supervisord, which keeps both, does not run", "make up"
        )
        return
    for name in ("traefik", "app"):
        state = facts.processes.get(name, "not there")
        # STARTING is supervisor's word for its first second; whether it listens is asked below.
        if state not in ("RUNNING", "STARTING"):
            yield wrong("process.ended", name, f"{state}: its last lines are in {native.HOME.relative_to(ROOT)}/{name}.log",
                        "make logs FOLLOW=0")  # fmt: skip
            continue
        port = facts.settings.http_port if name == "traefik" else facts.settings.direct_port
        listeners = facts.at(port)
        if stopped := [one for one in listeners if one.state == "stopped"]:
            yield wrong("process.stopped", name, f"{process(stopped[0])} is stopped, as Ctrl-Z does",
                        f"kill -CONT {stopped[0].pid}")  # fmt: skip
        elif not listeners:
            yield wrong(
                "process.not_listening", name, f"nothing listens at {port}", "make logs FOLLOW=0"
            )
        else:
            where = ", ".join(sorted({f"{in_url(one.address)}:{port}" for one in listeners}))
            yield ok(name, f"runs, and listens at {where}")


def _containers(facts: Facts) -> Iterator[Step]:
    ours = {one.service: one for one in facts.containers if one.ours}
    if not ours:
        yield wrong("container.missing", "containers", "none of this clone's is there", "make up")
        return
    wanted = ["traefik", "app", *(f"app-{n}" for n in range(2, facts.settings.app_replicas + 1))]
    for service in wanted:
        found = ours.get(service)
        if not found:
            yield wrong("container.missing", service, "its container is not there", "make up")
            continue
        yield from _container(facts, found)


def _container(facts: Facts, found: Container) -> Iterator[Step]:
    name = found.service
    if found.state in ("exited", "dead", "restarting"):
        why = found.status or f"exit {found.exit_code}"
        last = f"; its last line: {found.last_line}" if found.last_line else ""
        yield wrong("container.ended", name, f"{found.state} ({why}){last}", "make logs FOLLOW=0")
        return
    if found.state == "paused":
        yield wrong("container.paused", name, "is paused", f"docker unpause {found.name}")
        return
    if found.state != "running":
        yield wrong("container.ended", name, f"is {found.state}", "make up")
        return
    inside = found.listeners
    if name != "traefik" and inside is not None:
        at = [one for one in inside if one.port == APP_PORT]
        if at and all(one.here.is_loopback for one in at):
            yield wrong("container.loopback", name, f"listens on {at[0].address}:{APP_PORT} in its container, and "
                        "nobody outside it, Traefik neither, can connect there",
                        "APP_HOST: 0.0.0.0 in docker-compose.yml (--host 0.0.0.0), then make up")  # fmt: skip
            return
        others = sorted({one.port for one in inside if not one.here.is_loopback})
        starting = found.health == "starting" and set(others) <= {METRICS_PORT}
        if not at and not starting:
            yield wrong("container.other_port", name, f"nothing listens on {APP_PORT} in its container"
                        + (f"; on {', '.join(map(str, others))} something does" if others else ""),
                        f"make logs FOLLOW=0; Traefik and the health check ask {APP_PORT}")  # fmt: skip
            return
    if found.health == "unhealthy":
        yield wrong(
            "container.unhealthy", name, "runs, and its health check fails", "make logs FOLLOW=0"
        )
    elif found.health == "starting":
        yield notice("container.starting", name, "is starting", "ask again in a few seconds")
    else:
        listens = f", listens on {APP_PORT} in its container" if inside is not None else ""
        yield ok(name, f"{found.health or 'runs'}{listens}")


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
        if (
            not container
            or container.state != "running"
            or (key == "DIRECT_PORT" and settings.domain)
        ):
            continue
        open_ = [one for one in container.published if one.port == port]
        if not open_:
            yield wrong("port.not_published", key, f"{port} of this machine leads to no container",
                        f"under ports: of {service} in docker-compose.yml, 127.0.0.1:{port}:{target}; then make up")  # fmt: skip
        elif wide := [
            one for one in open_ if key == "DIRECT_PORT" and one.address in ("0.0.0.0", "::")
        ]:
            yield wrong("direct.open", key, f"{wide[0].address}:{port} leads past the proxy for whoever reaches "
                        "this machine, and round its firewall", f"127.0.0.1:{port}:{APP_PORT} under ports: of app")  # fmt: skip
        elif not [one for one in open_ if one.target == target]:
            yield wrong("port.wrong_target", key, f"{port} leads to {open_[0].target} in {service}, where "
                        f"{target} is served", f"127.0.0.1:{port}:{target} under ports: of {service}")  # fmt: skip
        else:
            yield ok(
                key,
                f"{in_url(open_[0].address)}:{port} leads to {service}, {target} in its container",
            )


def answered(answer: Answer | None) -> bool:
    """Whether the application answered, if only that it has no such path."""
    return bool(
        answer and answer.outcome == "http" and answer.status < 500 and who(answer) != "Traefik"
    )


def network(facts: Facts) -> Iterator[Step]:
    """Through the container network, past every published port."""
    for name, text in (("app", "the application in its own container"),
                       ("traefik", "Traefik, asked over the container network")):  # fmt: skip
        if not (got := facts.inner.get(name)):
            continue
        if got.isdigit() and int(got) < 500:
            yield ok("network", f"{text}: {got}")
        else:
            yield wrong("network.refused", "network", f"{text}: {got}", "make logs FOLLOW=0")


DOORS = {"proxy": "proxied", "tls": "https", "direct": "direct"}


def doors(facts: Facts) -> Iterator[Step]:
    """Over loopback, or where BIND_ADDRESS puts them."""
    for door, name in DOORS.items():
        answer = facts.answers.get(f"{door}@loopback")
        if not answer:
            continue
        if answered(answer):
            yield ok(name, f"{answer.url}: {answer.status}")
        elif answer.outcome == "certificate":
            yield wrong("door.certificate", name, f"{answer.url}: {answer.text}",
                        "make up makes a new one; CA_FILE= names another authority")  # fmt: skip
        elif answer.outcome == "http" and who(answer) == "Traefik" and answer.status == 404:
            yield wrong("door.no_route", name, f"{answer.url}: Traefik's own 404, no router takes it",
                        "the rule in traefik/routes.toml; make ps says whether the last edit was taken")  # fmt: skip
        elif answer.outcome == "http" and answer.status in (502, 503, 504):
            yield wrong("door.no_app", name, f"{answer.url}: {answer.status}, Traefik finds no application that is "
                        "ready", "make ps; make logs FOLLOW=0")  # fmt: skip
        elif answer.outcome == "silent":
            yield wrong(
                "door.silent", name, f"{answer.url}: connected, and no answer", "make logs FOLLOW=0"
            )
        elif answer.outcome == "timed_out" and _rules(facts, answer.port):
            yield _rules(facts, answer.port)[0]
        else:
            yield wrong(
                "door.closed", name, f"{answer.url}: {answer.text}", "make ps; make restart"
            )


def _rules(facts: Facts, port: int) -> list[Step]:
    return [wrong("firewall.drops", "firewall", f"{port}: {rule.text}", f"take the rule out, or accept tcp {port} before it")
            for rule in facts.rules or [] if rule.stops(port)]  # fmt: skip


def renewal(facts: Facts) -> Iterator[Step]:
    if not (found := facts.certificate):
        return
    if late := found.late(facts.certificate_error, datetime.now(UTC)):
        text = f"the certificate is not renewed: {late}"
        yield wrong("certificate.not_renewed", "certificate", text,
                    "docker compose -f docker-compose.yml restart traefik")  # fmt: skip
    else:
        yield ok("certificate", found.text)


def reach(facts: Facts) -> Iterator[Step]:
    """Each of this machine's addresses: who reaches it, and which doors answer there."""
    settings = facts.settings
    for address in facts.addresses:
        if address.containers or kind(address.text)[0] in ("loopback", "link-local"):
            continue
        name, reached_by = kind(address.text)
        proxy = facts.answers.get(f"{'tls' if settings.domain else 'proxy'}@{address.text}")
        direct = facts.answers.get(f"direct@{address.text}")
        where = f"{address.text} ({address.interface}) is {name}"
        if answered(direct):
            yield wrong("direct.open", "direct", f"answers at {in_url(address.text)}:{settings.direct_port}, past the "
                        f"proxy, for {reached_by}", f"DIRECT_PORT is for 127.0.0.1 alone: 127.0.0.1:{settings.direct_port}")  # fmt: skip
        if not proxy:
            yield unseen("address", f"{where}: {reached_by}")
        elif answered(proxy):
            yield ok("address", f"{where}; the proxied door answers there: {reached_by}")
        elif proxy.outcome == "http" and proxy.status == 404 and who(proxy) == "Traefik":
            hosts = ",".join([*settings.hosts, in_url(address.text)])
            yield wrong("hosts.refused", "address", f"{where}; it is open there, and Traefik knows no such host",
                        f"PUBLIC_HOSTS={hosts} in .env, then make up")  # fmt: skip
        elif proxy.outcome == "refused":
            yield unseen("address", f"{where}: nobody connects there while BIND_ADDRESS={settings.bind_address}; "
                         f"with 0.0.0.0 it is {reached_by}")  # fmt: skip
        else:
            yield unseen("address", f"{where}: {proxy.text}")
    if facts.runtime:
        for line in warnings(settings):
            if line.startswith("PROBE=1"):
                yield notice("probe.open", "PROBE", line, "PROBE=0 in .env, then make up")


def firewall(facts: Facts) -> Iterator[Step]:
    if facts.rules is None:
        yield unseen("firewall", facts.firewall)
        return
    settings = facts.settings
    docker = facts.runtime == "docker"
    opened = settings.bind_address not in ("127.0.0.1", "::1")
    for port in (settings.http_port, settings.https_port) if facts.runtime else ():
        for rule in facts.rules:
            if rule.stops(port) and rule.forwarded == docker and opened:
                yield wrong("firewall.drops", "firewall", f"keeps {port} closed: {rule.text}",
                            f"accept tcp {port} before it")  # fmt: skip
                return
    yield ok("firewall", f"{facts.firewall}: no rule keeps the doors closed" if facts.rules
             else f"{facts.firewall}: no rule")  # fmt: skip


def surroundings(facts: Facts) -> Iterator[Step]:
    if not facts.all_listeners_have_owners:
        whose = (
            "belong to no process of this namespace"
            if facts.root
            else "are other users', whom root can name"
        )
        yield unseen("processes", f"some of the sockets that listen {whose}")
    if facts.cloud:
        public = any(is_public(address.text) for address in facts.addresses)
        where = (
            ""
            if public
            else "; the public address, if it has one, is the cloud's and not on this machine"
        )
        yield unseen("cloud", f"{facts.cloud} ({facts.cloud_evidence}): its security group or firewall cannot be seen "
                     f"from here, look in the provider's console{where}")  # fmt: skip
    yield from connection(facts)


def connection(facts: Facts, port: int = 0) -> Iterator[Step]:
    """How you are connected, and what follows for `port` (by default the doors')."""
    person, settings = facts.person, facts.settings
    port = port or settings.http_port
    ssh = f"ssh -L {port}:localhost:{port} THIS-MACHINE"
    if person.forwards and person.editor != "WSL" and person.source != "off":
        how = {"output": "from URLs in terminal output", "process": "from processes that listen",
               "hybrid": "from processes that listen and from terminal output"}.get(
                   person.source, "from processes that listen, or from URLs in terminal output")  # fmt: skip
        yield notice("connection.editor_forwards", "you", f"{person.editor} ({person.evidence}): your editor forwards "
                     f"ports that it detects {how}. localhost:{port} in your browser is then this machine's port; "
                     "nobody else can use that address", "its Ports panel shows and ends each; its settings "
                     "remote.autoForwardPorts and remote.autoForwardPortsSource decide. Plain SSH does not do it by "
                     f"itself; by hand: {ssh}")  # fmt: skip
    elif person.editor == "WSL":
        yield unseen("you", f"WSL: Windows' localhost:{port} is forwarded here; other machines reach Windows' address, "
                     "and only with networkingMode=mirrored in .wslconfig or a netsh portproxy")  # fmt: skip
    elif person.ssh_from:
        yield unseen("you", f"SSH from {person.ssh_from}: plain SSH forwards no port by itself; {ssh} does, and then "
                     f"localhost:{port} there is this machine's")  # fmt: skip


CHECKS: list[Callable[[Facts], Iterator[Step]]] = [
    runtime, parts, published, network, doors, renewal, reach, firewall, surroundings,
]  # fmt: skip
# Once one of these has spoken, what a door says is its consequence.
EXPLAIN_DOORS = ("engine.", "stack.", "container.ended", "container.missing", "container.paused", "container.loopback",
                 "container.other_port", "container.unhealthy", "container.starting", "native.", "process.", "port.",
                 "routes.")  # fmt: skip


def steps(facts: Facts) -> list[Step]:
    found: list[Step] = []
    for check in CHECKS:
        for step in check(facts):
            explained = any(one.id.startswith(EXPLAIN_DOORS) for one in found if one.finding)
            if explained and step.id.startswith(("door.", "network.")):
                step = unseen(step.subject, f"{step.text}: follows from the above")
            if step.id and any(one.id == step.id and one.text == step.text for one in found):
                continue
            found.append(step)
    return found
