"""Whether Traefik took the last edit of the files in traefik/dynamic.

It keeps the old routes when a new file does not parse, and only its log says so: there is no
metric for it. A router that names a missing middleware is dropped, again with no more than a line.
"""

import json
from datetime import datetime

from .paths import DYNAMIC

ABOUT_ROUTES = ("providerName", "routerName", "middlewareName", "serviceName", "tlsStoreName")
ABSENT = ".toml: no such file or directory"
FILES = ("routes.toml", "middlewares.toml", "tls.toml", "00-settings.toml")


def refused(log: str) -> str | None:
    """Return the error that `log` (Traefik's, JSON lines, any prefix) has about those files since their
    last edit, or None."""
    for name in FILES:
        if not (DYNAMIC / name).exists():
            return f"{DYNAMIC / name} does not exist"
    edited = max(path.stat().st_mtime for path in DYNAMIC.iterdir())
    found = None
    for line in log.splitlines():
        start = line.find('{"level":"error"')
        if start < 0:
            continue
        try:
            entry = json.loads(line[start:])
            at = datetime.fromisoformat(entry["time"]).timestamp()
        except (ValueError, KeyError):
            continue
        if entry.get("providerName", "").startswith("acme"):
            continue  # a certificate's, not the files'
        if ABSENT in entry.get("error", ""):
            continue  # git removes a file before it writes it again, and it is there again
        # Traefik's time has whole seconds: an error in the second of the edit counts as its own.
        if at >= int(edited) and any(key in entry for key in ABOUT_ROUTES):
            found = entry.get("error") or entry.get("message")
    return found
