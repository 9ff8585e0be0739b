"""Which containers are this stack's: those that its own files started in this folder. Another compose
file may lie here, and have the same project name; what it started is never touched."""

import json
import os
import subprocess
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .paths import ROOT, STACK

LABEL = "com.docker.compose"
COMPOSE_FILE = STACK / "docker-compose.yml"
# In the environment of Traefik and of each replica, whatever the version that started them.
MARKS = ("APP_SERVERS=", "PROXY_ADDRESS=")
OWNERS = ("acme-owner", "data-owner")  # of new volumes; each runs once
WITHOUT_MARK = ("prometheus", "grafana", *OWNERS)
ENGINE_SECONDS = 20
_looks: list[list["Container"]] = []  # within `one_look`: what it saw, once it has looked
_nested = 0


@dataclass(frozen=True)
class Container:
    """One of Compose's, as the engine shows it."""

    id: str
    project: str
    service: str
    status: str  # in words, as `docker ps` has them
    inspection: dict[str, Any]

    @property
    def running(self) -> bool:
        return bool(self.inspection["State"]["Status"] == "running")

    @property
    def healthy(self) -> bool:
        return self.health == "healthy"

    @property
    def health(self) -> str:
        """What its health check says, or how it ended: the check's last word outlives the container."""
        state = self.inspection["State"]
        status = self.running and (state.get("Health") or {}).get("Status")
        return str(status or state["Status"])

    @property
    def failed(self) -> bool:
        """Whether it ended badly, or its health check says so; one that ended well, and has no such check,
        did what it had to."""
        state = self.inspection["State"]
        badly = bool(state.get("ExitCode", 1) or state.get("Health"))
        ended = state["Status"] in ("exited", "dead", "restarting") and badly
        return self.health == "unhealthy" or ended

    @property
    def oneoff(self) -> bool:
        return labels(self.inspection).get(f"{LABEL}.oneoff") == "True"

    @property
    def networks(self) -> set[str]:
        return set(self.inspection["NetworkSettings"].get("Networks") or {})

    @property
    def environ(self) -> dict[str, str]:
        return dict(one.partition("=")[::2] for one in self.inspection["Config"].get("Env") or [])

    @property
    def ports(self) -> dict[str, tuple[str, str]]:
        """Port inside: host address and port, also of a container that does not run."""
        bindings = self.inspection["HostConfig"].get("PortBindings") or {}
        # Where both families are published, the IPv6 address stands for both.
        one_of = {
            inside: max(all_, key=lambda one: ":" in one["HostIp"])
            for inside, all_ in bindings.items()
            if all_
        }
        return {inside.partition("/")[0]: (one["HostIp"], one["HostPort"]) for inside, one in one_of.items()}


def labels(inspection: dict[str, Any]) -> dict[str, str]:
    return inspection["Config"].get("Labels") or {}


def of_this_file(own_labels: dict[str, str]) -> bool:
    """Whether a container with these labels was started in this folder, with docker-compose.yml."""
    folder = own_labels.get(f"{LABEL}.project.working_dir", "")
    if not folder or os.path.realpath(folder) != str(STACK):
        return False
    files = own_labels.get(f"{LABEL}.project.config_files", "").split(",")
    return str(COMPOSE_FILE) in {os.path.realpath(Path(folder, file)) for file in files}


def marked(inspection: dict[str, Any]) -> bool:
    """Whether it is this stack's Traefik, or a replica, or runs before them."""
    env, labels_ = inspection["Config"].get("Env") or [], labels(inspection)
    return of_this_file(labels_) and (
        any(one.startswith(MARKS) for one in env) or labels_.get(f"{LABEL}.service") in OWNERS
    )


def own(services: Collection[str] = WITHOUT_MARK) -> list[Container]:
    """Return this stack's containers. `named`: services, beside Traefik and the replicas, that its files
    have."""
    candidates = [one for one in _all() if of_this_file(labels(one.inspection))]
    certain = [one for one in candidates if marked(one.inspection)]
    projects = {one.project for one in certain}
    return [
        one for one in candidates if one in certain or one.project in projects and one.service in services
    ]


def stacks() -> list[Container]:
    """Return what has this tool's marks, whichever folder it was started in."""
    environs = [(one, one.inspection["Config"].get("Env") or []) for one in _all()]
    return [one for one, environ in environs if any(word.startswith(MARKS) for word in environ)]


def lost() -> list[str]:
    """Return a line for each stack whose folder has been moved or removed since it was started."""
    folders = {one.project: folder_of(one) for one in stacks()}
    return [gone(name, folder) for name, folder in folders.items() if folder and not Path(folder).exists()]


def folder_of(container: Container) -> str:
    return labels(container.inspection).get(f"{LABEL}.project.working_dir", "")


def gone(project: str, folder: str) -> str:
    return (
        f"what {folder} started still runs as the project {project!r}, and that folder is gone: move it back "
        f"for `make down`, or docker compose -p {project} down"
    )


def unsure() -> bool:
    """Whether a container was started here with docker-compose.yml that may be an override's."""
    return any(
        of_this_file(labels(one.inspection))
        and not marked(one.inspection)
        and one.service not in WITHOUT_MARK
        for one in _all()
    )


def others(project: str, ours: Iterable[Container]) -> list[Container]:
    """Return what runs or ran under the same project name, and is not this stack's."""
    ids = {one.id for one in ours}
    return [one for one in _all() if one.project == project and one.id not in ids]


def origin(container: Container) -> str:
    """Return the file that started it, as a person knows it."""
    labels_ = labels(container.inspection)
    file = Path(labels_.get(f"{LABEL}.project.config_files", "").split(",")[0])
    return str(file.relative_to(ROOT)) if file.is_relative_to(ROOT) else str(file)


def query(*arguments: str) -> list[str]:
    """Return the lines that `docker` prints; none where there is no engine, or it fails."""
    try:
        process = subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, timeout=ENGINE_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line for line in process.stdout.splitlines() if line]


@contextmanager
def one_look() -> Iterator[None]:
    """Query the engine for its containers once, for what only looks at them: each query takes 0.1 s."""
    global _nested
    _nested += 1
    try:
        yield
    finally:
        _nested -= 1
        if not _nested:
            _looks.clear()


def _all() -> list[Container]:
    """Every container of Compose's on this engine."""
    if not _nested:
        return _look()
    if not _looks:
        _looks.append(_look())
    return _looks[0]


def _look() -> list[Container]:
    rows = query(
        "ps", "--all", "--no-trunc", "--filter", f"label={LABEL}.project", "--format", "{{.ID}}\t{{.Status}}"
    )
    status = dict(row.split("\t", 1) for row in rows)
    # One that goes meanwhile is missing in the answer, and the others are in it.
    inspections = json.loads("\n".join(query("inspect", *status)) or "[]") if status else []
    return [
        Container(
            one["Id"],
            labels(one).get(f"{LABEL}.project", ""),
            labels(one).get(f"{LABEL}.service", ""),
            status[one["Id"]],
            one,
        )
        for one in inspections
        if one["Id"] in status
    ]
