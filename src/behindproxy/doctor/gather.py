"""Collects the facts, several at a time: less than three seconds, and longer only for an answer that is
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

HEALTH = "/healthz"  # at each entrypoint; an application without it answers too
ENTRYPOINT_SECONDS = 5.0
ANSWER_SECONDS = 10.0  # for the URL that was given; this stack's own gets what its proxy gives it
SAYS_SO_SECONDS = 3.0
LOOKS_EACH_SECONDS = 0.4
NOT_REACHED = ("refused", "timed_out", "unreachable", "no_name")


def facts(url: str = "") -> Facts:
    """Of the stack that runs here, or would; and with `url` of that. Raise SystemExit for settings
    that cannot be, as `make up` does."""
    running = state.load()
    seen = Facts(settings=running[1] if running else read(), runtime=running[0] if running else "")
    if running:
        try:
            seen.not_applied = [one.partition("=")[0] for one in state.differences(running[1])]
        except SystemExit as error:
            seen.settings_error = str(error)
    seen.root = os.geteuid() == 0
    seen.person = machine.person()
    seen.cloud, seen.cloud_evidence = machine.cloud()
    seen.addresses = machine.addresses()
    began, target = datetime.now(UTC), urlsplit(url)
    port = (target.port or {"https": 443}.get(target.scheme, 80)) if url else None
    with ThreadPoolExecutor(16) as pool:
        later = [pool.submit(part, seen) for part in (_listeners, _firewall)]
        later.append(pool.submit(_engine, seen, port))
        if url:
            later.append(pool.submit(_target, seen, url))
        elif running:
            later += [pool.submit(_ask, seen, *one) for one in _questions(seen)]
        for one in later:
            one.result()
        later = [pool.submit(_elsewhere, seen, one) for one in _variants(seen)]
        in_docker = seen.runtime == "docker" and bool(seen.engine)
        if in_docker and not url:
            later.append(pool.submit(_inner, seen))
        if in_docker or seen.runtime == "native":
            later.append(pool.submit(_requests, seen, began, bool(url)))
        for one in later:
            one.result()
    return seen


def _listeners(seen: Facts) -> None:
    seen.listeners, seen.all_listeners_have_owners = machine.listeners()


def _firewall(seen: Facts) -> None:
    seen.rules, seen.firewall = machine.firewall()


def _engine(seen: Facts, port: int | None) -> None:
    if seen.runtime == "native":
        states = native.states()
        seen.processes = {name: one["statename"] for name, one in states.items()}
        seen.up_seconds = {name: one["now"] - one["start"] for name, one in states.items()}
        seen.routes_error = refused(partial(native.logs_text, seen.settings, lines=0)) or ""
        if port is None:
            return
    version, seen.engine_says = runtime.engine(containers.SECONDS)
    seen.engine = version or ""
    if seen.engine:
        seen.containers = containers.containers(port)
        if seen.runtime == "docker":
            log = partial(containers.traefik_log, seen.containers)
            seen.routes_error = refused(log) or ""
            if seen.settings.domain and (found := acme.served(seen.settings)):
                seen.certificate = found
                seen.certificate_error = acme.refused(log(), found.due) or ""


def _ca(settings: StackSettings) -> str:
    """Return the development CA; nothing if the system's own is wanted."""
    given = os.environ.get("CA_FILE", "")
    return given or (str(CA_FILE) if CA_FILE.exists() and not settings.domain else "")


def _questions(seen: Facts) -> list[tuple[str, str, str, int]]:
    """For each entrypoint and each of this machine's addresses: name, URL, address, port."""
    settings, found = seen.settings, []
    ports = {"http": settings.http_port, "https": settings.https_port, "direct": settings.direct_port}
    for entrypoint, port in ports.items():
        if not (base := settings.url(entrypoint)):
            continue
        found.append((f"{entrypoint}@loopback", base + HEALTH, _loopback(settings, entrypoint), port))
        if entrypoint == "https" and not settings.domain:
            continue  # its certificate has the names of PUBLIC_HOSTS, not every address
        for address in seen.addresses:
            if not address.containers and kind(address.text)[0] not in ("loopback", "link-local"):
                path = f"{urlsplit(base).path}{HEALTH}"
                url = base + HEALTH if settings.domain else f"http://{in_url(address.text)}:{port}{path}"
                found.append((f"{entrypoint}@{address.text}", url, address.text, port))
    return found


def _loopback(settings: StackSettings, entrypoint: str) -> str:
    """Where the entrypoint is on this machine; its URL's name may lead elsewhere, or nowhere."""
    bound = settings.bind_address
    if entrypoint == "direct" or bound == "0.0.0.0":
        return "127.0.0.1"
    return "::1" if bound == "::" else bound


def _ask(seen: Facts, name: str, url: str, address: str, port: int) -> None:
    seen.answers[name] = asking.ask(
        url, address=address, port=port, ca_file=_ca(seen.settings), seconds=ENTRYPOINT_SECONDS
    )


def _inner(seen: Facts) -> None:
    seen.inner = containers.ask_inside(seen.containers, seen.settings)


def _requests(seen: Facts, began: datetime, own: bool) -> None:
    """Return the access log since Traefik's start: an earlier one may have had other limits. `began`: when it
    was seen how long it runs, before the URL's answer was waited for."""
    if seen.runtime == "native":
        log, up = native.logs_text(seen.settings, lines=0), seen.up_seconds.get("traefik")
    else:
        log = containers.traefik_log(seen.containers)
        up = next((one.up_seconds for one in seen.containers if one.ours and one.service == "traefik"), None)
    requests = access_log.since_start(access_log.read(log), up or 0.0, began)
    of_others = [one for one in requests if not one.path.endswith(HEALTH)]  # doctor sends its own there
    ended = requests if own else of_others
    seen.requests = [one for one in ended if one.status in access_log.ENDED]
    seen.only_404 = access_log.only_404(of_others)


def _target(seen: Facts, url: str) -> None:
    """Another path of the same port first: what would hold a server's only worker would hold this, too."""
    ca_file, parts = _ca(seen.settings), urlsplit(url)
    other = asking.ask(urlunsplit(parts._replace(path=_another_path(parts.path), query="")), ca_file=ca_file)
    seen.elsewhere["another path"] = other
    seen.target_ours = other.address in seen.own or other.address.startswith("127.")
    if other.outcome in NOT_REACHED:
        seen.target = replace(other, url=url)
        return
    patience = ANSWER_SECONDS
    if seen.stack_at(other.port) and other.outcome == "http":
        patience = access_log.answer_seconds(seen.settings) + 2.0
    ended = threading.Event()
    looking = threading.Thread(target=_look_where_it_connects, args=(seen, other.port, patience, ended))
    looking.start()
    try:
        seen.target = asking.ask(url, ca_file=ca_file, follow=True, seconds=patience)
    finally:
        ended.set()
        looking.join()
    seen.target_ours = seen.target.address in seen.own or seen.target.address.startswith("127.")
    if seen.target.outcome == "silent" and other.outcome == "http":
        seen.elsewhere["another path, then"] = asking.ask(other.url, ca_file=ca_file)


def _another_path(path: str) -> str:
    """Beside `path`, so that most likely the same application answers it."""
    folder = path.rpartition("/")[0]
    return f"{folder}/" if path == folder + HEALTH else folder + HEALTH


def _look_where_it_connects(seen: Facts, port: int, patience: float, ended: threading.Event) -> None:
    """While an answer is waited for. An attempt that is there at two looks gets no answer itself."""
    looks: Counter[tuple[Any, str]] = Counter()
    waited, told = 0.0, False
    while not ended.wait(LOOKS_EACH_SECONDS):
        waited += LOOKS_EACH_SECONDS
        if waited >= SAYS_SO_SECONDS and not told:
            print(f"no answer yet; doctor waits for up to {patience:.0f} s", file=sys.stderr)
            told = True
        looks.update(machine.connecting(port) if seen.target_ours else ())
        twice = {there for (_, there), count in looks.items() if count > 1}
        seen.connecting = tuple(sorted(twice))


def _variants(seen: Facts) -> list[tuple[str, Callable[[], Answer]]]:
    """Other ways to what the URL names, whose answers tell the causes apart."""
    target, settings = seen.target, seen.settings
    if not target or not target.address:
        return []
    parts = urlsplit(target.url)
    ask = partial(asking.ask, address=target.address, port=target.port, ca_file=_ca(settings))
    found: list[tuple[str, Callable[[], Answer]]] = []
    # Not of one that is silent: Traefik takes TLS at a port for plain HTTP, too.
    if target.outcome in ("closed", "reset", "not_http") and parts.scheme == "http":
        seen.speaks_tls = asking.speaks_tls(target.address, target.port)
    if target.outcome == "not_tls":
        plain = urlunsplit(parts._replace(scheme="http"))
        found.append(("plain", partial(ask, plain)))
    if target.outcome != "http":
        return found
    if target.status in (404, 405):
        prefix = settings.api_prefix
        inside = parts.path.removeprefix(prefix) if parts.path.startswith(prefix + "/") else ""
        for name, path in (("without prefix", inside), ("with prefix", prefix + parts.path)):
            if path:
                other = urlunsplit(parts._replace(path=path))
                found.append((name, partial(ask, other)))
    if target.status == 404 and parts.scheme == "http":
        found.append(("https", partial(ask, urlunsplit(parts._replace(scheme="https")))))
    if target.status in (400, 403, 404, 405, 421):
        by_name = urlunsplit(parts._replace(netloc=f"localhost:{target.port}"))
        found.append(("localhost", partial(ask, by_name)))
    if target.status == 400 and access_log.encoded(parts.path):
        plain = urlunsplit(parts._replace(path=access_log.ENCODED.sub("x", parts.path)))
        found.append(("not encoded", partial(ask, plain)))
    return found


def _elsewhere(seen: Facts, variant: tuple[str, Callable[[], Answer]]) -> None:
    name, question = variant
    seen.elsewhere[name] = question()
