"""What the application under test has: the subjects that the checks take."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from .answers import parts


@dataclass(frozen=True)
class Answer:
    """What a path of the application answered to GET."""

    path: str
    status: int
    kind: str  # its content type, without parameters
    text: str
    location: str
    whole: bool = True  # False: it is long, or does not end
    cookies: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()  # the application's own, absolute, as they stand there

    @property
    def is_page(self) -> bool:
        return self.status == 200 and self.kind == "text/html"


@dataclass(frozen=True)
class Redirect:
    """A path that leads to the same path with its last slash, or without it."""

    path: str
    to: str


@dataclass(frozen=True)
class Docs:
    path: str
    kind: str  # swagger or redoc
    schema: str  # as the page names it


@dataclass
class Inventory:
    """Subjects, as paths of the application without the prefix."""

    at: str = ""  # the entrypoint that said what exists
    schema: dict[str, Any] = field(default_factory=dict)
    schema_path: str = ""
    mount: str = ""  # where the application is mounted whose schema it is
    answers: dict[str, Answer] = field(default_factory=dict)
    redirects: list[Redirect] = field(default_factory=list)
    docs: list[Docs] = field(default_factory=list)
    mounts: list[str] = field(default_factory=list)  # where applications with schemas of their own are
    streams: list[str] = field(default_factory=list)
    sockets: list[str] = field(default_factory=list)
    socket_io: list[str] = field(default_factory=list)  # where its server answers, or may
    socket_pages: dict[str, str] = field(default_factory=dict)  # a socket's literal and its page
    fallback: str = ""  # the text that unknown paths are answered with, where it is a 200
    one_answer: bool = False  # which is no page
    in_code: bool = False  # the routes have the prefix themselves, and nothing is stripped
    notes: list[str] = field(default_factory=list)

    @property
    def routes(self) -> list[str]:
        """GET paths that answer, the schema's first."""
        candidates = [(path, one) for path, one in self.answers.items() if path not in self.streams]
        return [path for path, one in candidates if one.status < 400 and one.whole and not self.covers(one)]

    @property
    def present(self) -> list[str]:
        """Return paths that exist, whatever they answer to GET: an MCP server wants another header (406)."""
        statuses = {path: answer.status for path, answer in self.answers.items() if not self.covers(answer)}
        return [path for path, status in statuses.items() if status < 500 and status not in (404, 421)]

    @property
    def route(self) -> str:
        """A path that answers 200 with something to compare, or an empty text."""
        plain = [path for path in self.routes if self.answers[path].status == 200 and len(path) > 1]
        return next(
            (path for path in plain if self.answers[path].kind == "application/json"),
            plain[0] if plain else "",
        )

    @property
    def open_ended(self) -> list[str]:
        """Where a path may go on with anything: before the last parameter of a GET path, or after a route."""
        ends = [
            path.rpartition("/")[0]
            for path, ways in mapping(self.schema.get("paths")).items()
            if path.endswith("}") and "{" not in path.rpartition("/")[0] and "get" in mapping(ways)
        ]
        return [*ends, *([self.route.rstrip("/")] if self.route else [])]

    @property
    def pages(self) -> list[Answer]:
        return [answer for answer in self.answers.values() if answer.is_page]

    @property
    def showing(self) -> list[str]:
        """Return paths whose responses show an absolute address of this deployment; the long ones last."""
        candidates = [(not answer.whole, path) for path, answer in self.answers.items() if answer.addresses]
        return [path for _, path in sorted(candidates, key=lambda one: one[0])]

    @property
    def cookies(self) -> list[str]:
        return [path for path, answer in self.answers.items() if answer.cookies]

    @property
    def schemes(self) -> dict[str, Any]:
        """The security schemes of the schema, by name."""
        return dict(mapping(mapping(self.schema.get("components")).get("securitySchemes")))

    @property
    def key_headers(self) -> list[str]:
        """Header names in which the schema's security schemes expect a key."""
        return [
            str(one.get("name"))
            for one in map(mapping, self.schemes.values())
            if one.get("type") == "apiKey" and one.get("in") == "header"
        ]

    def covers(self, answer: Answer) -> bool:
        """Say whether it is what any unknown path is answered with: no proof that the path exists."""
        return bool(self.fallback) and answer.status == 200 and answer.text == self.fallback

    def matches(self, path: str) -> bool:
        """Say whether the schema has a path like this one, other than /."""
        return len(path) > 1 and any(
            pattern.fullmatch(path) for pattern in patterns(tuple(mapping(self.schema.get("paths"))))
        )

    def summary(self) -> list[str]:
        """Return what was found in a few lines, for the start of a run."""
        paths = f"{len(mapping(self.schema.get('paths')))} paths"
        served = f"schema {self.schema_path}" if self.schema_path else "a schema that is not public"
        schema = f"{served}, {paths}" if self.schema else "no schema"
        schema += f", of an application mounted at {self.mount}" if self.mount else ""
        parts = {
            "answers": len(self.routes),
            "pages": len(self.pages),
            "answers with absolute addresses": len(self.showing),
            "slash redirects": len(self.redirects),
            "answers with cookies": len(self.cookies),
        }
        subjects = [f"streams {', '.join(self.streams[:3])}"] if self.streams else []
        subjects += [f"WebSockets {', '.join(self.sockets[:3])}"] if self.sockets else []
        subjects += [f"documentation {', '.join(one.path for one in self.docs[:3])}"] if self.docs else []
        schema += f"; mounted applications {', '.join(self.mounts[:3])}" if self.mounts else ""
        return [
            schema,
            ", ".join(f"{count} {name}" for name, count in parts.items()),
            "; ".join(subjects) or "no documentation page, stream or WebSocket",
            *self.notes,
        ]


@lru_cache
def patterns(paths: tuple[str, ...]) -> list[re.Pattern[str]]:
    """Return what a path like one of these looks like; each segment has one gap at most, from its first
    parameter to its last, so that no path takes long to compare."""
    expressions = [re.sub(r"\\\{[^/]*\\\}", "[^/]+", re.escape(one)) for one in paths if len(one) > 1]
    return [re.compile(one) for one in expressions]


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def schema_of(document: Any) -> dict[str, Any]:
    """Return the document where it is an OpenAPI schema, otherwise an empty one."""
    schema = mapping(document)
    return schema if "openapi" in schema and isinstance(schema.get("paths"), dict) else {}


def servers_of(document: Any) -> list[str]:
    """Return the addresses of a schema's servers; what is no address is left out."""
    servers = mapping(document).get("servers")
    urls = [mapping(one).get("url") for one in servers] if isinstance(servers, list) else []
    return [url for url in urls if isinstance(url, str)]


def path_in(url: str, prefix: str) -> str:
    """Return a URL's path without the prefix."""
    path = parts(url).path
    inside = prefix and (path == prefix or path.startswith(f"{prefix}/"))
    return (path[len(prefix) :] if inside else path) or "/"
