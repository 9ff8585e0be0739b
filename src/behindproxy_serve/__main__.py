"""`behindproxy-serve`: validate the settings, say the command, become the server.

`behindproxy-serve openapi MODULE:ATTRIBUTE` prints the application's schema instead.
"""

import os
import resource
import shlex
import sys
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from .healthcheck import STARTED
from .log import line
from .server import command, environment
from .settings import Settings, explain

MAX_FILES = 65_536  # a connection takes one


def raise_max_files() -> None:
    """Allow as many open files as the hard limit does, as Traefik does for itself: the soft one is 1024 on
    most machines, and so many WebSockets or uploads of one client would leave no connection to the others."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MAX_FILES if hard == resource.RLIM_INFINITY else min(MAX_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(OSError, ValueError):  # macOS has another limit above it
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def main() -> None:
    if sys.argv[1:2] == ["openapi"]:
        from . import openapi

        sys.exit(openapi.run(sys.argv[2:]))
    try:
        settings = Settings()
    except ValidationError as error:
        sys.exit(explain(error))
    argv = command(settings)
    # A restarted container is not draining any more, and its counters begin again.
    run = Path(settings.run_dir)
    metrics = run / "metrics"
    metrics.mkdir(parents=True, exist_ok=True)
    for stale in (run / "draining", *metrics.glob("*.slot")):
        stale.unlink(missing_ok=True)
    (run / STARTED).touch()
    if settings.otel_exporter_otlp_endpoint:
        # FastAPI exports by itself; the SDK reads the other OTEL_* variables.
        os.environ["FASTAPI_OTEL_AUTO_CONFIGURE"] = "true"
        os.environ.setdefault("OTEL_SERVICE_NAME", "app")
    raise_max_files()
    print(line(f"exec {shlex.join(argv)}"), flush=True)
    # exec: the server is PID 1 in its container and gets the stop signal itself.
    os.execve(argv[0], argv, environment(dict(os.environ)))


if __name__ == "__main__":
    main()
