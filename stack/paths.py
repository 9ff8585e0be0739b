"""Where things lie. Everything that is made lies under BUILD."""

import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent  # serve/, stack/, requirements/
# Beside the compose files; in a copy (`make new`) the tools lie in a folder of their own.
ROOT = TOOLS if (TOOLS / "docker-compose.yml").exists() else TOOLS.parent
SOURCES = (ROOT, ROOT / "src")  # where an application may lie
# A copy's build/ may be its project's own.
BUILD = ROOT / ("build" if TOOLS == ROOT else ".behindproxy")
VENV = BUILD / "venv"
# A copy's application has packages of its own, which must not meet the tools'.
APP_PYTHON = Path(sys.executable) if TOOLS == ROOT else BUILD / "app" / "bin" / "python"
CA_FILE = BUILD / "tls" / "ca.pem"
STATIC = BUILD / "traefik"  # the rendered traefik.toml and the certificate Traefik serves
STATE = BUILD / "state.json"  # what is running: its runtime and settings
