"""Readiness for every application: what the proxy's health check and a deploy depend on."""

import signal
from pathlib import Path
from types import FrameType

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problems import problem


class Readiness:
    """Answers /readyz with 503 from the stop signal on, or once the file `mark` is there (serve/drain.py).

    Otherwise the application is asked; one that has no /readyz is ready when it answers 404.
    """

    def __init__(self, app: ASGIApp, prefix: str, mark: Path) -> None:
        # Unstripped, the proxy's health check comes without the prefix and its clients with it.
        self.paths = ("/readyz", f"{prefix}/readyz")
        self.app, self.mark = app, mark
        self.stopping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            self._note_sigterm()
        if scope["type"] != "http" or scope["path"] not in self.paths:
            return await self.app(scope, receive, send)
        if self.stopping or self.mark.exists():
            # `close`: the health check's own connection must not outlive its use.
            draining = problem(503, "draining", headers={"Connection": "close"})
            return await draining(scope, receive, send)
        missing = False

        async def unless_missing(message: Message) -> None:
            nonlocal missing
            missing = missing or message.get("status") == 404
            if not missing:
                await send(message)

        await self.app(scope, receive, unless_missing)
        if missing:
            await JSONResponse({"status": "ready"})(scope, receive, send)

    def _note_sigterm(self) -> None:
        """The server's own handler still runs."""
        before = signal.getsignal(signal.SIGTERM)

        def handler(number: int, frame: FrameType | None) -> None:
            self.stopping = True
            if callable(before):
                before(number, frame)

        signal.signal(signal.SIGTERM, handler)
