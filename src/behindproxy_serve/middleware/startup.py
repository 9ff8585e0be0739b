"""Why an application did not start: one line, with the key and the traceback, from every server."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..log import line


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
                reason = trace.rpartition("\n")[2] or "its lifespan does not say why"
                text = f"APP_MODULE={self.module} could not start: {reason}"
                print(line(text, level="critical", exception=trace), flush=True)
                message = {"type": "lifespan.startup.failed", "message": ""}
            await send(message)

        await self.app(scope, receive, once)
