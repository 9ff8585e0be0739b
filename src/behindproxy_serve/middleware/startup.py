"""Why an application did not start: one line, with the key and the traceback, from every server."""

import re
from collections.abc import Awaitable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..log import line
from ..read_only import advice

# A group's exceptions are printed as a tree.
BRANCH = re.compile(r"^ *\| ?")
FORK = re.compile(r"^ *\+[-+ ]")


class Startup:
    """Write why the lifespan of `module` failed, and give the server nothing to write of it again."""

    def __init__(self, app: ASGIApp, module: str) -> None:
        self.app, self.module = app, module

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "lifespan":
            return self.app(scope, receive, send)
        return self._start(scope, receive, send)

    async def _start(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def once(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed":
                trace = message.get("message", "").strip()
                parts = (last_error(trace) or "its lifespan does not say why", advice(trace))
                reason = "; ".join(filter(None, parts))
                text = f"APP_MODULE={self.module} could not start: {reason}"
                print(line(text, level="critical", exception=trace), flush=True)
                message = {"type": "lifespan.startup.failed", "message": ""}
            await send(message)

        await self.app(scope, receive, once)


def last_error(trace: str) -> str:
    """Return the first line of the last exception's text, of which further lines explain it."""
    if "+ Exception Group Traceback" in trace:
        trace = "\n".join(BRANCH.sub("", line) for line in trace.splitlines() if not FORK.match(line))
    _, _, end = trace.rpartition('\n  File "')
    lines = [line for line in end.splitlines()[1:] if line and line[0] != " "]
    return lines[0] if lines else trace.rpartition("\n")[2]
