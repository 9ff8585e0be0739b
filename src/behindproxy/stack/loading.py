"""What the application's log says where APP_MODULE could not be loaded (behindproxy_serve/asgi.py)."""

import json
from datetime import UTC, datetime

SIGN = " could not be loaded"


def now() -> str:
    """Return this moment as the log writes it, so that lines of an earlier start are told apart."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def failure(log: str, since: str = "") -> tuple[str, str]:
    """Return one line that says so, and the traceback; nothing where the log says neither after `since`."""
    for line in reversed(log.splitlines()):
        if SIGN in line:
            try:
                fields = json.loads(line[line.index("{") :])
            except ValueError:
                continue
            if fields.get("time", "") >= since:
                sentence = f"{fields['message']}; for example APP_MODULE=app.main:app"
                return sentence, fields.get("exception", "").strip()
    return "", ""
