"""The packages of the applications: a virtual environment for those that agree, kept between runs."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from behindproxy.stack.paths import BUILD

from ..foreign.serving import Missing
from .application import Application

ENVIRONMENTS = BUILD / "published" / "environments"
INSTALL_SECONDS = 540


def python_of(application: Application) -> Path:
    """Return the interpreter that has the application's packages, once they are installed."""
    folder = ENVIRONMENTS / application.environment
    stamp, pins = folder / "pins", "\n".join(application.requirements)
    python = folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != pins:
        shutil.rmtree(folder, ignore_errors=True)
        must([sys.executable, "-m", "venv", str(folder)])
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        must([*pip, *application.requirements])
        stamp.write_text(pins)
    return python


def node_modules(application: Application) -> Path | None:
    """Return the folder with the application's npm packages, once they are installed."""
    if not application.npm:
        return None
    folder = ENVIRONMENTS / f"npm-{application.name}"
    package = json.dumps(
        {"private": True, "dependencies": dict(one.rsplit("@", 1) for one in application.npm)}
    )
    stamp = folder / "pins"
    if not stamp.exists() or stamp.read_text() != package:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "package.json").write_text(package)
        must(["npm", "install", "--no-audit", "--no-fund", "--silent"], folder)
        stamp.write_text(package)
    return folder / "node_modules"


def must(command: list[str], folder: Path | None = None, environ: dict[str, str] | None = None) -> None:
    """Run a command that installs or builds. Raises Missing where it cannot."""
    try:
        process = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | (environ or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
        )
    except FileNotFoundError:
        raise Missing(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise Missing(f"{' '.join(command)} did not end within {INSTALL_SECONDS} s") from None
    if process.returncode:
        lines = (process.stderr.strip() or process.stdout.strip()).splitlines()
        raise Missing(f"{' '.join(command)}: {' / '.join(lines[-3:])}")
