"""Finds what the application under test has, by GET alone, before anything is checked."""

import json
import re
import time
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from . import answers, exchange, safety, sessions
from .check import PUBLIC, EntrypointName
from .entrypoint import Entrypoint, RateLimited
from .exchange import STREAM
from .expect import Expect, Unexpected
from .found import Answer, Docs, Found, Redirect, mapping, path_in, schema_of

if TYPE_CHECKING:
    from .target import Target

MAX_ROUTES = 40  # of a large application, the first ones
MAX_FILLED = 10  # paths with parameters
MAX_PAGES = 15
MAX_SCRIPTS = 8
MAX_STREAMS = 3
MAX_SLASHES = 10
MAX_MOUNTS = 8  # places at which one may be
SECONDS, MAX_SECONDS = 15, 45  # for all of it; an application that answers slowly gets more
SLOW_SECONDS = 1  # for an answer
ANSWERS = 12  # one after the other, that there must be time for
WORKERS = 6
SCHEMAS = (
    "/openapi.json",
    "/api/openapi.json",
    "/api/v1/openapi.json",
    "/v1/openapi.json",
    "/docs/openapi.json",
    "/swagger.json",
)
# Where an application without a schema often answers: an MCP server, a health check.
USUAL = ("/mcp", "/sse", "/health", "/healthz", "/api", "/api/")
# Where a mounted application often is, beside what answers.
MOUNTS = ("/api", "/api/v1", "/v1", "/v2", "/admin")
DOCS = ("/docs", "/redoc", "/api/docs", "/swagger")
SCHEMA_URL = re.compile(r"""["']?\burl["']?\s*:\s*["']([^"']+)["']""")
SPEC_URL = re.compile(r"""spec-url\s*=\s*["']([^"']+)["']""")
ASGI_SOCKET_IO = r"\b(?:socketio|engineio)\.ASGIApp\("
MOUNTED = re.compile(r"""\.mount\(\s*["'](/[^"']*)["']""")
SOCKET_IO_CLIENT = re.compile(r"socket\.io[\w.-]{0,60}\.js\b")
SOCKET_IO_CALL = re.compile(r"\bio\(([^;]{0,300})")
SOCKET_IO_PATH = re.compile(r"""\bpath["']?\s*:\s*["'`](/[^"'`$]*)["'`]""")
EXAMPLES = {"integer": "1", "number": "1", "boolean": "true"}


def answers_(answer: Answer | None) -> bool:
    """Say whether an answer proves that its path exists."""
    return answer is not None and answer.status not in (400, 404) and answer.status < 500


class Discovery:
    """One look at an application, through the entrypoint that is nearest to it."""

    def __init__(self, target: "Target", name: EntrypointName):
        self.target, self.name = target, name
        self.found = Found(at=name)
        self.began = time.monotonic()
        self.seconds: list[float] = []  # until each answer began
        self.known: dict[str, Answer] = {}
        self.limited = ""

    def run(self) -> Found:
        for step in (
            self._schema,
            self._mode,
            self._mount,
            self._fallback,
            self._named_paths,
            self._crawl,
            self._mounted,
            self._slashes,
            self._sockets,
            self._socket_io,
            self._sessions,
        ):
            try:
                step()
            except (
                ValueError,
                TypeError,
                LookupError,
                AttributeError,
                RecursionError,
                AssertionError,
            ) as error:
                # Whatever shape somebody's schema or page has, the other steps go on, and it is said.
                self.found.notes.append(f"not all was looked at: {type(error).__name__}: {str(error)[:100]}")
        if self.seconds_left < 0:
            took = f"{self.slowest:.0f} s for an answer"
            self.found.notes.append(
                f"the application is slow ({took}): not all was looked at; --path names more"
            )
        if self.seconds and (usual := median(self.seconds)) >= SLOW_SECONDS:
            self.found.notes.append(
                f"an answer takes {usual:.0f} s, and a run sends some hundred requests: --only sends fewer"
            )
        if not self.found.present:
            self.found.notes.append("no path of the application, so little can be checked: --path names one")
        if self.limited:
            self.found.notes.append(f"not all was looked at: {self.limited}")
        return self.found

    @property
    def slowest(self) -> float:
        return max(self.seconds, default=0)

    @property
    def seconds_left(self) -> float:
        allowed = min(MAX_SECONDS, max(SECONDS, ANSWERS * self.slowest))
        return self.began + allowed - time.monotonic()

    def _named_paths(self) -> None:
        self._look([*self._paths(), *self._first_pages()])
        if not self.found.routes:
            self._look(USUAL)

    # requests

    def entrypoint(self) -> Entrypoint:
        return self.target.open(self.name, Expect())

    def get(self, path: str, whole: bool = False) -> Answer | None:
        """Return the answer to the application's `path`, or with `whole` to a path as it stands; None
        where there is none."""
        entrypoint = self.entrypoint()
        target = path if whole else entrypoint.path(path)
        if target in self.known:
            return replace(self.known[target], path=path)
        if self.seconds_left < 0:
            return None
        began = time.monotonic()
        try:
            with entrypoint.stream("GET", target) as response:
                self.seconds.append(time.monotonic() - began)
                answer = self.known[target] = self._answer(path, response)
                return answer
        except RateLimited as limited:
            self.limited = str(limited)
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError, UnicodeError, LookupError):
            pass
        return None

    def _get_all(self, paths: Iterable[str], whole: bool = False) -> list[Answer | None]:
        """Get several at once: what is slow is waited for together."""
        with ThreadPoolExecutor(WORKERS) as pool:
            return list(pool.map(lambda path: self.get(path, whole), paths))

    def _answer(self, path: str, response: httpx.Response) -> Answer:
        kind = exchange.kind(response.headers)
        body, whole = exchange.beginning(response) if exchange.is_text(kind) else (b"", True)
        text = body.decode("utf-8", "replace")
        shown = answers.urls(response.headers, text)
        return Answer(
            path=path,
            status=response.status_code,
            kind=kind,
            text=text,
            whole=whole,
            location=response.headers.get("location", ""),
            cookies=tuple(answers.cookies(response.headers)),
            addresses=tuple(url for url in shown if self.target.is_own(url, self.found)),
        )

    def _look(self, paths: Iterable[str]) -> None:
        """Get each path, several at once."""
        left = [path for path in dict.fromkeys(paths) if path not in self.found.answers]
        for path, answer in zip(left, self._get_all(left), strict=True):
            if answer:
                self.found.answers[path] = answer
                if answer.kind == STREAM and answer.status == 200 and path not in self.found.streams:
                    self.found.streams.append(path)

    # the schema

    def _schema(self) -> None:
        named = self.target.openapi
        if named and Path(named).is_file():
            self._take(json.loads(Path(named).read_text()), "")
            return
        # A file that is not there would be sent as a path; both are named in --openapi's one line.
        places = [named] if named else list(SCHEMAS)
        if any(self._take_at(prefix + places[0]) for prefix in self._prefixes()):
            return
        self._get_all([prefix + path for prefix in self._prefixes() for path in (*places, *DOCS)], whole=True)
        if named:
            self.found.notes.append(f"--openapi {named}: there is no OpenAPI schema")
        for prefix in self._prefixes():
            for path in places:
                if self._take_at(prefix + path):
                    return
        for prefix in self._prefixes():
            for page in DOCS:
                answer = self.get(prefix + page, whole=True)
                told = answer and (SCHEMA_URL.search(answer.text) or SPEC_URL.search(answer.text))
                if answer and told and answer.status == 200:
                    path = answers.parts(answers.resolved(prefix + page, told[1])).path
                    inside = path_in(path, self.target.prefix)
                    if self._take_at(path) or self._take_at(prefix + inside):
                        return

    def _prefixes(self) -> list[str]:
        """Return what may stand before a path of the application at the entrypoint that is looked at."""
        if self.name != "direct":
            return [self.target.prefix]
        if self.target.given_strip is not None:
            return ["" if self.target.given_strip else self.target.prefix]
        return list(dict.fromkeys(["", self.target.prefix]))

    def _take_at(self, path: str) -> bool:
        document = self._document(self.get(path, whole=True))
        return bool(document) and self._take(document, path)

    def _take(self, document: Any, path: str) -> bool:
        self.found.schema = schema_of(document)
        self.found.schema_path = path
        return True

    def _mode(self) -> None:
        """Whether the proxy strips the prefix, and whether the routes have it themselves."""
        prefix, found = self.target.prefix, self.found
        paths = list(found.schema.get("paths", {}))
        prefixed = [path for path in paths if path == prefix or path.startswith(f"{prefix}/")]
        strip = self.target.given_strip
        if strip is None:
            strip = not prefix or not self._left_in_place(prefixed, paths)
        if not strip and prefixed:
            found.in_code = True
            found.notes.append(f"the routes have the prefix {prefix} themselves, and the proxy leaves it")
        self.target.use(strip)
        if found.in_code:
            kept = {
                path[len(prefix) :] or "/": ways
                for path, ways in found.schema["paths"].items()
                if path in prefixed
            }
            found.schema = {**found.schema, "paths": kept}
        inside = found.schema_path
        if inside and (self.name != "direct" or not strip):
            inside = path_in(inside, prefix)
        found.schema_path = inside

    def _mount(self) -> None:
        """Find out whether the only schema is that of an application mounted where it is: then its paths
        begin there, and so does its server."""
        found = self.found
        below = found.schema_path.rpartition("/")[0]
        ways: dict[str, Any] = found.schema.get("paths", {})
        plain = [path for path in ways if "{" not in path and len(path) > 1 and "get" in mapping(ways[path])]
        if not below or not plain or safety.CAREFUL.search("".join(plain[:3])):
            return
        here, there = self._get_all(plain[:3]), self._get_all(below + path for path in plain[:3])
        if any(map(answers_, there)) and not any(map(answers_, here)):
            found.mount = below
            found.schema = {**found.schema, "paths": {below + path: one for path, one in ways.items()}}

    def _left_in_place(self, prefixed: list[str], paths: list[str]) -> bool:
        """Whether the public path is the one that the application has."""
        prefix = self.target.prefix
        if self.name == "direct":
            without, within = self._first_status("", paths), self._first_status(prefix, paths)
            if prefixed and len(prefixed) == len(paths):
                sample = next((path for path in prefixed if "{" not in path), "")
                answer = self.get(sample, whole=True) if sample else None
                public = self._public_status(sample) if sample else 404
                return bool(answer and answer.status != 404) and public != 404
            if within and not without:
                return True
            if within and without:  # both: root_path is set and not put before the path
                sample = next((path for path in ["/openapi.json", *paths] if "{" not in path), "/")
                return (
                    self._public_status(prefix + prefix + sample) == 404
                    and self._public_status(prefix + sample) != 404
                )
            return False
        sample = next((path for path in prefixed if "{" not in path), "")
        return bool(sample) and len(prefixed) * 2 > len(paths) and self._public_status(sample) != 404

    def _first_status(self, prefix: str, paths: list[str]) -> bool:
        sample = next((path for path in paths if "{" not in path and len(path) > 1), "")
        for path in dict.fromkeys([self.found.schema_path, sample, *self.target.answers, *DOCS[:2], "/"]):
            inside = path_in(path, self.target.prefix) if path else "/"
            if path != "/" and inside == "/":
                continue  # a path that is called like the prefix tells nothing
            with_prefix, without = self._get_all([self.target.prefix + inside, inside], whole=True)
            here, there = (with_prefix, without) if prefix else (without, with_prefix)
            if answers_(here) or answers_(there):
                return answers_(here)
        return False

    def _public_status(self, target: str) -> int:
        """Return the status of a path as it stands at the proxy; 404 where nothing answers."""
        for name in ("https", "http"):
            if name in self.target.addresses.keys() - self.target.dead.keys() - self.target.redirecting:
                try:
                    with self.target.open(name, Expect()).stream("GET", target) as response:
                        return response.status_code
                except httpx.HTTPError:
                    continue
        return 404

    # answers

    def _fallback(self) -> None:
        unknown = [f"/{uuid.uuid4().hex}/{uuid.uuid4().hex[:8]}" for _ in range(2)]
        texts = [one.text if one and one.status == 200 else "" for one in self._get_all(unknown)]
        if texts[0] and texts[0] == texts[1]:
            self.found.fallback = texts[0]
            self.found.one_answer = "<" not in texts[0][:200]
            self.found.notes.append("unknown paths are answered with one page and 200: it proves no path")

    def _paths(self, schema: dict[str, Any] | None = None, at: str = "") -> list[str]:
        """Return the GET paths of the schema, or of that of an application mounted `at`; those with
        parameters come filled."""
        plain: list[str] = []
        filled: list[str] = []
        for path, operations in (schema or self.found.schema).get("paths", {}).items():
            operation = operations.get("get") if isinstance(operations, dict) else None
            if not isinstance(operation, dict) or safety.CAREFUL.search(path):
                continue
            given = [one for one in operation.get("parameters", []) if isinstance(one, dict)]
            needed = [one for one in given if one.get("required") and one.get("in") != "path"]
            content = json.dumps(operation.get("responses", {}))
            if STREAM in content and "{" not in path and not needed:
                self.found.streams.append(at + path)
            if needed:
                continue
            if "{" not in path:
                plain.append(at + path)
            elif len(filled) < MAX_FILLED:
                filled.append(at + self._fill(path, given))
        return [*([] if at else self.target.answers), *plain[:MAX_ROUTES], *filled]

    def _fill(self, path: str, parameters: list[dict[str, Any]]) -> str:
        for one in parameters:
            schema = mapping(one.get("schema"))
            options = schema.get("enum") or schema.get("examples") or []
            value = one.get("example") or (
                options[0] if options else EXAMPLES.get(schema.get("type", ""), "x")
            )
            path = path.replace(f"{{{one.get('name')}}}", quote(str(value), safe=""))
        return re.sub(r"\{[^}]*\}", "x", path)

    def _first_pages(self) -> list[str]:
        pages = ["/", *DOCS]
        if self.found.schema_path:
            pages += [self.found.schema_path.rpartition("/")[0] + page for page in DOCS[:2]]
        return pages

    def _crawl(self) -> None:
        """Follow the links of pages, and read their scripts."""
        seen: set[str] = set()
        scripts: dict[str, str] = {}
        for _ in range(3):
            pages = [answer for answer in self.found.pages if answer.path not in seen][:MAX_PAGES]
            links: list[str] = []
            for answer in pages:
                seen.add(answer.path)
                if self._is_docs(answer):
                    continue
                page = answers.page_of(answer.text)
                here = f"{self.entrypoint().origin}{answer.path}"
                for link in page.links:
                    if path := self._safe_path(page.resolve(here, link)):
                        links.append(path)
                for asset in page.assets:
                    if (path := self.path_of(page.resolve(here, asset))) and re.search(r"\.m?js$", path):
                        scripts.setdefault(path, answer.path)
                self._scripts(answer.path, page.scripts)
                for url in answer.addresses:
                    if url.startswith(("ws://", "wss://")) and not safety.CAREFUL.search(url):
                        self.found.lost.setdefault(path_in(url, self.target.prefix), answer.path)
            left = MAX_PAGES - len(self.found.pages)
            if not links or left <= 0:
                break
            self._look(list(dict.fromkeys(links))[:left])
        for path, page_path in list(scripts.items())[:MAX_SCRIPTS]:
            if (script := self.get(path)) and script.status == 200:
                self._scripts(page_path, [script.text])

    def _mounted(self) -> None:
        """Look at the applications that are mounted below a first segment: each has a schema of its own,
        which the outer one does not list."""
        own = [path for path in self.found.schema.get("paths", {}) if len(path) > 1]
        listed = {path.split("/")[1] for path in own}
        answered = [one for one in self.found.answers.values() if answers_(one)]
        shown = [path_in(url, self.target.prefix) for one in answered for url in one.addresses[:MAX_PAGES]]
        seen = [path.split("/")[1] for path in [*(one.path for one in answered), *shown]]
        source = self.target.source.lines(MOUNTED.pattern) if self.target.source else []
        told = [found[1].rstrip("/") for line in source if (found := MOUNTED.search(line))]
        # A name with a dot is a file; what the documentation pages are called is no application.
        below = [f"/{name}" for name in seen if name and "." not in name and f"/{name}" not in DOCS]
        places = [place for place in (*told, *below, *MOUNTS) if place and place.split("/")[1] not in listed]
        places = list(dict.fromkeys(places))[: MAX_MOUNTS + len(MOUNTS)]
        got = self._get_all(f"{place}/openapi.json" for place in places)
        for place, answer in zip(places, got, strict=True):
            document = self._document(answer)
            if document and f"{place}/openapi.json" != self.found.schema_path:
                self.found.mounts.append(place)
                self._look(self._paths(document, place))

    @staticmethod
    def _document(answer: Answer | None) -> dict[str, Any]:
        """Return the schema that an answer is; empty where it is none."""
        try:
            return schema_of(json.loads(answer.text)) if answer and answer.status == 200 else {}
        except ValueError:
            return {}

    def _is_docs(self, answer: Answer) -> bool:
        kind = "swagger" if "SwaggerUIBundle" in answer.text else "redoc" if "<redoc" in answer.text else ""
        told = {"swagger": SCHEMA_URL, "redoc": SPEC_URL}[kind].search(answer.text) if kind else None
        if kind and all(one.path != answer.path for one in self.found.docs):
            self.found.docs.append(Docs(answer.path, kind, told[1] if told else ""))
        return bool(kind)

    def _scripts(self, page: str, texts: list[str]) -> None:
        here = f"{self.entrypoint().origin}{page}"
        for literal in answers.sockets(texts):
            if path := self._safe_path(re.sub("^ws", "http", answers.resolved(here, literal))):
                self.found.lost.setdefault(path, page)
        streams = [self._safe_path(answers.resolved(here, literal)) for literal in answers.streams(texts)]
        self._look([path for path in streams if path][:MAX_STREAMS])

    def _safe_path(self, url: str) -> str:
        """As `path_of`; empty too where a request might change something."""
        path = self.path_of(url)
        return "" if safety.CAREFUL.search(path) else path

    def path_of(self, url: str) -> str:
        """Return the application's path of an address; empty where that leads elsewhere."""
        parts = answers.parts(url)
        if parts.scheme not in ("http", "https") or not self.target.is_own(url, self.found):
            return ""
        return path_in(url, self.target.prefix)

    def _slashes(self) -> None:
        plain = [path for path in self.found.routes if path != "/" and "?" not in path][:MAX_SLASHES]
        others = {path.rstrip("/") if path.endswith("/") else f"{path}/": path for path in plain}
        for other, answer in zip(others, self._get_all(others), strict=True):
            if answer and answer.status in answers.REDIRECTS and answer.location:
                # However the proxy or a wrong root path garble it, it ends like the path.
                to = re.sub("/+", "/", answers.parts(answer.location).path)
                if to.endswith(others[other]) or to.rstrip("/").endswith(others[other].rstrip("/")):
                    self.found.redirects.append(Redirect(other, others[other]))
                    self.found.answers.setdefault(other, answer)

    def _sockets(self) -> None:
        for path in self.target.websockets:
            self.found.sockets.append(path)
            self.found.lost.pop(path, None)
        for path in list(self.found.lost)[:3]:
            try:
                with self.entrypoint().ws(path):
                    self.found.sockets.append(path)
                    del self.found.lost[path]
            except (Unexpected, OSError, EOFError, RuntimeError, ValueError):
                continue

    def _socket_io(self) -> None:
        """Where a Socket.IO server answers; where it was said, or its source or a page tells, that there is
        one, where it may."""
        named = [path.partition("?")[0] for path in self.target.websockets if "socket.io" in path]
        source = self.target.source.lines(ASGI_SOCKET_IO) if self.target.source else []
        mounts = [found[1] for line in source if (found := MOUNTED.search(line))]
        told = [path for answer in self.found.pages for path in self._client_paths(answer)]
        paths = [
            *named,
            *told,
            sessions.SOCKET_IO,
            *(f"{one.rstrip('/')}{sessions.SOCKET_IO}" for one in mounts),
        ]
        paths = list(dict.fromkeys(paths))
        got = zip(paths, self._get_all(path + sessions.OPEN for path in paths), strict=True)
        opened = [path for path, answer in got if answer and sessions.opened_in(answer.text)]
        self.found.socket_io = opened or (paths if named or source or told else [])

    def _client_paths(self, answer: Answer) -> list[str]:
        """Return the path at which a page's script looks for Socket.IO, where it has the client."""
        client = SOCKET_IO_CLIENT.search(answer.text)
        called = SOCKET_IO_CALL.search(answer.text, client.end()) if client else None
        given = SOCKET_IO_PATH.search(called[1]) if called else None
        if not called or "://" in called[1] or ("path" in called[1] and not given):
            return []
        path = path_in(given[1], self.target.prefix) if given else sessions.SOCKET_IO
        return [f"{path.rstrip('/')}/"]

    def _sessions(self) -> None:
        """Note the sessions that not every process knows, whichever process the proxy chooses."""
        public = next((name for name in PUBLIC[::-1] if name in self.target.addresses), self.name)
        entrypoint, path = self.target.open(public, Expect()), next(iter(self.found.socket_io), "")
        try:
            self.found.notes += sessions.lost(entrypoint, self.target.unsafe, path)
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError, OSError):
            return  # that something answers is for the checks to say
