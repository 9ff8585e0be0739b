"""Traefik's access log: whose limit ended a request with 502 or 504, and which characters were refused.

Its text for both is the same, so the durations tell them apart.
"""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from behindproxy.stack.settings import StackSettings

DIAL_SECONDS = 1  # dialTimeout in traefik/dynamic/middlewares.toml
RETRY_SECONDS = 0.1  # initialInterval of its retry
NEAR_SECONDS = 1.0  # by which a limit is passed until it is noticed, on a busy machine
WITH_BODY = ("POST", "PUT", "PATCH", "DELETE")
RECENT = timedelta(hours=1)
SOME = 3  # requests from which on it is told what became of all of them
ENCODED = re.compile(r"%(2F|5C|00|3B|25|3F|23)", re.IGNORECASE)

CLOSED = 499  # Also Traefik's for a client that it cut itself, depending on what it notices first.
# The statuses that may be Traefik's own decision about one request.
LIMIT_STATUSES = (400, CLOSED, 502, 504)

Limit = Literal["answer", "request", "connection", "server", ""]


@dataclass(frozen=True)
class Request:
    """One line of the log."""

    at: datetime
    method: str
    path: str
    status: int
    seconds: float  # all of it
    wait_seconds: float  # the last attempt to get a response from the application
    retries: int
    passed_on: bool  # a server was tried
    by_application: bool  # its response has the application's X-Request-ID


def read(log: str) -> list[Request]:
    """Return the requests in `log`: JSON lines among others, with any prefix."""
    requests = []
    for line in log.splitlines():
        start = line.find("{")
        if start < 0 or '"DownstreamStatus"' not in line:
            continue
        try:
            requests.append(_request(json.loads(line[start:])))
        except (ValueError, KeyError, TypeError):
            continue
    return requests


def _request(entry: dict[str, Any]) -> Request:
    ids = ("origin_X-Request-Id", "downstream_X-Request-Id")
    return Request(
        at=datetime.fromisoformat(entry["StartUTC"] if "StartUTC" in entry else entry["time"]),
        method=entry["RequestMethod"],
        path=entry["RequestPath"],
        status=entry["DownstreamStatus"],
        seconds=entry["Duration"] / 1e9,
        wait_seconds=entry.get("OriginDuration", 0) / 1e9,
        retries=entry.get("RetryAttempts", 0),
        passed_on=bool(entry.get("OriginStatus")),
        by_application=any(entry.get(name) for name in ids),
    )


def since_start(requests: list[Request], up_seconds: float, now: datetime) -> list[Request]:
    """Return those that began in the hour before `now` or later, and since Traefik was started."""
    since = max(now - RECENT, now - timedelta(seconds=up_seconds + 1))
    return [one for one in requests if one.at >= since]


def only_404(requests: list[Request]) -> list[Request]:
    """Return `requests` where each of them was answered with 404, and there are some; else none."""
    return requests if len(requests) >= SOME and all(one.status == 404 for one in requests) else []


def answer_seconds(settings: StackSettings) -> int:
    return int(getattr(settings, "answer_seconds", 30))


def request_seconds(settings: StackSettings) -> int:
    return int(getattr(settings, "request_seconds", 60))


def limit(request: Request, settings: StackSettings) -> Limit:
    """Whose limit made this 502, 504 or 499: `answer`, Traefik's for the application; `request`, Traefik's
    for the client; `connection`, no server took one; `server`, the application's server ended it. Empty:
    the application answered it, or nobody's."""
    if request.status not in (CLOSED, 502, 504) or request.by_application or not request.passed_on:
        return ""
    slow = request.method in WITH_BODY and near(request.seconds, request_seconds(settings))
    if request.status == CLOSED:
        return "request" if slow else ""
    # The first retry is not counted; it comes after a tenth of a second, which no other delay does here.
    again = request.retries > 0 or request.seconds - request.wait_seconds > RETRY_SECONDS / 2
    if request.status == 502:
        return "connection" if again else "server"
    if again and request.wait_seconds < DIAL_SECONDS + NEAR_SECONDS:
        return "connection"
    return "request" if slow else "answer"


def near(seconds: float, allowed: int) -> bool:
    """Whether a limit of `allowed` seconds ended what took `seconds`."""
    return allowed - 0.5 <= seconds < allowed + NEAR_SECONDS


def allowed_characters(settings: StackSettings) -> list[str]:
    return [one for one in str(getattr(settings, "encoded_characters", "")).upper().split(",") if one]


def encoded(path: str, allowed: Collection[str] = ()) -> list[str]:
    """Return the encoded characters in `path` that are refused where only `allowed` ones pass, as `%2F`."""
    codes = (f"%{code.upper()}" for code in ENCODED.findall(path.partition("?")[0]))
    return [one for one in dict.fromkeys(codes) if one not in allowed]


def refused_encoded(requests: list[Request], allowed: Collection[str] = ()) -> Iterator[Request]:
    """Return the requests that a router's middleware refused for an encoded character: 400, and no server
    tried. Not those with %00, which no address has that a person wants: scanners send it, and so does
    verify."""
    for one in requests:
        by_proxy = one.status == 400 and not one.passed_on and not one.by_application
        if by_proxy and encoded(one.path, allowed) and "%00" not in one.path:
            yield one
