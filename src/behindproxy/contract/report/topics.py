"""What a run did not test: topics of which no check could send its request."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from .result import Result

NO_ENTRYPOINT = re.compile("no (http|https|direct) entrypoint")


@dataclass(frozen=True)
class Topic:
    name: str
    checks: tuple[str, ...]  # patterns of ids; one of them on any entrypoint tests the topic
    how: str


@dataclass(frozen=True)
class NotTested:
    topic: str
    reason: str
    how: str


TOPICS = (
    Topic(
        "prefix",
        ("links.prefix", "redirect.keeps_prefix", "openapi.servers", "app.root_path", "scope.root_path"),
        "name a path that links to another by its full address, or redirects to its slash (--path), or the "
        "schema (--openapi)",
    ),
    Topic(
        "scheme",
        ("links.scheme@https", "scope.scheme@https", "redirect.keeps_prefix@https"),
        "name the https address, and a path that shows an absolute address or redirects (--path)",
    ),
    Topic(
        "host",
        ("links.host", "scope.url@http*", "redirect.keeps_prefix@http*"),
        "name a path that shows an absolute address or redirects (--path)",
    ),
    Topic(
        "port",
        ("links.port", "scope.url@http*", "redirect.keeps_prefix@http*"),
        "name a path that shows an absolute address or redirects (--path)",
    ),
    Topic(
        "client address",
        ("scope.client", "application.client_address"),
        "name a path of the application that shows the address of its client (--path), or serve it with the "
        "probe (PROBE=1 of behindproxy-serve)",
    ),
    Topic(
        "trust on direct",
        ("trust.direct_cannot_spoof", "trust.redirect_not_steered@direct"),
        "name the server's own address (--direct), from a machine or an address that is not the proxy's, and "
        "a path that shows an absolute address",
    ),
    Topic(
        "WebSockets", ("websocket.opens", "websocket.echo", "websocket.scope"), "name one: --websocket /path"
    ),
    Topic("streams", ("stream.not_buffered",), "name one: --stream /path"),
    Topic(
        "cookies",
        ("application.cookies", "application.cookies_secure"),
        "name a path whose response to GET sets a cookie (--path)",
    ),
    Topic(
        "documentation",
        ("docs.names_schema", "docs.redoc"),
        "name the schema, and serve a page of it (--openapi)",
    ),
    Topic(
        "protected routes",
        ("path.protected_route",),
        "name one with its credentials: --protected /path, PROTECTED_USER=user:password",
    ),
)


def not_tested(results: Iterable[Result]) -> list[NotTested]:
    """Return the topics that no check tested, each with the reason that most of its checks gave."""
    rows = list(results)
    missing = []
    for topic in TOPICS:
        its = [
            one
            for one in rows
            for pattern in topic.checks
            if fnmatchcase(one.place, pattern if "@" in pattern else f"{pattern}@*")
        ]
        if not its or any(one.status in ("passed", "failed", "accepted") for one in its):
            continue
        reasons = [one.observed for one in its]
        # That an entrypoint was not named says less than why the others could not be checked.
        reasons = [one for one in reasons if not NO_ENTRYPOINT.fullmatch(one)] or reasons
        missing.append(NotTested(topic.name, max(reasons, key=reasons.count), topic.how))
    return missing
