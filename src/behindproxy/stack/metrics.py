"""What Traefik's own metrics say."""

import re
import time
from collections.abc import Callable

FIRST_CHECK_SECONDS = 3  # an interval, and the timeout of a check that gets no response


def server_up(text: str, server: str) -> bool | None:
    """Whether Traefik sends requests to `server` (`http://app:8000`), by its health check; None where
    it has none, or has not checked yet."""
    match = re.search(rf'^traefik_service_server_up{{.*url="{re.escape(server)}"}} (\d)', text, re.MULTILINE)
    return match[1] == "1" if match else None


def first_said(gets_requests: Callable[[], bool | None]) -> bool | None:
    """Return what it says once it says something; None where Traefik has no health check."""
    deadline = time.monotonic() + FIRST_CHECK_SECONDS
    while (value := gets_requests()) is None and time.monotonic() < deadline:
        time.sleep(0.1)
    return value
