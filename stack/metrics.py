"""What Traefik's own metrics say."""

import re


def server_up(text: str, server: str) -> bool | None:
    """Whether Traefik sends requests to `server` (`http://app:8000`), by its health check; None where
    it has none, or has not asked yet."""
    found = re.search(
        rf'^traefik_service_server_up{{.*url="{re.escape(server)}"}} (\d)', text, re.MULTILINE
    )
    return found[1] == "1" if found else None
