"""One id for a request, in the log lines of proxy and application and in the answer."""

import os
import re

from asgi_correlation_id import CorrelationIdMiddleware
from starlette.types import ASGIApp

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def with_request_id(app: ASGIApp) -> ASGIApp:
    """Adopt a client's X-Request-ID where it is harmless, make one otherwise, and answer with it."""
    return CorrelationIdMiddleware(
        app,
        header_name="X-Request-ID",
        generator=lambda: os.urandom(16).hex(),
        validator=lambda given: bool(REQUEST_ID.fullmatch(given)),
    )
