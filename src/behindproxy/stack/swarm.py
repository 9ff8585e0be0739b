"""`make swarm-deploy`, `swarm-ps` and `swarm-rm`: deploy/swarm/stack.yml on a Docker Swarm."""

import hashlib
import json
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

from behindproxy_serve.settings import example

from . import certificate, images, render
from .addresses import page_of
from .ownership import MARKS
from .paths import BUILD, DYNAMIC, PLACES, ROOT, STACK, STATIC
from .runtime import engine
from .settings import SwarmSettings, own_keys, read_as, warn, written

SERVICES = ("app", "traefik")
FILE = "deploy/swarm/stack.yml"
# Of a rolling update, on slow machines; and for each replica, beside its start and its drain time.
PATIENCE_SECONDS, PER_REPLICA_SECONDS = 300, 30
# From the stop signal until the server gets it, as in stack.yml.
LEAVING_SECONDS = 5
# What a service is right after it was changed says nothing yet.
SETTLE_SECONDS = 3


def deploy() -> int:
    """Deploy, and wait until every task runs. Raise SystemExit when Swarm rolled it back."""
    if not (STACK / FILE).is_file():
        raise SystemExit(f"{STACK / FILE} is not there: behindproxy update --with swarm writes it")
    settings = read_as(SwarmSettings)
    warn()
    nodes = _nodes()
    name = _name()
    _refuse_others(name)
    environ = _environment(settings, name, len(nodes))
    before = {service: _update(name, service) for service in SERVICES}
    local = [] if _in_registry(environ["APP_IMAGE"]) else ["--resolve-image", "never"]
    more = render.own_keys(["app"], own_keys(os.environ), version="3.9")
    files = [part for file in (STACK / FILE, *more) for part in ("-c", str(file))]
    options = ["--prune", "--with-registry-auth", *local, *files]
    _ask("stack", "deploy", *options, name, environ=environ)
    time.sleep(SETTLE_SECONDS)
    for service in SERVICES:
        _wait(name, service, before[service], patience(settings))
    _forget_unused(name)
    print(*_state(name), sep="\n")
    _show(settings, name, nodes)
    return 0


def _show(settings: SwarmSettings, name: str, nodes: list[dict[str, Any]]) -> None:
    """Return the addresses, and what is missing before they answer."""
    edge = {task.split()[0] for task in _tasks(name, "traefik")}
    open_at = [n["Status"]["Addr"] for n in nodes if n["Description"]["Hostname"] in edge]
    if settings.domain:
        print(f"{settings.url('https')}{page_of(settings)}   once the name leads to {', '.join(open_at)}")
        return
    page = f"{settings.http_port}{settings.api_prefix}{page_of(settings)}"
    for address in open_at:
        print(f"http://{address}:{page}   anyone who can reach this node")
    missing = [address for address in open_at if address not in settings.hosts]
    if missing and "*" not in settings.hosts:
        print(
            "Traefik answers 404 at these addresses until .env has: "
            f"PUBLIC_HOSTS={','.join([*settings.hosts, *missing])}"
        )


def ps() -> int:
    """Print services, tasks and nodes; 0 only when every service has what it should have."""
    name = _name()
    nodes = _nodes()
    lines = _state(name)
    if not lines:
        print(PLACES.named(f"no stack {name} in this swarm: make swarm-deploy"))
        return 1
    print(*lines, sep="\n")
    for service in SERVICES:
        for task in _tasks(name, service):
            print(f"  {service:<9}{task}")
    away = [node["Description"]["Hostname"] for node in nodes if node["Status"]["State"] != "ready"]
    for node in away:
        print(f"node {node} is down; its tasks run elsewhere once Swarm has noticed")
    short = [line for line in lines if not _complete(line.split()[1])]
    return 1 if short else 0


def rm() -> int:
    name = _name()
    _nodes()
    if not _state(name):
        print("nothing was running")
        return 0
    _refuse_others(name)
    _ask("stack", "rm", name)
    # The command comes back before the containers have ended, and a network outlives them.
    deadline = time.monotonic() + 120
    while _ask("network", "ls", "-q", "--filter", f"label=com.docker.stack.namespace={name}"):
        if time.monotonic() > deadline:
            raise SystemExit(f"the networks of {name} are still there after 120 s: docker network ls")
        time.sleep(0.5)
    print(f"removed ({name})")
    return 0


def _name() -> str:
    """As Compose names a project: COMPOSE_PROJECT_NAME, else after the folder."""
    key = "COMPOSE_PROJECT_NAME"
    name = os.environ.get(key) or written(os.environ).get(key) or ROOT.name
    return re.sub(r"[^a-z0-9_-]", "", name.lower()).lstrip("_-")


def _refuse_others(name: str) -> None:
    """Where the stack of this name has services of somebody's: `--prune` and `rm` would remove them."""
    for line in _state(name):
        service = line.split()[0]
        env = _ask(
            "service", "inspect", "--format", "{{.Spec.TaskTemplate.ContainerSpec.Env}}", f"{name}_{service}"
        )
        if service not in SERVICES or not any(mark in env for mark in MARKS):
            raise SystemExit(
                f"COMPOSE_PROJECT_NAME={name}: this stack has a service {service} that is not "
                f"{FILE}'s, and nothing was changed; for example "
                f"COMPOSE_PROJECT_NAME={name}-proxy"
            )


def _nodes() -> list[dict[str, Any]]:
    version, reason = engine()
    if not version:
        raise SystemExit(f"{reason}: a swarm needs Docker on each of its nodes")
    result = subprocess.run(["docker", "node", "ls", "-q"], capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(
            "this engine is no manager of a swarm: docker swarm init, or run this on one that is "
            f"(docs/scaling.md); it said: {result.stderr.strip().splitlines()[0]}"
        )
    nodes: list[dict[str, Any]] = json.loads(_ask("node", "inspect", *result.stdout.split()))
    return nodes


def _environment(settings: SwarmSettings, name: str, nodes: int) -> dict[str, str]:
    if settings.tls_cert:
        cert, key = _readable("TLS_CERT", settings.tls_cert), _readable("TLS_KEY", settings.tls_key)
    else:
        certificate.ensure(settings)
        cert, key = STATIC / "tls" / "cert.pem", STATIC / "tls" / "key.pem"
    static = BUILD / "stack" / "traefik.toml"
    render.write(static, render.static(settings, native=False))
    return {
        **os.environ,
        **own_keys(os.environ),
        **settings.environ(),
        "STACK": name,
        "STOP_SECONDS": str(settings.drain_seconds + LEAVING_SECONDS),
        "APP_IMAGE": settings.app_image or _built(name, nodes),
        "TLS_CERT": str(cert),
        "TLS_KEY": str(key),
        "STATIC_FILE": str(static),
        "STATIC_HASH": _hash(static),
        "DYNAMIC_HASH": _hash(*sorted(DYNAMIC.glob("*.toml"))),
        "CERTIFICATE_HASH": _hash(cert, key),
    }


def _readable(key: str, value: str) -> Path:
    path = (ROOT / value).resolve()
    if not os.access(path, os.R_OK) or not path.is_file():
        raise SystemExit(
            f"{key}={value}: there is no such file, or this user may not read it; "
            f"for example {example(key.lower(), SwarmSettings)}"
        )
    return path


def _hash(*paths: Path) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:12]


def _built(name: str, nodes: int) -> str:
    """Return the image of the current source, named by its content, or an unchanged name deploys nothing."""
    if nodes > 1:
        raise SystemExit(
            f"APP_IMAGE is empty: an image that is built here is only on this node, and "
            f"the swarm has {nodes}; build it, push it, and name it, for example "
            f"{example('app_image', SwarmSettings)}"
        )
    print("building the image", flush=True)
    environ = os.environ | {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
    dockerfile = str(STACK / "Dockerfile")
    _ask("build", "--quiet", "--tag", f"{name}-app", "--file", dockerfile, ".", environ=environ)
    identity = _ask("image", "inspect", "--format", "{{.Id}}", f"{name}-app")
    tagged = f"{name}-app:{identity.removeprefix('sha256:')[:12]}"
    _ask("tag", f"{name}-app", tagged)
    return tagged


def _in_registry(image: str) -> bool:
    """Whether to query a registry for its digest: an image that was only loaded has none."""
    return not images.identity(image) or bool(images.digest(image))


def _update(name: str, service: str) -> dict[str, Any]:
    """Return what Swarm says of the last change of the service; empty before the first."""
    result = subprocess.run(
        ["docker", "service", "inspect", f"{name}_{service}"], capture_output=True, text=True
    )
    return (json.loads(result.stdout)[0].get("UpdateStatus") or {}) if result.returncode == 0 else {}


def patience(settings: SwarmSettings) -> int:
    """Return how many seconds an update of all replicas, one after the other, may take."""
    each = settings.start_seconds + settings.drain_seconds + PER_REPLICA_SECONDS
    return PATIENCE_SECONDS + settings.app_replicas * each


def _wait(name: str, service: str, before: dict[str, Any], seconds: int) -> None:
    deadline = time.monotonic() + seconds
    while True:
        update = _update(name, service)
        state = update.get("State", "completed")
        if update.get("StartedAt") == before.get("StartedAt"):
            state = "completed"  # of an earlier change: this one had nothing to replace
        if state == "rollback_completed":
            raise SystemExit(
                f"not deployed, Swarm rolled back to the previous version: {update['Message']}\n"
                f"{_why(name, service)}"
            )
        if "paused" in state:
            raise SystemExit(
                f"Swarm stopped the update: {update['Message']}; docker service ps {name}_{service}"
            )
        if state == "completed" and _complete(_replicas(name, service)):
            return
        if time.monotonic() > deadline:
            raise SystemExit(
                f"{service}: {_replicas(name, service)} after {seconds} s\n{_why(name, service)}"
            )
        if not before and not update and _why(name, service).count("\n") > 2:
            # The first deploy has no version to go back to, and would try for ever.
            raise SystemExit(f"{service} does not start; make swarm-rm removes it\n{_why(name, service)}")
        time.sleep(0.5)


def _why(name: str, service: str) -> str:
    """Return the errors of the tasks that failed, newest first, a line each."""
    rows = _ask(
        "service",
        "ps",
        "--no-trunc",
        "--filter",
        "desired-state=shutdown",
        "--format",
        "{{.Name}} on {{.Node}}: {{.Error}}",
        f"{name}_{service}",
    )
    return "\n".join(row for row in rows.splitlines() if not row.endswith(": "))


def _replicas(name: str, service: str) -> str:
    """Return running and wanted tasks, as in `2/2`; empty where there is no such service."""
    for line in _state(name):
        if line.split()[0] == service:
            return line.split()[1]
    return ""


def _complete(replicas: str) -> bool:
    running, _, target = replicas.partition("/")
    return running == target != ""


def _state(name: str) -> list[str]:
    rows = _ask("stack", "services", "--format", "{{.Name}} {{.Replicas}} {{.Image}}", name)
    split = (row.removeprefix(f"{name}_").split()[:3] for row in sorted(rows.splitlines()))
    return [f"{service:<9}{replicas:<6}{image}" for service, replicas, image in split]


def _tasks(name: str, service: str) -> list[str]:
    rows = _ask(
        "service",
        "ps",
        "--filter",
        "desired-state=running",
        "--format",
        "{{.Node}} {{.CurrentState}}",
        f"{name}_{service}",
    )
    return sorted(rows.splitlines())


def _forget_unused(name: str) -> None:
    """Configs and secrets of earlier deploys; the engine refuses to remove what is in use."""
    for kind in ("config", "secret"):
        ids = _ask(kind, "ls", "-q", "--filter", f"label=com.docker.stack.namespace={name}")
        for one in ids.split():
            subprocess.run(["docker", kind, "rm", one], capture_output=True)


def _ask(*arguments: str, environ: dict[str, str] | None = None) -> str:
    process = subprocess.run(["docker", *arguments], cwd=ROOT, env=environ, capture_output=True, text=True)
    if process.returncode:
        lines = process.stderr.strip().splitlines() or [f"exit {process.returncode}"]
        raise SystemExit(f"docker {' '.join(arguments[:2])}: {lines[-1]}")
    return process.stdout.strip()
