"""What the application's log says where it could not be loaded (behindproxy_serve/asgi.py), or where its
lifespan failed (behindproxy_serve/middleware/startup.py)."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .paths import PLACES

LOADED, STARTED = SIGNS = (" could not be loaded: ", " could not start: ")
OURS = "APP_MODULE="  # how both begin
# What the servers import, as they do: it says why it cannot, in a line of the log.
IMPORT = "import behindproxy_serve.asgi"
# Before this nobody wonders what a start waits for.
NOTICE_SECONDS = 5


def now() -> str:
    """Return this moment as the log writes it, so that lines of an earlier start are told apart."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def failure(log: str, since: str = "") -> tuple[str, str]:
    """Return one line that says so, and the traceback; nothing where the log says neither after `since`."""
    for line in reversed(log.splitlines()):
        if any(sign in line for sign in SIGNS):
            try:
                fields = json.loads(line[line.index("{") :])
            except ValueError:
                continue
            sentence = str(fields.get("message", ""))
            # A plugin of the application's that could not be loaded is the application's own affair.
            if sentence.startswith(OURS) and fields.get("time", "") >= since:
                if LOADED in sentence:
                    sentence += "; for example APP_MODULE=app.main:app"
                return sentence, fields.get("exception", "").strip()
    return "", ""


def refuse_unloadable(command: list[str], environ: dict[str, str], folder: Path, seconds: float) -> None:
    """Raise SystemExit where `command`, which runs IMPORT beside what serves, says that the application
    cannot be loaded; before anything of that is stopped."""
    if os.environ.get("APP_RELOAD"):
        return  # the server waits for an edit
    try:
        process = subprocess.run(
            command,
            cwd=folder,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        if "--name" in command:  # the client's end is not the container's
            name = command[command.index("--name") + 1]
            subprocess.run(["docker", "rm", "--force", name], capture_output=True)
        return  # the start says it, and its own limit
    sentence, trace = failure(process.stdout)
    if process.returncode and sentence:
        print(trace, file=sys.stderr)
        raise SystemExit(f"{sentence}; what runs goes on")


def in_a_container(config: dict[str, Any], beside: str) -> tuple[list[str], dict[str, str]]:
    """Return the command that runs IMPORT in the image, with what Compose's `config` gives the application,
    in the network of the container `beside`, and its environment; no command where there is more to give."""
    app, environ = config["services"]["app"], dict(os.environ)
    if any(app.get(key) for key in ("secrets", "configs", "entrypoint", "extra_hosts", "env_file")):
        return [], environ
    command = ["docker", "run", "--rm", "--name", f"{config['name']}-load-{os.getpid()}", "--read-only"]
    command += ["--no-healthcheck", "--network", f"container:{beside}", "--tmpfs", "/tmp"]
    for key, value in (app.get("environment") or {}).items():
        value = environ.get(key, "") if value is None else str(value).replace("$$", "$")
        # By its name alone: what a command is called with everybody can read.
        command += ["--env", key if environ.setdefault(key, value) == value else f"{key}={value}"]
    for volume in app.get("volumes") or []:
        source = str(volume.get("source", ""))
        if volume["type"] == "volume":
            source = config.get("volumes", {}).get(source, {}).get("name", source)
        if volume["type"] not in ("bind", "volume") or not source:
            return [], environ
        parts = [f"type={volume['type']}", f"source={source}", f"target={volume['target']}", "readonly"]
        command += ["--mount", ",".join(parts[: 4 if volume.get("read_only") else 3])]
    return [*command, app["image"], "python", "-c", IMPORT], environ


def waits(start_seconds: int) -> str:
    """Return what is said of a start that takes its time."""
    return PLACES.named(
        f"the application is starting: it does not answer yet, and has START_SECONDS={start_seconds} "
        "for imports and lifespan (make logs shows what it does)"
    )


def too_late(module: str, start_seconds: int) -> str:
    """Return what is said of a start that took too long."""
    return (
        f"APP_MODULE={module} did not start within START_SECONDS={start_seconds}: its imports or its "
        "lifespan had not ended"
    )


def ended(module: str) -> str:
    """Return what is said of one that ends by itself, and tells the log no reason that we know."""
    return f"APP_MODULE={module} could not start: its process ended each time before it answered"
