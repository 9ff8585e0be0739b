"""`python -m serve.fastapi_cli run …`: the FastAPI CLI, with what it has no option for.

It hands Uvicorn neither a size nor a queue for WebSockets, whose defaults let a client have 16 MiB for
every connection: they are added to the one call that starts the server.
"""

from typing import Any

import uvicorn
from fastapi_cli.cli import main

from .settings import Settings

start = uvicorn.run


def start_limited(app: Any, **options: Any) -> None:
    limits = {
        "ws_max_size": Settings().websocket_max_bytes,
        "ws_max_queue": 1,
        "ws_per_message_deflate": False,
    }
    start(app, **{**options, **limits})


if __name__ == "__main__":
    uvicorn.run = start_limited  # type: ignore[assignment]
    main()
