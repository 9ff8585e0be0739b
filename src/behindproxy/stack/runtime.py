"""Which runtime: Docker where an engine answers, else the host itself."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Protocol

from . import docker, native
from .settings import StackSettings


class Runtime(Protocol):
    """What the modules `docker` and `native` have."""

    def up(self, settings: StackSettings, make_room: Callable[[], None], replaces: bool, fresh: bool) -> None:
        """Start it. `make_room` stops what is in the way: nothing is refused after it that could have been
        before. `replaces`: something runs, whose place it takes; `fresh`: also where it is the same."""

    def left(self) -> bool: ...
    def unhealthy(self, settings: StackSettings) -> list[str]: ...
    def ps(self, settings: StackSettings) -> int: ...
    def logs(self, settings: StackSettings, follow: bool) -> int: ...
    def logs_text(self, settings: StackSettings, lines: int) -> str: ...


RUNTIMES: dict[str, Runtime] = {"docker": docker, "native": native}


def engine(seconds: float = 20) -> tuple[str | None, str]:
    """Return the version of the engine that answers within `seconds`, or None, and a sentence that says
    so."""
    if not shutil.which("docker"):
        return None, "there is no docker command"
    where = os.environ.get("DOCKER_HOST", "the default socket")
    try:
        result = subprocess.run(
            ["docker", "version", "--format", "{{.Server.Version}}"],
            capture_output=True,
            text=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return None, f"the engine at {where} does not answer within {seconds:g} s"
    if result.returncode:
        if "permission denied" in result.stderr.lower():
            return None, f"this user may not use the engine at {where}"
        return None, f"no engine answers at {where}"
    return result.stdout.strip(), f"Docker Engine {result.stdout.strip()} answers"


def choose() -> str:
    """Print which runtime and why. Raise SystemExit where RUNTIME forces what is not there."""
    forced = os.environ.get("RUNTIME", "")
    if forced not in ("", *RUNTIMES):
        raise SystemExit(f"RUNTIME={forced}: no such runtime; RUNTIME=docker or RUNTIME=native")
    if forced == "native":
        print("runtime: native (RUNTIME=native)")
        return _installed("native")
    version, reason = engine()
    if forced == "docker" and not version:
        raise SystemExit(f"RUNTIME=docker: {reason}; start Docker, or RUNTIME=native")
    name = "docker" if version else "native"
    print(f"runtime: {name} ({reason}{'; RUNTIME=docker' if forced else ''})")
    return _installed(name)


def _installed(name: str) -> str:
    """Return `name`, or exit with status 2 where what the native runtime needs is not installed."""
    if name == "native" and (missing := native.missing()):
        print(missing, file=sys.stderr)
        sys.exit(2)
    return name
