"""What servers and wrapper write: one JSON object in a line, and no request's query in any."""

import json
import logging
import re
import sys
import traceback
from datetime import UTC, datetime

from .read_only import advice

# What follows a question mark inside a word, or one with a name and an equals sign; quotes and brackets at
# its end are the sentence's. Tokens are there, since browsers give a WebSocket no headers.
QUERY = re.compile(
    r"""(?:(?<=\S)\?(?=["')\],;]*[^\s"')\],;])|\?(?=[\w.~%+-]+=))\S*?(?=["')\],;]{0,3}(?:\s|$))"""
)
# Observe says the same of each WebSocket: Uvicorn's line, and those of the library below it. The last is
# asyncio's of each part of a response whose client has left (Hypercorn).
SAID_BY_OBSERVE = (
    '%s - "WebSocket %s"',
    "connection open",
    "connection closed",
    "connection rejected",
    "socket.send() raised exception.",
)


def line(message: str, moment: float | None = None, **more: str) -> str:
    now = datetime.now(UTC) if moment is None else datetime.fromtimestamp(moment, UTC)
    fields = {"message": message.strip(), "time": now.isoformat().replace("+00:00", "Z"), **more}
    values = {key: QUERY.sub("", value) for key, value in fields.items()}
    return json.dumps(values, separators=(",", ":"))


def failure(message: str, error: BaseException) -> None:
    """Write of an error before, or beside, any server's own logging."""
    text = "".join(traceback.format_exception(error))
    print(line(message, level="critical", exception=text), file=sys.stderr, flush=True)


class Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        more = {"level": record.levelname.lower(), "logger": record.name}
        if record.exc_info:
            more["exception"] = self.formatException(record.exc_info)
            if hint := advice(more["exception"]):
                more["hint"] = hint
        return line(record.getMessage(), record.created, **more)


def as_lines_everywhere() -> None:
    """Make lines of warnings too, and of what a logger without a handler writes. An application's own
    handlers stay: the root logger has none, so its basicConfig() works."""
    logging.captureWarnings(True)
    if logging.lastResort:
        logging.lastResort.setFormatter(Line())


class NotSaidTwice(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith(SAID_BY_OBSERVE)
