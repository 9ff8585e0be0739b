"""The prefix, for a server that is not told it or makes half of it."""

from starlette.types import ASGIApp, Receive, Scope, Send


class RootPath:
    """Set `root_path`, and restore the prefix in the path where a proxy stripped it.

    ASGI's path includes root_path. Uvicorn does this for --root-path; Gunicorn's and Hypercorn's
    own option leaves the path stripped, and mounts, static files and redirects then break.
    """

    def __init__(self, app: ASGIApp, prefix: str, stripped: bool) -> None:
        self.app, self.prefix, self.stripped = app, prefix, stripped

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            scope["root_path"] = self.prefix
            if self.stripped:
                scope["path"] = self.prefix + scope["path"]
                scope["raw_path"] = self.prefix.encode() + (scope.get("raw_path") or b"")
        await self.app(scope, receive, send)
