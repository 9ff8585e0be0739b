"""Collects the facts, several at a time: less than three seconds, and longer only for a response that is
slow to begin."""

import os
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from behindproxy.stack import acme, native, runtime, state
from behindproxy.stack.paths import CA_FILE
from behindproxy.stack.routes_edit import refused
from behindproxy.stack.settings import StackSettings, read

from . import access_log, asking, containers, machine
from .addresses import in_url, kind
from .facts import Answer, Facts

HEALTH = "/healthz"  # on each entrypoint; an application without it answers too
ENTRYPOINT_SECONDS = 5.0
ANSWER_SECONDS = 10.0  # for the URL that was given; this stack's own gets what its proxy gives it
SAYS_SO_SECONDS = 3.0
LOOKS_EACH_SECONDS = 0.4
NOT_REACHED = ("refused", "timed_out", "unreachable", "no_name")


def facts(url: str = "") -> Facts:
    """Of the stack that runs here, or would; and with `url` of that. Raise SystemExit for settings
    that cannot be, as `make up` does."""
    running = state.load()
    everything = Facts(settings=running[1] if running else read(), runtime=running[0] if running else "")
    if running:
        try:
            everything.not_applied = [one.partition("=")[0] for one in state.differences(running[1])]
        except SystemExit as error:
            everything.settings_error = str(error)
    everything.root = os.geteuid() == 0
    everything.person = machine.person()
    everything.cloud, everything.cloud_evidence = machine.cloud()
    everything.addresses = machine.addresses()
    began, target = datetime.now(UTC), urlsplit(url)
    port = (target.port or {"https": 443}.get(target.scheme, 80)) if url else None
    with ThreadPoolExecutor(16) as pool:
        later = [pool.submit(part, everything) for part in (_listeners, _firewall)]
        later.append(pool.submit(_engine, everything, port))
        if url:
            later.append(pool.submit(_target, everything, url))
        elif running:
            later += [pool.submit(_ask, everything, *one) for one in _questions(everything)]
        for one in later:
            one.result()
        later = [pool.submit(_elsewhere, everything, one) for one in _variants(everything)]
        in_docker = everything.runtime == "docker" and bool(everything.engine)
        if in_docker and not url:
            later.append(pool.submit(_inner, everything))
        if in_docker or everything.runtime == "native":
            later.append(pool.submit(_requests, everything, began, bool(url)))
        for one in later:
            one.result()
    return everything


def _listeners(facts: Facts) -> None:
    facts.listeners, facts.all_listeners_have_owners = machine.listeners()


def _firewall(facts: Facts) -> None:
    facts.rules, facts.firewall = machine.firewall()


def _engine(facts: Facts, port: int | None) -> None:
    if facts.runtime == "native":
        states = native.states()
        facts.processes = {name: one["statename"] for name, one in states.items()}
        facts.up_seconds = {name: one["now"] - one["start"] for name, one in states.items()}
        facts.routes_error = refused(partial(native.logs_text, facts.settings, lines=0)) or ""
        if port is None:
            return
    version, facts.engine_says = runtime.engine(containers.SECONDS)
    facts.engine = version or ""
    if facts.engine:
        facts.containers = containers.containers(port)
        if facts.runtime == "docker":
            log = partial(containers.traefik_log, facts.containers)
            facts.routes_error = refused(log) or ""
            if facts.settings.domain and (certificate := acme.served(facts.settings)):
                facts.certificate = certificate
                facts.certificate_error = acme.refused(log(), certificate.due) or ""


def _ca(settings: StackSettings) -> str:
    """Return the development CA; nothing if the system's own is wanted."""
    setting = os.environ.get("CA_FILE", "")
    return setting or (str(CA_FILE) if CA_FILE.exists() and not settings.domain else "")


def _questions(facts: Facts) -> list[tuple[str, str, str, int]]:
    """For each entrypoint and each of this machine's addresses: name, URL, address, port."""
    settings, questions = facts.settings, []
    ports = {"http": settings.http_port, "https": settings.https_port, "direct": settings.direct_port}
    for entrypoint, port in ports.items():
        if not (base := settings.url(entrypoint)):
            continue
        questions.append((f"{entrypoint}@loopback", base + HEALTH, _loopback(settings, entrypoint), port))
        if entrypoint == "https" and not settings.domain:
            continue  # its certificate has the names of PUBLIC_HOSTS, not every address
        for address in facts.addresses:
            if not address.containers and kind(address.text)[0] not in ("loopback", "link-local"):
                path = f"{urlsplit(base).path}{HEALTH}"
                url = base + HEALTH if settings.domain else f"http://{in_url(address.text)}:{port}{path}"
                questions.append((f"{entrypoint}@{address.text}", url, address.text, port))
    return questions


def _loopback(settings: StackSettings, entrypoint: str) -> str:
    """Where the entrypoint is on this machine; its URL's name may lead elsewhere, or nowhere."""
    address = settings.bind_address
    if entrypoint == "direct" or address == "0.0.0.0":
        return "127.0.0.1"
    return "::1" if address == "::" else address


def _ask(facts: Facts, name: str, url: str, address: str, port: int) -> None:
    facts.answers[name] = asking.ask(
        url, address=address, port=port, ca_file=_ca(facts.settings), seconds=ENTRYPOINT_SECONDS
    )


def _inner(facts: Facts) -> None:
    facts.inner = containers.ask_inside(facts.containers, facts.settings)


def _requests(facts: Facts, began: datetime, own: bool) -> None:
    """Return the access log since Traefik's start: an earlier one may have had other limits. `began`: when it
    was seen how long it runs, before the URL's response was waited for."""
    if facts.runtime == "native":
        log, up = native.logs_text(facts.settings, lines=0), facts.up_seconds.get("traefik")
    else:
        log = containers.traefik_log(facts.containers)
        up = next((one.up_seconds for one in facts.containers if one.ours and one.service == "traefik"), None)
    requests = access_log.since_start(access_log.read(log), up or 0.0, began)
    of_others = [one for one in requests if not one.path.endswith(HEALTH)]  # doctor sends its own there
    candidates = requests if own else of_others
    facts.requests = [one for one in candidates if one.status in access_log.LIMIT_STATUSES]
    facts.only_404 = access_log.only_404(of_others)


def _target(facts: Facts, url: str) -> None:
    """Another path of the same port first: what would hold a server's only worker would hold this, too."""
    ca_file, parts = _ca(facts.settings), urlsplit(url)
    other = asking.ask(urlunsplit(parts._replace(path=_another_path(parts.path), query="")), ca_file=ca_file)
    facts.elsewhere["another path"] = other
    facts.target_ours = other.address in facts.own or other.address.startswith("127.")
    if other.outcome in ("timed_out", "unreachable") and not facts.target_ours:
        facts.no_neighbour = machine.no_neighbour(other.address)
    if other.outcome in NOT_REACHED:
        facts.target = replace(other, url=url)
        return
    patience = ANSWER_SECONDS
    if facts.stack_at(other.port) and other.outcome == "http":
        patience = access_log.answer_seconds(facts.settings) + 2.0
    end = threading.Event()
    looking = threading.Thread(target=_look_where_it_connects, args=(facts, other.port, patience, end))
    looking.start()
    try:
        facts.target = asking.ask(url, ca_file=ca_file, follow=True, seconds=patience)
    finally:
        end.set()
        looking.join()
    facts.target_ours = facts.target.address in facts.own or facts.target.address.startswith("127.")
    if facts.target.outcome == "silent" and other.outcome == "http":
        facts.elsewhere["another path, then"] = asking.ask(other.url, ca_file=ca_file)


def _another_path(path: str) -> str:
    """Beside `path`, so that most likely the same application answers it."""
    folder = path.rpartition("/")[0]
    return f"{folder}/" if path == folder + HEALTH else folder + HEALTH


def _look_where_it_connects(facts: Facts, port: int, patience: float, end: threading.Event) -> None:
    """While a response is waited for. An attempt that is there at two looks gets no response itself."""
    looks: Counter[tuple[Any, str]] = Counter()
    seconds, has_told = 0.0, False
    while not end.wait(LOOKS_EACH_SECONDS):
        seconds += LOOKS_EACH_SECONDS
        if seconds >= SAYS_SO_SECONDS and not has_told:
            print(f"no response yet; doctor waits for up to {patience:.0f} s", file=sys.stderr)
            has_told = True
        looks.update(machine.connecting(port) if facts.target_ours else ())
        twice = {there for (_, there), count in looks.items() if count > 1}
        facts.connecting = tuple(sorted(twice))


def _variants(facts: Facts) -> list[tuple[str, Callable[[], Answer]]]:
    """Other ways to what the URL names, whose responses tell the causes apart."""
    target, settings = facts.target, facts.settings
    if not target or not target.address:
        return []
    parts = urlsplit(target.url)
    ask = partial(asking.ask, address=target.address, port=target.port, ca_file=_ca(settings))
    variants: list[tuple[str, Callable[[], Answer]]] = []
    # Not of one that is silent: Traefik takes TLS on a port for plain HTTP, too.
    if target.outcome in ("closed", "reset", "not_http") and parts.scheme == "http":
        facts.speaks_tls = asking.speaks_tls(target.address, target.port)
    if target.outcome == "not_tls":
        plain = urlunsplit(parts._replace(scheme="http"))
        variants.append(("plain", partial(ask, plain)))
    if target.outcome != "http":
        return variants
    if target.status in (404, 405):
        prefix = settings.api_prefix
        inside = parts.path.removeprefix(prefix) if parts.path.startswith(prefix + "/") else ""
        for name, path in (("without prefix", inside), ("with prefix", prefix + parts.path)):
            if path:
                other = urlunsplit(parts._replace(path=path))
                variants.append((name, partial(ask, other)))
    if target.status == 404 and parts.scheme == "http":
        variants.append(("https", partial(ask, urlunsplit(parts._replace(scheme="https")))))
    if target.status in (400, 403, 404, 405, 421):
        by_name = urlunsplit(parts._replace(netloc=f"localhost:{target.port}"))
        variants.append(("localhost", partial(ask, by_name)))
    if target.status == 400 and access_log.encoded(parts.path):
        plain = urlunsplit(parts._replace(path=access_log.ENCODED.sub("x", parts.path)))
        variants.append(("not encoded", partial(ask, plain)))
    return variants


def _elsewhere(facts: Facts, variant: tuple[str, Callable[[], Answer]]) -> None:
    name, question = variant
    facts.elsewhere[name] = question()
