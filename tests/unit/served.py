"""`python -m behindproxy_serve` with each server on a free port, as a container starts it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.experiments import serving
from tests.hosts import free_port

SERVERS = ("uvicorn", "fastapi", "gunicorn", "hypercorn")


@contextmanager
def start(
    server: str, folder: Path, environment: pytest.MonkeyPatch, **settings: str
) -> Iterator[serving.Served]:
    """Its whole output is in `log`, also after its end."""
    port = free_port()
    more = {"APP_SERVER": server, "APP_PORT": str(port), "RUN_DIR": str(folder / "run"), **settings}
    for key, value in more.items():
        environment.setenv(key, value)
    with serving.process([sys.executable, "-m", "behindproxy_serve"], port, folder / "log") as served:
        yield served
