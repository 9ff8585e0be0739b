"""Taking this container out of service, so that nothing is under way when it stops.

`python -m behindproxy_serve.drain start`: from now on /readyz answers 503 in every worker.
`… wait SECONDS`: until nothing is in flight, at most so long; prints what is left.
`… before SECONDS COMMAND…`: runs the server, for an engine that takes a container's name away and gives it
the stop signal. The server gets that SECONDS later; until then each response has `Connection: close`
(middleware/leaving.py). A server closes its idle connections at once, and a POST that the proxy is just
writing to one gets 502.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType

from .log import line

FORWARDED = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def mark() -> Path:
    return Path(os.environ["RUN_DIR"]) / "draining"


def start() -> None:
    mark().touch()


def wait(seconds: float) -> None:
    from .metrics import totals

    folder = Path(os.environ["RUN_DIR"]) / "metrics"
    deadline = time.monotonic() + seconds
    while (requests := totals(folder).in_progress) > 0 and time.monotonic() < deadline:
        time.sleep(0.1)
    print(requests)


def before(seconds: float, command: list[str]) -> int:
    """Return the exit status of `command`. A second stop signal reaches it at once."""
    leaving = Path(os.environ["RUN_DIR"], "leaving")
    leaving.parent.mkdir(parents=True, exist_ok=True)
    leaving.unlink(missing_ok=True)
    server = subprocess.Popen(command, env={**os.environ, "DRAIN_MARK": str(leaving)})

    def stop(number: int, frame: FrameType | None) -> None:
        if leaving.exists():
            server.send_signal(number)
        else:
            leaving.touch()
            print(line(f"closes each connection after its response, and stops in {seconds:g} s"), flush=True)
            later = threading.Timer(seconds, server.send_signal, [number])
            later.daemon = True
            later.start()

    signal.signal(signal.SIGTERM, stop)
    for each in FORWARDED:
        signal.signal(each, lambda number, _: server.send_signal(number))
    while True:  # process 1 of its container: whose parent has gone is its child
        pid, status = os.wait()
        if pid == server.pid:
            code = os.waitstatus_to_exitcode(status)
            if code == -signal.SIGTERM and leaving.exists():
                return 0  # Uvicorn ends well, and then by the signal it was given
            return code if code >= 0 else 128 - code


def main(action: str, *arguments: str) -> int:
    if action == "start":
        start()
    elif action == "wait":
        wait(float(arguments[0]))
    else:
        return before(float(arguments[0]), list(arguments[1:]))
    return 0


if __name__ == "__main__":
    os.environ.setdefault("RUN_DIR", "/tmp/run")
    sys.exit(main(*sys.argv[1:]))
