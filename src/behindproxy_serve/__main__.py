"""`behindproxy-serve`: validate the settings, say the command, become the server.

`behindproxy-serve openapi MODULE:ATTRIBUTE` prints the application's schema instead.
"""

import os
import shlex
import sys
from pathlib import Path

from pydantic import ValidationError

from .healthcheck import STARTED
from .log import line
from .server import command, environment
from .settings import Settings, explain


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
    print(line(f"exec {shlex.join(argv)}"), flush=True)
    # exec: the server is PID 1 in its container and gets the stop signal itself.
    os.execve(argv[0], argv, environment(dict(os.environ)))


if __name__ == "__main__":
    main()
