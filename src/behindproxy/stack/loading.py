"""What the application's log says where it could not be loaded (behindproxy_serve/asgi.py), or where its
lifespan failed (behindproxy_serve/middleware/startup.py)."""

import json
from datetime import UTC, datetime

LOADED, STARTED = SIGNS = (" could not be loaded: ", " could not start: ")
# Before this nobody wonders what a start waits for.
NOTICE_SECONDS = 5


def now() -> str:
    """Return this moment as the log writes it, so that lines of an earlier start are told apart."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def failure(log: str, since: str = "") -> tuple[str, str]:
    """Return one line that says so, and the traceback; nothing where the log says neither after `since`."""
    for line in reversed(log.splitlines()):
        if any(sign in line for sign in SIGNS):
            try:
                fields = json.loads(line[line.index("{") :])
            except ValueError:
                continue
            if fields.get("time", "") >= since:
                sentence = fields["message"]
                if LOADED in sentence:
                    sentence += "; for example APP_MODULE=app.main:app"
                return sentence, fields.get("exception", "").strip()
    return "", ""


def waits(start_seconds: int) -> str:
    """Return what is said of a start that takes its time."""
    return (
        f"the application is starting: it does not answer yet, and has START_SECONDS={start_seconds} "
        "for imports and lifespan (make logs shows what it does)"
    )
