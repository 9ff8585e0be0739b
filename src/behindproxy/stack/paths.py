"""Where things lie. Everything that is made lies under BUILD."""

import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]  # of these packages: src/, in a copy (`make new`) deployment/
_FILE = "docker-compose.yml"


def _has_deployment(folder: Path) -> bool:
    return (folder / _FILE).exists() and (folder / "traefik").is_dir()


def project(start: Path) -> Path:
    """Return the nearest folder from `start` upwards that has the deployment's files; else `start`."""
    return next(filter(_has_deployment, [start, *start.parents]), start)


# Beside the compose files; an installed tool serves the folder it is called in.
ROOT = SOURCE.parent if (SOURCE.parent / _FILE).exists() else project(Path.cwd())
MISSING = (  # why nothing of the stack can run here; empty where it can
    ""
    if _has_deployment(ROOT)
    else f"{ROOT} has no {_FILE} and traefik/: call it in a folder that has them, a clone or what "
    "`behindproxy new` wrote"
)
COPY = not (ROOT / "src" / "behindproxy").is_dir()  # ROOT is an application's project, not this repository
TOOLS = ROOT / "deployment" if COPY else ROOT  # requirements/, and in a copy what installs its application
SOURCES = (ROOT, ROOT / "src")  # where an application may lie
# A copy's build/ may be its project's own.
BUILD = ROOT / (".behindproxy" if COPY else "build")
VENV = BUILD / "venv"
# A copy's application has packages of its own, which must not meet the tools'.
APP_PYTHON = BUILD / "app" / "bin" / "python" if COPY else Path(sys.executable)
CA_FILE = BUILD / "tls" / "ca.pem"
STATIC = BUILD / "traefik"  # the rendered traefik.toml and the certificate Traefik serves
DYNAMIC = ROOT / "traefik" / "dynamic"  # what Traefik takes an edit of while it runs
STATE = BUILD / "state.json"  # what is running: its runtime and settings
