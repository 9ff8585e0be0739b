"""`python -m behindproxy_serve.fastapi_cli run …`: the FastAPI CLI, with what it has no option for.

It hands Uvicorn neither a size nor a queue for WebSockets, whose defaults let a client have 16 MiB for
every connection, nor a logging file or a class for HTTP: they are added to the one call that starts the
server.
"""

import io
import sys
from contextlib import redirect_stdout
from typing import Any

import uvicorn
from fastapi_cli.cli import main

from . import log
from .server import HTTP, LOGGING, WEBSOCKETS
from .settings import Settings

start, stdout = uvicorn.run, sys.stdout


class Lines(io.TextIOBase):
    """What the CLI prints for a person, as lines of the log."""

    rest = ""

    def write(self, text: str) -> int:
        *whole, self.rest = (self.rest + text).split("\n")
        for line in filter(str.strip, whole):
            print(log.line(line, logger="fastapi"), file=stdout, flush=True)
        return len(text)


def start_limited(app: Any, **options: Any) -> None:
    own = {
        "http": HTTP,
        "ws": WEBSOCKETS,
        "ws_max_size": Settings().websocket_max_bytes,
        "ws_max_queue": 1,
        "ws_per_message_deflate": False,
        "log_config": str(LOGGING),
    }
    with redirect_stdout(stdout):
        start(app, **{**options, **own})


if __name__ == "__main__":
    uvicorn.run = start_limited
    with redirect_stdout(Lines()):
        main()
