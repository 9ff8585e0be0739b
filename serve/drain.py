"""Taking this container out of service: `python -m serve.drain start`, then `wait SECONDS`.

From `start` on, /readyz answers 503 in every worker, so the proxy sends nothing new. `wait` ends
when nothing is in flight, or after SECONDS. The container can be stopped then.
"""

import os
import sys
import time
from pathlib import Path


def mark() -> Path:
    return Path(os.environ["RUN_DIR"]) / "draining"


def main(action: str, seconds: float = 0) -> None:
    if action == "start":
        mark().touch()
        return
    from .observe import in_progress

    deadline = time.monotonic() + seconds
    while (left := in_progress()) > 0 and time.monotonic() < deadline:
        time.sleep(0.1)
    print(left)


if __name__ == "__main__":
    os.environ.setdefault("RUN_DIR", "/tmp/run")
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", f"{os.environ['RUN_DIR']}/metrics")
    main(sys.argv[1], *(float(argument) for argument in sys.argv[2:]))
