"""What is running: which runtime started it, and with which settings. The engine and the processes
say it themselves; the file is a cache, and has the settings that they do not show."""

import json
import os

from pydantic import ValidationError

from . import docker, lock, native
from .paths import ROOT, SOURCES, STATE
from .render import write
from .settings import StackSettings, read


def save(runtime: str, settings: StackSettings) -> None:
    reloads = bool(os.environ.get("APP_RELOAD"))
    state = {"runtime": runtime, "settings": settings.environ(), "reloads": reloads}
    write(STATE, json.dumps(state, indent=2) + "\n")
    os.utime(STATE)  # `edited` compares


def load() -> tuple[str, StackSettings] | None:
    """Return the runtime and the settings of the running stack, or None where nothing runs."""
    if state := _saved():
        return state
    for name, find in (("native", native.found), ("docker", docker.found)):
        if settings := find():
            return name, settings
    return None


def _saved() -> tuple[str, StackSettings] | None:
    """Return what the file says; None where it is lost, or no file of `save`."""
    try:
        state = json.loads(STATE.read_text())
        runtime, pairs = state["runtime"], state["settings"].items()
        settings = StackSettings.model_validate({key.lower(): value for key, value in pairs if value})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError):
        return None
    return (runtime, settings) if runtime in ("docker", "native") else None


def forget() -> None:
    lock.forget(STATE)


def edited(running: StackSettings) -> str:
    """Return a file of the application that was edited after what runs was started from it, or an empty
    text: also where nothing says when that was, or edits are reloaded."""
    try:
        if json.loads(STATE.read_text()).get("reloads"):
            return ""
        began = STATE.stat().st_mtime
    except (OSError, ValueError, AttributeError):
        return ""
    places = [folder / running.package for folder in SOURCES]
    files = [file for place in places for file in (place.with_suffix(".py"), *sorted(place.rglob("*.py")))]
    later = (file for file in files if file.is_file() and file.stat().st_mtime > began)
    return next((str(file.relative_to(ROOT)) for file in later), "")


def differences(running: StackSettings) -> list[str]:
    """Return `KEY=value` for each setting that .env or the environment now has, and `running` has not."""
    settings, had = read(), running.environ()
    explicit = settings.model_fields_set
    return [
        f"{key}={value}"
        for key, value in settings.environ().items()
        if key.lower() in explicit and had[key] != value
    ]
