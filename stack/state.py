"""What is running: which runtime started it, and with which settings."""

import json
from collections.abc import Mapping

from .paths import STATE
from .render import write
from .settings import StackSettings, read


def save(runtime: str, settings: StackSettings) -> None:
    write(STATE, json.dumps({"runtime": runtime, "settings": settings.environ()}, indent=2) + "\n")


def load() -> tuple[str, StackSettings] | None:
    """The runtime and the settings of the running stack, or None where nothing was started."""
    try:
        saved = json.loads(STATE.read_text())
        return saved["runtime"], StackSettings(
            **{key.lower(): value for key, value in saved["settings"].items() if value}
        )
    except (OSError, ValueError, KeyError):
        return None


def forget() -> None:
    STATE.unlink(missing_ok=True)


def differences(running: StackSettings, environ: Mapping[str, str] | None = None) -> list[str]:
    """`KEY=value` for each setting that .env or the environment now asks for, and `running` has not."""
    asked, had = read(environ), running.environ()
    explicit = asked.model_fields_set
    return [f"{key}={value}" for key, value in asked.environ().items()
            if key.lower() in explicit and had[key] != value]  # fmt: skip
