"""Health for every application: what engines, the proxy's health check and a deploy depend on."""

import signal
import time
from collections.abc import Awaitable
from pathlib import Path
from types import FrameType

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..headers import by_name
from ..problems import problem

LIVE, READY = HEALTH = ("/healthz", "/readyz")
SENT_AGAIN_SECONDS = 60


class Health:
    """Answer /readyz with 503 from the stop signal on, or once the file `mark` is there (drain.py).

    Otherwise the application answers. Its redirect or 4xx is none about its health (it has no such path, a
    login, a list of hosts): this answers 200 in its place, and for a minute by itself. Each request may
    cost the application a line in its log, or a traceback. But 400 is TrustedHostMiddleware's to every
    host of the stack, so nobody would be served. A client's own request, with its password or its malformed
    header, says nothing of the next.
    """

    def __init__(self, app: ASGIApp, prefix: str, mark: Path) -> None:
        # Unstripped, the proxy's health check comes without the prefix and its clients with it.
        self.ready = (READY, f"{prefix}{READY}")
        self.paths = frozenset((LIVE, f"{prefix}{LIVE}", *self.ready))
        self.app, self.mark = app, mark
        self.stopping = False
        self.none: dict[tuple[str, str], float] = {}  # method and path, and until when
        self.own: set[tuple[str, str]] = set()  # what the application has told its health by

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "lifespan":
            self._note_sigterm()
        if scope["type"] != "http" or scope["path"] not in self.paths:
            return self.app(scope, receive, send)
        return self._tell(scope, receive, send)

    async def _tell(self, scope: Scope, receive: Receive, send: Send) -> None:
        ready = scope["path"] in self.ready
        if ready and (self.stopping or self.mark.exists()):
            # `close`: the health check's own connection must not outlive its use.
            draining = problem(503, "draining", headers={"Connection": "close"})
            return await draining(scope, receive, send)
        if scope["method"] not in ("GET", "HEAD"):
            return await self.app(scope, receive, send)
        request, now = (scope["method"], scope["path"]), time.monotonic()
        none, forwarded = now < self.none.get(request, now), b"x-forwarded-for" in by_name(scope)

        async def unless_none(message: Message) -> None:
            nonlocal none
            if message["type"] == "http.response.start" and request not in self.own:
                none = _says_nothing(message["status"])
                if not (none or forwarded):
                    self.own.add(request)
            if not none:
                await send(message)

        if not none:
            await self.app(scope, receive, unless_none)
            if none and not forwarded:
                self.none[request] = now + SENT_AGAIN_SECONDS
        if none:
            await JSONResponse({"status": "ready" if ready else "ok"})(scope, receive, send)

    def _note_sigterm(self) -> None:
        """Note SIGTERM; the server's own handler still runs."""
        before = signal.getsignal(signal.SIGTERM)

        def handler(number: int, frame: FrameType | None) -> None:
            self.stopping = True
            if callable(before):
                before(number, frame)

        signal.signal(signal.SIGTERM, handler)


def _says_nothing(status: int) -> bool:
    """Return whether a response of the application is none about its health."""
    return 300 <= status < 500 and status != 400
