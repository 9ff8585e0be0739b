"""Whether Traefik took the last edit of the files in traefik/dynamic.

It keeps the old routes when a new file does not parse, and only its log says so: there is no
metric for it. A router that names a missing middleware is dropped, again with no more than a line.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from .paths import DYNAMIC

ABOUT_ROUTES = ("providerName", "routerName", "middlewareName", "serviceName", "tlsStoreName")
ABSENT = ".toml: no such file or directory"
FILES = ("routes.toml", "middlewares.toml", "tls.toml", "00-settings.toml")
READ_AGAIN_SECONDS = 1.0  # Traefik reads the files within milliseconds of a change.


class Error(NamedTuple):
    """An error of Traefik's log about the files: its second, its text, and whether a file did not parse."""

    at: int
    text: str
    of_parsing: bool


def refused(log: Callable[[], str]) -> str | None:
    """Return the error that `log()` (Traefik's, JSON lines, any prefix) has about those files since their
    last edit, or None.

    Traefik's times are whole seconds. An editor that saves by rename makes Traefik read the broken file
    once more just before it is replaced, so an error in the second of the edit may be about what is already
    corrected: then Traefik is made to read the files again, and what it says about them counts.
    """
    for name in FILES:
        if not (DYNAMIC / name).exists():
            return f"{DYNAMIC / name} does not exist"
    last = max(DYNAMIC.iterdir(), key=lambda path: path.stat().st_mtime)
    edit = int(last.stat().st_mtime)
    errors = [error for error in _errors(log()) if error.at >= edit]
    if not errors:
        return None
    if errors[-1].of_parsing and errors[-1].at == edit and _read_again(last):
        deadline = time.monotonic() + READ_AGAIN_SECONDS
        while len(again := [error for error in _errors(log()) if error.at >= edit]) <= len(errors):
            if time.monotonic() > deadline:
                return None
            time.sleep(0.1)
        errors = again
    return errors[-1].text


def _read_again(path: Path) -> bool:
    """Make Traefik read the files again: give `path` the times that it has. False where only its owner may,
    and where an engine in a virtual machine may not hear of it (Docker Desktop)."""
    if sys.platform != "linux":
        return False
    try:
        times = path.stat()
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    except OSError:
        return False
    return True


def _errors(log: str) -> list[Error]:
    errors = []
    for line in log.splitlines():
        start = line.find('{"level":"error"')
        if start < 0:
            continue
        try:
            entry = json.loads(line[start:])
            at = int(datetime.fromisoformat(entry["time"]).timestamp())
        except (ValueError, KeyError):
            continue
        provider = entry.get("providerName", "")
        if provider.startswith("acme") or "middlewareType" in entry:
            continue  # A certificate's; a request's, as a body over the limit.
        if ABSENT in entry.get("error", ""):
            continue  # git removes a file before it writes it again, and it is there again
        if any(key in entry for key in ABOUT_ROUTES):
            text = entry.get("error") or entry.get("message") or ""
            errors.append(Error(at, text, of_parsing=provider == "file"))
    return errors
