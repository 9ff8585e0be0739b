"""Where things lie. Everything that is made lies under BUILD."""

import sys
import tomllib
from pathlib import Path

from behindproxy.contract.advice.places import TOOL, Places

SOURCE = Path(__file__).resolve().parents[2]  # of these packages: src/, or where they are installed
_FILE = "docker-compose.yml"
_RECORD = Path("deployment", "behindproxy.toml")  # of a copy (`behindproxy new`)


def _record(folder: Path) -> dict[str, object]:
    """Return what the copy in `folder` was made with; nothing of what is no copy."""
    try:
        return tomllib.loads((folder / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _places(folder: Path) -> Places:
    """Return where a copy has what `folder` has in a clone: it may lie in deployment/."""
    copy = _record(folder)
    if {"makefile", "stack"} <= copy.keys():
        return Places(str(copy["makefile"]), str(copy["stack"]), TOOL)
    return Places(tool="" if SOURCE.name == "src" else "behindproxy")  # a clone has the documents


def _has_deployment(folder: Path) -> bool:
    stack = folder / _places(folder).folder
    return (stack / _FILE).exists() and (stack / "traefik").is_dir()


def project(start: Path) -> Path:
    """Return the folder that has the deployment's files: `start`, or the one folder in it that has a copy, as
    the backend/ of a larger project, or the nearest one upwards; else `start`."""
    below = [path.parents[1] for path in start.glob(f"*/{_RECORD}")]
    candidates = [start, *(below if len(below) == 1 else []), *start.parents]
    return next(filter(_has_deployment, candidates), start)


# Beside the compose files; an installed tool serves the folder it is called in.
ROOT = SOURCE.parent if (SOURCE.parent / _FILE).exists() else project(Path.cwd())
MISSING = (  # why nothing of the stack can run here; empty where it can
    ""
    if _has_deployment(ROOT)
    else f"{ROOT} has no {_FILE} and traefik/: call it in a folder that has them, a clone or what "
    "`behindproxy new` wrote"
)
PLACES = _places(ROOT)
STACK = ROOT / PLACES.folder  # docker-compose.yml, traefik/ and Dockerfile
COPY = not (ROOT / "src" / "behindproxy").is_dir()  # ROOT is an application's project, not this repository
# A copy's own defaults, which its docker-compose.yml has too: a `.env` that was there is not changed.
DEFAULTS_FILE = str(_RECORD)
_SETTINGS = {"api_prefix": "API_PREFIX", "app_module": "APP_MODULE", "env_file": "APP_ENV_FILE"}
DEFAULTS = {
    _SETTINGS[key]: str(value)
    for key, value in (_record(ROOT) if COPY else {}).items()
    if key in _SETTINGS and value
}
# The requirements that are tested: in a clone its own, else those of the package.
PINS = SOURCE.parent / "requirements" if SOURCE.name == "src" else SOURCE / "behindproxy" / "pins"
SOURCES = (ROOT, ROOT / "src")  # where an application may lie
# A copy's build/ may be its project's own.
BUILD = ROOT / (".behindproxy" if COPY else "build")
VENV = BUILD / "venv"
# A copy's application has packages of its own, which must not meet the tools'.
APP_PYTHON = BUILD / "app" / "bin" / "python" if COPY else Path(sys.executable)
CA_FILE = BUILD / "tls" / "ca.pem"
STATIC = BUILD / "traefik"  # the rendered traefik.toml and the certificate Traefik serves
DYNAMIC = STACK / "traefik" / "dynamic"  # what Traefik takes an edit of while it runs
STATE = BUILD / "state.json"  # what is running: its runtime and settings
KEPT_PORTS = BUILD / "ports"  # those that were chosen where the user names none
KEPT_SUBNET = BUILD / "subnet"  # the SUBNET that was chosen where the user names none
