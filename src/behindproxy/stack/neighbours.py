"""Ports that another stack of this tool has on this machine: another clone's, or another copy's."""

import os
from collections.abc import Iterator

import psutil

from . import native, ownership, ports
from .paths import KEPT_PORTS, STACK
from .render import write
from .settings import PORTS_FILE, PUBLISHED, StackSettings, given

STEP = 10  # 10009, 9453, 8010: they stay together
STEPS = 50
FOLDER = f"{ownership.LABEL}.project.working_dir"


def settle(settings: StackSettings, runtime: str) -> StackSettings:
    """Return the settings with ports that no other stack has: others where the user names none, which are
    kept. What is not another stack's is refused later, and so are ports that the user names."""
    if settings.domain:  # an authority, and people's addresses, know 80 and 443
        return settings
    sources = {key: source for key, (_, source) in given(os.environ).items()}
    unnamed = [key for key in PUBLISHED if sources.get(key, PORTS_FILE) == PORTS_FILE]
    numbers = {key: getattr(settings, key.lower()) for key in unnamed}
    if runtime == "docker":
        numbers.pop("OPS_PORT", None)
    # Also a stack in another network namespace is seen, whose ports are no obstacle.
    holders = {port: folder for port, folder in _others() if not ports.free(port)}
    hits = [(key, port) for key, port in numbers.items() if _needed(key, port) & holders.keys()]
    if not hits:
        return settings
    for step in range(STEP, STEP * STEPS, STEP):
        others = {key: port + step for key, port in numbers.items()}
        block = [one for key, port in others.items() for one in _needed(key, port)]
        if max(block) <= 65535 and all(map(ports.free, block)):
            break
    else:
        return settings
    line = " ".join(f"{key}={port}" for key, port in others.items())
    write(KEPT_PORTS, line + "\n")
    key, port = hits[0]
    holder = next(holders[one] for one in sorted(_needed(key, port)) if one in holders)
    print(
        f"{line}, kept in {PORTS_FILE}: the stack in {holder} has {key}={port}; plain `docker compose` needs "
        "these lines in .env"
    )
    return settings.model_copy(update={key.lower(): port for key, port in others.items()})


def _network(pid: int) -> int:
    """Return the number of a process's network namespace; 0 where the system has none, or does not say."""
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino
    except FileNotFoundError:
        return 0


def _needed(key: str, port: int) -> set[int]:
    """Return the ports that a setting takes: the application's metrics have the one after OPS_PORT."""
    return {port, port + 1} if key == "OPS_PORT" else {port}


def _others() -> Iterator[tuple[int, str]]:
    """Yield the ports that other stacks have, each with the stack's folder."""
    for one in ownership.stacks():
        folder = ownership.labels(one.inspection).get(FOLDER, "")
        if one.running and os.path.realpath(folder) != str(STACK):
            yield from ((int(port), folder) for _, port in one.ports.values() if port)
    here = _network(os.getpid())
    for process in psutil.process_iter():
        try:
            if _network(process.pid) != here:  # a container's, whose ports are no obstacle
                continue
            environ = process.environ()
        except (psutil.Error, OSError):
            continue
        home = environ.get(native.MARK, "")
        if home and home not in native.HOMES:
            own = [int(environ[key]) for key in PUBLISHED if environ.get(key, "").isdigit()]
            folder = os.path.dirname(os.path.dirname(home))
            yield from ((number, folder) for number in own)
            if environ.get("OPS_PORT", "").isdigit():
                yield int(environ["OPS_PORT"]) + 1, folder
