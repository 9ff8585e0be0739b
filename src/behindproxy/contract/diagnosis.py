"""What the red checks have in common: the likely cause first, and the change that removes it.

A cause is judged by the pattern of red (check, entrypoint) pairs and by what was observed there; what one
explains is not explained twice. Where none fits, the hint of the most upstream red check speaks.
"""

from collections.abc import Iterable

from .causes import CAUSES, Red
from .result import Result
from .source import Source

MOST = 3  # causes named at once
COOKIE = r"\bset_cookie\(|\bSessionMiddleware\s*[,(]"
# Upstream first: what a request meets before something else can be judged.
WAY = (
    "container",
    "tls",
    "host",
    "app",
    "scope",
    "prefix",
    "path",
    "trust",
    "redirect",
    "openapi",
    "docs",
    "application",
    "mount",
    "static",
    "websocket",
    "stream",
    "exposure",
    "logs",
)


def diagnose(results: Iterable[Result], source: Source | None = None) -> list[str]:
    """At most three sentences, the likeliest cause first; empty when nothing is red.

    With the application's `source`, its own faults come with the line to change.
    """
    reds = [result for result in results if result.red]
    left = Red({f"{result.check.id}@{result.entrypoint}": result.observed for result in reds})
    said: list[str] = []
    for cause in CAUSES:
        if left.observed and len(said) < MOST and cause.fits(left):
            pattern = cause.line.replace("{prefix}", source.prefix) if source else ""
            place = source.fault(pattern, "") if source and pattern else ""
            said.append(f"{cause.says}: {cause.fix}{place}")
            left = left.without(cause.explains)
    theirs = [
        one for one in reds if one.check.group == "application" and left(f"{one.check.id}@{one.entrypoint}")
    ]
    if theirs and len(said) < MOST:
        one = theirs[0]
        # A cookie says nothing of the line that sets it.
        pattern = COOKIE if one.check.id == "application.cookies" else ""
        place = source.fault(pattern, one.observed) if source else ""
        said.append(f"the application's own fault: {one.check.title} ({one.check.id}): {one.hint}{place}")
    if not said and reds:
        first = min(reds, key=lambda one: WAY.index(one.check.group) if one.check.group in WAY else len(WAY))
        said.append(f"{first.check.title} ({first.check.id}): {first.hint}")
    return said
