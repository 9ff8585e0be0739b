"""What is running: which runtime started it, and with which settings. The engine and the processes
say it themselves; the file is a cache, and has the settings that they do not show."""

import json

from pydantic import ValidationError

from . import docker, native
from .paths import STATE
from .render import write
from .settings import StackSettings, read


def save(runtime: str, settings: StackSettings) -> None:
    write(STATE, json.dumps({"runtime": runtime, "settings": settings.environ()}, indent=2) + "\n")


def load() -> tuple[str, StackSettings] | None:
    """Return the runtime and the settings of the running stack, or None where nothing runs."""
    if saved := _saved():
        return saved
    for name, found in (("native", native.found), ("docker", docker.found)):
        if settings := found():
            return name, settings
    return None


def _saved() -> tuple[str, StackSettings] | None:
    """Return what the file says; None where it is lost, or no file of `save`."""
    try:
        saved = json.loads(STATE.read_text())
        runtime, given = saved["runtime"], saved["settings"].items()
        settings = StackSettings.model_validate({key.lower(): value for key, value in given if value})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError):
        return None
    return (runtime, settings) if runtime in ("docker", "native") else None


def forget() -> None:
    STATE.unlink(missing_ok=True)


def differences(running: StackSettings) -> list[str]:
    """Return `KEY=value` for each setting that .env or the environment now has, and `running` has not."""
    wanted, had = read(), running.environ()
    explicit = wanted.model_fields_set
    return [
        f"{key}={value}"
        for key, value in wanted.environ().items()
        if key.lower() in explicit and had[key] != value
    ]
