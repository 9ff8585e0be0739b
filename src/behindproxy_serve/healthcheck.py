"""`python -m behindproxy_serve.healthcheck URL [once]`: exit 0 while a server answers there below 500.

The engine runs it every few seconds for each replica, and to start a process in a container costs more than
all it does: so it imports no HTTP client, and if the previous check passed it keeps trying for a while.
"""

import os
import socket
import sys
import time
from pathlib import Path

SECONDS = 2  # for a response to begin
LOOKS, PAUSE_SECONDS = 10, 2  # of one process
JUST_NOW_SECONDS = 5  # the engine begins a check 2 s after the one before
# Every server process of a container touches it first (__main__.py).
STARTED, PASSED = "started", "passed"
NONE = "none"  # how its line begins where there is no response


def main(url: str, once: bool = False) -> int:
    """Return 0 or 1. While the container starts, nothing and a 503 are waited for, unless it is `once`.

    Otherwise an engine that counts failures would need the number that a start may take.
    """
    deadline = 0.0 if once else _ready_by()
    while True:
        status, text = _status(url)
        if status not in (0, 503) or time.time() > deadline:
            break
        time.sleep(1 if status else 0.1)
    if not once:
        status, text = _watch(url, status, text)
    print(text)
    return 0 if 0 < status < 500 else 1


def _watch(url: str, status: int, text: str) -> tuple[int, str]:
    """Go on looking while the server answers, where another check has passed just now. The first one that
    passes is waited for, also after the container was paused: the engine calls it unhealthy until then. It
    gives a check 5 s more than START_SECONDS."""
    mark = _mark(PASSED)
    try:
        looks = min(LOOKS, int(float(os.environ.get("START_SECONDS", 0)) // (SECONDS + PAUSE_SECONDS)))
        for _ in range(looks if _age(mark) < JUST_NOW_SECONDS else 0):
            if not 0 < status < 500:
                break
            time.sleep(PAUSE_SECONDS)
            status, text = _status(url)
        if 0 < status < 500:
            mark.touch()
        else:
            mark.unlink(missing_ok=True)
    except (OSError, ValueError):  # without a mark each check looks once
        pass
    return status, text


def _age(mark: Path) -> float:
    """Return for how many seconds it has not been touched."""
    return time.time() - mark.stat().st_mtime if mark.exists() else float("inf")


def _mark(name: str) -> Path:
    return Path(os.environ.get("RUN_DIR", "/tmp/run"), name)


def _ready_by() -> float:
    """Return when START_SECONDS are over."""
    try:
        return _mark(STARTED).stat().st_mtime + float(os.environ["START_SECONDS"])
    except (OSError, KeyError, ValueError):
        return 0.0


def _status(url: str) -> tuple[int, str]:
    """Return the response's status, 0 for none, and what there is to say of it."""
    address, _, path = url.removeprefix("http://").partition("/")
    host, _, port = address.partition(":")
    try:
        with socket.create_connection((host, int(port or 80)), SECONDS) as connection:
            request = f"GET /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
            connection.sendall(request.encode())
            line = connection.makefile("rb").readline(100)
        status = int(line.split()[1])
    except (OSError, ValueError, IndexError) as error:
        return 0, f"{NONE} ({error})"
    return status, str(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], once=sys.argv[2:] == ["once"]))
