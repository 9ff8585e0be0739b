"""Where things lie. Everything that is made lies under build/."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
VENV = BUILD / "venv"
CA_FILE = BUILD / "tls" / "ca.pem"
STATIC = BUILD / "traefik"  # the rendered traefik.toml and the certificate Traefik serves
STATE = BUILD / "state.json"  # what is running: its runtime and settings
