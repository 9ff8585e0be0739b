"""A list of hosts that refuses the name in the URL: whose it is."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from .facts import Answer, Facts
from .findings import cause
from .step import Step
from .writer import words

HOST_MESSAGE = re.compile(
    r"(invalid|disallowed|blocked|unknown|untrusted|forbidden|non-local)\W+(http_)?hosts?\b"
    r"|\bhost\b.{0,80}\b(not|isn.t) (allowed|permitted|trusted)"
    r"|dns rebinding",
    re.IGNORECASE | re.DOTALL,
)
STARLETTE = "Invalid host header"
MISDIRECTED = 421


def refused(facts: Facts, answer: Answer) -> Iterator[Step]:
    """Return the finding where the response names the host, or where localhost is taken and this name is
    not."""
    host = urlsplit(answer.url).hostname or ""
    if answer.status not in (400, 403, MISDIRECTED) or (facts.stack_at(answer.port) and not answer.body):
        return
    by_name = facts.elsewhere.get("localhost")
    localhost = str(by_name.status) if by_name and by_name.outcome == "http" and by_name.status < 400 else ""
    if answer.status == 400 and answer.body == STARLETTE:
        yield cause("url.host_refused", host=host)
    elif answer.status == MISDIRECTED and HOST_MESSAGE.search(answer.body):
        yield cause("url.host_refused", case="library", host=host)
    elif HOST_MESSAGE.search(answer.body):
        yield cause("url.host_refused", case="own", host=host, status=answer.status, body=words(answer))
    elif localhost and host != "localhost":
        yield cause("url.host_refused", case="differs", host=host, status=answer.status, localhost=localhost)
