"""The engine's containers, as `docker inspect` and the sockets inside them show them."""

import contextlib
import json
import subprocess
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from behindproxy.stack import ownership
from behindproxy.stack.settings import StackSettings

from .facts import Container, Listener, Published

SECONDS = 1.5
LISTENS = "0A"  # TCP_LISTEN in /proc/net/tcp


def containers(port: int | None = None) -> list[Container]:
    """Return this clone's containers, and those of others that publish a port. Raise nothing: an engine
    that stops answering shows none. Look into this clone's, and into what publishes `port`."""
    try:
        ids = _docker("ps", "--all", "--quiet", "--no-trunc").stdout.split()
        inspections = json.loads(_docker("inspect", *ids).stdout) if ids else []
    except (subprocess.TimeoutExpired, OSError, ValueError):
        return []
    with ThreadPoolExecutor(8) as pool:
        projects = {_project(ownership.labels(one)) for one in inspections if ownership.marked(one)}
        every = pool.map(lambda one: container(one, port, projects), inspections)
    return [one for one in every if one.ours or one.published]


def container(
    inspection: dict[str, Any], port: int | None = None, projects: Collection[str] = ()
) -> Container:
    labels = inspection["Config"].get("Labels") or {}
    oneoff = labels.get("com.docker.compose.oneoff") == "True"
    ours = not oneoff and (ownership.marked(inspection) or _is_beside(labels, projects))
    state = inspection["State"]
    service = labels.get("com.docker.compose.service", inspection["Name"].lstrip("/"))
    published = _published(inspection)
    running = state["Status"] == "running" and not state.get("Paused")
    look = running and (ours and service != "traefik" or port in {one.port for one in published})
    log = ours and state["Status"] in ("exited", "restarting", "dead")
    return Container(
        service=service,
        name=inspection["Name"].lstrip("/"),
        state=state["Status"],
        health=(state.get("Health") or {}).get("Status", ""),
        exit_code=state.get("ExitCode", 0),
        status="out of memory" if state.get("OOMKilled") else "",
        published=published,
        listeners=inside(inspection["Id"]) if look else None,
        addresses=tuple(
            a
            for n in (inspection["NetworkSettings"].get("Networks") or {}).values()
            if (a := n.get("IPAddress"))
        ),
        last_line=_last_line(inspection["Id"]) if log else "",
        ours=ours,
        up_seconds=_up_seconds(state) if state["Status"] == "running" else None,
    )


def _up_seconds(state: dict[str, Any]) -> float | None:
    # Nanoseconds, which Python reads since 3.11 by cutting them.
    with contextlib.suppress(KeyError, ValueError):
        return (datetime.now(UTC) - datetime.fromisoformat(state["StartedAt"])).total_seconds()
    return None


def _is_beside(labels: dict[str, str], projects: Collection[str]) -> bool:
    """Whether it is this stack's Prometheus or Grafana, or an override's service in one of `projects`."""
    observes = labels.get("com.docker.compose.service") in ownership.WITHOUT_MARK
    return ownership.of_this_file(labels) and (observes or _project(labels) in projects)


def _project(labels: dict[str, str]) -> str:
    return labels.get("com.docker.compose.project", "")


def _published(inspection: dict[str, Any]) -> tuple[Published, ...]:
    ports = inspection["NetworkSettings"].get("Ports") or {}
    if not any(ports.values()):  # a stopped container has only what was asked for
        ports = inspection["HostConfig"].get("PortBindings") or {}
    return tuple(
        Published(one.get("HostIp") or "0.0.0.0", int(one["HostPort"]), int(target.split("/")[0]))
        for target, all_ in ports.items()
        for one in all_ or []
        if target.endswith("/tcp") and one.get("HostPort")
    )


def inside(id_: str) -> tuple[Listener, ...] | None:
    """Return what listens in the container, or None where it has no `cat`, or no /proc."""
    try:
        result = _docker("exec", id_, "cat", "/proc/net/tcp", "/proc/net/tcp6")
    except (subprocess.TimeoutExpired, OSError):
        return None
    # Without IPv6 the second file is missing, and the first was read.
    return proc_net(result.stdout) if "local_address" in result.stdout else None


def proc_net(text: str) -> tuple[Listener, ...]:
    """Of /proc/net/tcp and tcp6: address and port in hex, the address in words of the machine's
    byte order (proc(5)); little-endian on every machine Docker runs on."""
    result = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < 4 or fields[3] != LISTENS:
            continue
        address, _, port = fields[1].partition(":")
        raw = b"".join(bytes.fromhex(address[i : i + 8])[::-1] for i in range(0, len(address), 8))
        here = IPv4Address(raw) if len(raw) == 4 else IPv6Address(raw)
        if str(here) != "127.0.0.11":  # Docker's own name server, in every container
            result.append(Listener(str(here), int(port, 16)))
    return tuple(result)


# One question, asked in the app's container: its image has Python and no curl.
QUESTION = """
import sys, urllib.error, urllib.request
class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_): return None
for line in sys.argv[1:]:
    url, host = line.split()
    try:
        answer = urllib.request.build_opener(Stay).open(
            urllib.request.Request(url, headers={"Host": host}), timeout=4)
        print(answer.status)
    except urllib.error.HTTPError as error:
        print(error.code)
    except OSError as error:
        print(getattr(error, "reason", error))
"""


def ask_inside(all_: list[Container], settings: StackSettings) -> dict[str, str]:
    """Return what the app's container gets from itself (`app`) and, over the container network, from
    Traefik (`traefik`): a status, or why there was none."""
    app = next((c for c in all_ if c.ours and c.service == "app" and c.state == "running"), None)
    if not app:
        return {}
    host = settings.hosts[0].replace("*", "localhost")
    questions = {
        "app": f"http://127.0.0.1:8000/healthz {host}",
        "traefik": f"http://traefik:9999{settings.api_prefix}/healthz {host}",
    }
    try:
        result = _docker("exec", app.name, "python", "-c", QUESTION, *questions.values(), seconds=10)
    except (subprocess.TimeoutExpired, OSError):
        return {}
    return dict(zip(questions, result.stdout.splitlines(), strict=False))


def traefik_log(all_: list[Container]) -> str:
    """Return its last lines, standard error included."""
    traefik = next((c for c in all_ if c.ours and c.service == "traefik"), None)
    if not traefik:
        return ""
    try:
        result = _docker("logs", "--tail", "2000", traefik.name)
    except (subprocess.TimeoutExpired, OSError):
        return ""
    return result.stdout + result.stderr


def _last_line(id_: str) -> str:
    try:
        result = _docker("logs", "--tail", "3", id_)
    except (subprocess.TimeoutExpired, OSError):
        return ""
    lines = [line for line in (result.stdout + result.stderr).splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""


def _docker(*arguments: str, seconds: float = SECONDS) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=seconds)
