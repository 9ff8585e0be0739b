"""Other spellings of a proxy's headers: X_Forwarded_User, X.Forwarded.User."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from ..forwarding import SCRUBBED, WRITTEN

UNUSUAL = re.compile(rb"[^a-z0-9-]")
NAMES = frozenset(name.lower().encode() for name in (*WRITTEN, *SCRUBBED))


class Aliases:
    """Delete them, and leave every other name as it is.

    A WSGI application gets one variable for all spellings of a name. Traefik deletes every name that holds
    more than letters, digits and hyphens, or none of them (HEADER_ALIASES).
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan" and any(is_alias(name) for name, _ in scope["headers"]):
            scope["headers"] = [pair for pair in scope["headers"] if not is_alias(pair[0])]
        await self.app(scope, receive, send)


def is_alias(name: bytes) -> bool:
    return bool(UNUSUAL.search(name)) and UNUSUAL.sub(b"-", name) in NAMES
