"""Other spellings of a proxy's headers: X_Forwarded_User, X.Forwarded.User."""

import re
from collections.abc import Awaitable

from starlette.types import ASGIApp, Receive, Scope, Send

from ..forwarding import SCRUBBED, TRAEFIK_HEADERS
from ..headers import by_name

UNUSUAL = re.compile(rb"[^a-z0-9-]")
NAMES = frozenset(name.lower().encode() for name in (*TRAEFIK_HEADERS, *SCRUBBED))
NAMES_KEPT, NAME_LENGTH = 1_000, 64  # of those that were found to be none; a client could fill the memory


class Aliases:
    """Delete them, and leave every other name as it is.

    A WSGI application gets one variable for all spellings of a name. Traefik deletes every name that holds
    more than letters, digits and hyphens, or none of them (HEADER_ALIASES).
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.harmless: set[bytes] = set()

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "lifespan" and not self.harmless.issuperset(by_name(scope)):
            scope["headers"] = [pair for pair in scope["headers"] if not is_alias(pair[0])]
            if len(self.harmless) < NAMES_KEPT:
                self.harmless.update(name for name in by_name(scope) if len(name) <= NAME_LENGTH)
        return self.app(scope, receive, send)


def is_alias(name: bytes) -> bool:
    return bool(UNUSUAL.search(name)) and UNUSUAL.sub(b"-", name) in NAMES
