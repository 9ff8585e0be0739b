"""Why an application did not start: one line, with the key and the traceback, from every server."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..log import line
from ..read_only import advice


class Startup:
    """Write why the lifespan of `module` failed, and give the server nothing to write of it again."""

    def __init__(self, app: ASGIApp, module: str) -> None:
        self.app, self.module = app, module

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            return await self.app(scope, receive, send)

        async def once(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed":
                trace = message.get("message", "").strip()
                known = (last_error(trace) or "its lifespan does not say why", advice(trace))
                reason = "; ".join(filter(None, known))
                text = f"APP_MODULE={self.module} could not start: {reason}"
                print(line(text, level="critical", exception=trace), flush=True)
                message = {"type": "lifespan.startup.failed", "message": ""}
            await send(message)

        await self.app(scope, receive, once)


def last_error(trace: str) -> str:
    """Return the first line of the last exception's text, of which further lines explain it."""
    _, _, end = trace.rpartition('\n  File "')
    found = [line for line in end.splitlines()[1:] if line and line[0] != " "]
    return found[0] if found else trace.rpartition("\n")[2]
