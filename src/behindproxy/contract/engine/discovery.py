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
from .inventory import Answer, Docs, Inventory, Redirect, mapping, path_in, schema_of

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
SLOW_SECONDS = 1  # for a response
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
# behindproxy_serve's, of an application that has neither path: it answers so where nothing else does.
HEALTH = {"/healthz": '{"status":"ok"}', "/readyz": '{"status":"ready"}'}
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
    """Say whether a response proves that its path exists."""
    return answer is not None and answer.status not in (400, 404) and answer.status < 500


class Discovery:
    """One look at an application, through the entrypoint that is nearest to it."""

    def __init__(self, target: "Target", name: EntrypointName):
        self.target, self.name = target, name
        self.inventory = Inventory(at=name)
        self.began = time.monotonic()
        self.seconds: list[float] = []  # until each response began
        self.answer_by_target: dict[str, Answer] = {}
        self.limited = ""

    def run(self) -> Inventory:
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
                self.inventory.notes.append(
                    f"not all was looked at: {type(error).__name__}: {str(error)[:100]}"
                )
        if self.seconds_left < 0:
            took = f"{self.slowest:.0f} s for a response"
            self.inventory.notes.append(
                f"the application is slow ({took}): not all was looked at; --path names more"
            )
        if self.seconds and (usual := median(self.seconds)) >= SLOW_SECONDS:
            self.inventory.notes.append(
                f"a response takes {usual:.0f} s, and a run sends some hundred requests: --only sends fewer"
            )
        if not self.inventory.present:
            self.inventory.notes.append(
                "no path of the application, so little can be checked: --path names one"
            )
        if self.limited:
            self.inventory.notes.append(f"not all was looked at: {self.limited}")
        return self.inventory

    @property
    def slowest(self) -> float:
        return max(self.seconds, default=0)

    @property
    def seconds_left(self) -> float:
        allowed = min(MAX_SECONDS, max(SECONDS, ANSWERS * self.slowest))
        return self.began + allowed - time.monotonic()

    def _named_paths(self) -> None:
        self._look([*self._paths(), *self._first_pages()])
        if not self.inventory.routes:
            stand_ins = self._get_all(HEALTH)
            is_ours = [one.text if one else "" for one in stand_ins] == [*HEALTH.values()]
            self._look(path for path in USUAL if not (is_ours and path in HEALTH))

    # requests

    def entrypoint(self) -> Entrypoint:
        return self.target.open(self.name, Expect())

    def get(self, path: str, whole: bool = False) -> Answer | None:
        """Return the response to the application's `path`, or with `whole` to a path as it stands; None
        where there is none."""
        entrypoint = self.entrypoint()
        target = path if whole else entrypoint.path(path)
        if target in self.answer_by_target:
            return replace(self.answer_by_target[target], path=path)
        if self.seconds_left < 0:
            return None
        began = time.monotonic()
        try:
            with entrypoint.stream("GET", target) as response:
                self.seconds.append(time.monotonic() - began)
                answer = self.answer_by_target[target] = self._answer(path, response)
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
        addresses = answers.urls(response.headers, text)
        return Answer(
            path=path,
            status=response.status_code,
            kind=kind,
            text=text,
            whole=whole,
            location=response.headers.get("location", ""),
            cookies=tuple(answers.cookies(response.headers)),
            addresses=tuple(url for url in addresses if self.target.is_own(url, self.inventory)),
        )

    def _look(self, paths: Iterable[str]) -> None:
        """Get each path, several at once."""
        rest = [path for path in dict.fromkeys(paths) if path not in self.inventory.answers]
        for path, answer in zip(rest, self._get_all(rest), strict=True):
            if answer:
                self.inventory.answers[path] = answer
                if answer.kind == STREAM and answer.status == 200 and path not in self.inventory.streams:
                    self.inventory.streams.append(path)

    # the schema

    def _schema(self) -> None:
        option = self.target.openapi
        if option and Path(option).is_file():
            self._take(json.loads(Path(option).read_text()), "")
            return
        # A file that is not there would be sent as a path; both are named in --openapi's one line.
        places = [option] if option else list(SCHEMAS)
        if any(self._take_at(prefix + places[0]) for prefix in self._prefixes()):
            return
        self._get_all([prefix + path for prefix in self._prefixes() for path in (*places, *DOCS)], whole=True)
        if option:
            self.inventory.notes.append(f"--openapi {option}: there is no OpenAPI schema")
        for prefix in self._prefixes():
            for path in places:
                if self._take_at(prefix + path):
                    return
        for prefix in self._prefixes():
            for page in DOCS:
                answer = self.get(prefix + page, whole=True)
                match = answer and (SCHEMA_URL.search(answer.text) or SPEC_URL.search(answer.text))
                if answer and match and answer.status == 200:
                    path = answers.parts(answers.resolved(prefix + page, match[1])).path
                    inside = path_in(path, self.target.prefix)
                    if self._take_at(path) or self._take_at(prefix + inside):
                        return

    def _prefixes(self) -> list[str]:
        """Return what may stand before a path of the application on the entrypoint that is looked at."""
        if self.name != "direct":
            return [self.target.prefix]
        if self.target.given_strip is not None:
            return ["" if self.target.given_strip else self.target.prefix]
        return list(dict.fromkeys(["", self.target.prefix]))

    def _take_at(self, path: str) -> bool:
        document = self._document(self.get(path, whole=True))
        return bool(document) and self._take(document, path)

    def _take(self, document: Any, path: str) -> bool:
        self.inventory.schema = schema_of(document)
        self.inventory.schema_path = path
        return True

    def _mode(self) -> None:
        """Whether the proxy strips the prefix, and whether the routes have it themselves."""
        prefix, inventory = self.target.prefix, self.inventory
        paths = list(inventory.schema.get("paths", {}))
        prefixed = [path for path in paths if path == prefix or path.startswith(f"{prefix}/")]
        strip = self.target.given_strip
        if strip is None:
            strip = not prefix or not self._left_in_place(prefixed, paths)
        if not strip and prefixed:
            inventory.in_code = True
            inventory.notes.append(f"the routes have the prefix {prefix} themselves, and the proxy leaves it")
        self.target.use(strip)
        if inventory.in_code:
            routes = {
                path[len(prefix) :] or "/": ways
                for path, ways in inventory.schema["paths"].items()
                if path in prefixed
            }
            inventory.schema = {**inventory.schema, "paths": routes}
        inside = inventory.schema_path
        if inventory.in_code and inside and not inside.startswith(f"{prefix}/"):
            inventory.notes.append(f"the schema is at {inside} of the server, and not under the prefix")
            inside = ""
        if inside and (self.name != "direct" or not strip):
            inside = path_in(inside, prefix)
        inventory.schema_path = inside

    def _mount(self) -> None:
        """Find out whether the only schema is that of an application mounted where it is: then its paths
        begin there, and so does its server."""
        inventory = self.inventory
        below = inventory.schema_path.rpartition("/")[0]
        ways: dict[str, Any] = inventory.schema.get("paths", {})
        plain = [path for path in ways if "{" not in path and len(path) > 1 and "get" in mapping(ways[path])]
        if not below or not plain or safety.CAREFUL.search("".join(plain[:3])):
            return
        here, there = self._get_all(plain[:3]), self._get_all(below + path for path in plain[:3])
        if any(map(answers_, there)) and not any(map(answers_, here)):
            inventory.mount = below
            inventory.schema = {
                **inventory.schema,
                "paths": {below + path: one for path, one in ways.items()},
            }

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
        for path in dict.fromkeys([self.inventory.schema_path, sample, *self.target.answers, *DOCS[:2], "/"]):
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
            self.inventory.fallback = texts[0]
            self.inventory.one_answer = "<" not in texts[0][:200]
            self.inventory.notes.append("unknown paths are answered with one page and 200: it proves no path")

    def _paths(self, schema: dict[str, Any] | None = None, at: str = "") -> list[str]:
        """Return the GET paths of the schema, or of that of an application mounted `at`; those with
        parameters come filled."""
        plain: list[str] = []
        filled: list[str] = []
        for path, operations in (schema or self.inventory.schema).get("paths", {}).items():
            operation = operations.get("get") if isinstance(operations, dict) else None
            if not isinstance(operation, dict) or safety.CAREFUL.search(path):
                continue
            parameters = [one for one in operation.get("parameters", []) if isinstance(one, dict)]
            required = [one for one in parameters if one.get("required") and one.get("in") != "path"]
            content = json.dumps(operation.get("responses", {}))
            if STREAM in content and "{" not in path and not required:
                self.inventory.streams.append(at + path)
            if required:
                continue
            if "{" not in path:
                plain.append(at + path)
            elif len(filled) < MAX_FILLED:
                filled.append(at + self._fill(path, parameters))
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
        if self.inventory.schema_path:
            pages += [self.inventory.schema_path.rpartition("/")[0] + page for page in DOCS[:2]]
        return pages

    def _crawl(self) -> None:
        """Follow the links of pages, and read their scripts."""
        visits: set[str] = set()
        scripts: dict[str, str] = {}
        for _ in range(3):
            pages = [answer for answer in self.inventory.pages if answer.path not in visits][:MAX_PAGES]
            links = self._redirected()
            for answer in pages:
                visits.add(answer.path)
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
                        self.inventory.socket_pages.setdefault(path_in(url, self.target.prefix), answer.path)
            remaining = MAX_PAGES - len(self.inventory.pages)
            if not links or remaining <= 0:
                break
            self._look(list(dict.fromkeys(links))[:remaining])
        for path, page_path in list(scripts.items())[:MAX_SCRIPTS]:
            if (script := self.get(path)) and script.status == 200:
                self._scripts(page_path, [script.text])

    def _redirected(self) -> list[str]:
        """Return where redirects lead: a link to what needs a sign-in has its page only there."""
        here = self.entrypoint().origin
        redirects = [one for one in self.inventory.answers.values() if one.status in answers.REDIRECTS]
        urls = [
            answers.resolved(f"{here}{self.entrypoint().path(one.path)}", one.location) for one in redirects
        ]
        paths = [self._safe_path(url) for url in urls]
        return [path for path in paths if path and path not in self.inventory.answers]

    def _mounted(self) -> None:
        """Look at the applications that are mounted below a first segment: each has a schema of its own,
        which the outer one does not list."""
        own = [path for path in self.inventory.schema.get("paths", {}) if len(path) > 1]
        segments = {path.split("/")[1] for path in own}
        answered = [one for one in self.inventory.answers.values() if answers_(one)]
        addresses = [
            path_in(url, self.target.prefix) for one in answered for url in one.addresses[:MAX_PAGES]
        ]
        names = [path.split("/")[1] for path in [*(one.path for one in answered), *addresses]]
        source = self.target.source.lines(MOUNTED.pattern) if self.target.source else []
        mounts = [match[1].rstrip("/") for line in source if (match := MOUNTED.search(line))]
        # A name with a dot is a file; what the documentation pages are called is no application.
        below = [f"/{name}" for name in names if name and "." not in name and f"/{name}" not in DOCS]
        places = [
            place for place in (*mounts, *below, *MOUNTS) if place and place.split("/")[1] not in segments
        ]
        places = list(dict.fromkeys(places))[: MAX_MOUNTS + len(MOUNTS)]
        responses = self._get_all(f"{place}/openapi.json" for place in places)
        for place, answer in zip(places, responses, strict=True):
            document = self._document(answer)
            if document and f"{place}/openapi.json" != self.inventory.schema_path:
                self.inventory.mounts.append(place)
                self._look(self._paths(document, place))

    @staticmethod
    def _document(answer: Answer | None) -> dict[str, Any]:
        """Return the schema that a response is; empty where it is none."""
        try:
            return schema_of(json.loads(answer.text)) if answer and answer.status == 200 else {}
        except ValueError:
            return {}

    def _is_docs(self, answer: Answer) -> bool:
        kind = "swagger" if "SwaggerUIBundle" in answer.text else "redoc" if "<redoc" in answer.text else ""
        match = {"swagger": SCHEMA_URL, "redoc": SPEC_URL}[kind].search(answer.text) if kind else None
        if kind and all(one.path != answer.path for one in self.inventory.docs):
            self.inventory.docs.append(Docs(answer.path, kind, match[1] if match else ""))
        return bool(kind)

    def _scripts(self, page: str, texts: list[str]) -> None:
        here = f"{self.entrypoint().origin}{page}"
        for literal in answers.sockets(texts):
            if path := self._safe_path(re.sub("^ws", "http", answers.resolved(here, literal))):
                self.inventory.socket_pages.setdefault(path, page)
        streams = [self._safe_path(answers.resolved(here, literal)) for literal in answers.streams(texts)]
        self._look([path for path in streams if path][:MAX_STREAMS])

    def _safe_path(self, url: str) -> str:
        """As `path_of`; empty too where a request might change something."""
        path = self.path_of(url)
        return "" if safety.CAREFUL.search(path) else path

    def path_of(self, url: str) -> str:
        """Return the application's path of an address; empty where that leads elsewhere."""
        parts = answers.parts(url)
        if parts.scheme not in ("http", "https") or not self.target.is_own(url, self.inventory):
            return ""
        return path_in(url, self.target.prefix)

    def _slashes(self) -> None:
        plain = [path for path in self.inventory.routes if path != "/" and "?" not in path][:MAX_SLASHES]
        others = {path.rstrip("/") if path.endswith("/") else f"{path}/": path for path in plain}
        for other, answer in zip(others, self._get_all(others), strict=True):
            if answer and answer.status in answers.REDIRECTS and answer.location:
                # However the proxy or a wrong root path garble it, it ends like the path.
                to = re.sub("/+", "/", answers.parts(answer.location).path)
                if to.endswith(others[other]) or to.rstrip("/").endswith(others[other].rstrip("/")):
                    self.inventory.redirects.append(Redirect(other, others[other]))
                    self.inventory.answers.setdefault(other, answer)

    def _sockets(self) -> None:
        for path in self.target.websockets:
            self.inventory.sockets.append(path)
            self.inventory.socket_pages.pop(path, None)
        for path in list(self.inventory.socket_pages)[:3]:
            try:
                with self.entrypoint().ws(path):
                    self.inventory.sockets.append(path)
                    del self.inventory.socket_pages[path]
            except (Unexpected, OSError, EOFError, RuntimeError, ValueError):
                continue

    def _socket_io(self) -> None:
        """Where a Socket.IO server answers; where it was said, or its source or a page tells, that there is
        one, where it may."""
        options = [path.partition("?")[0] for path in self.target.websockets if "socket.io" in path]
        source = self.target.source.lines(ASGI_SOCKET_IO) if self.target.source else []
        mounts = [match[1] for line in source if (match := MOUNTED.search(line))]
        client_paths = [path for answer in self.inventory.pages for path in self._client_paths(answer)]
        paths = [
            *options,
            *client_paths,
            sessions.SOCKET_IO,
            *(f"{one.rstrip('/')}{sessions.SOCKET_IO}" for one in mounts),
        ]
        paths = list(dict.fromkeys(paths))
        responses = zip(paths, self._get_all(path + sessions.OPEN for path in paths), strict=True)
        servers = [path for path, answer in responses if answer and sessions.opened_in(answer.text)]
        self.inventory.socket_io = servers or (paths if options or source or client_paths else [])

    def _client_paths(self, answer: Answer) -> list[str]:
        """Return the path at which a page's script looks for Socket.IO, where it has the client."""
        client = SOCKET_IO_CLIENT.search(answer.text)
        call = SOCKET_IO_CALL.search(answer.text, client.end()) if client else None
        path_option = SOCKET_IO_PATH.search(call[1]) if call else None
        if not call or "://" in call[1] or ("path" in call[1] and not path_option):
            return []
        path = path_in(path_option[1], self.target.prefix) if path_option else sessions.SOCKET_IO
        return [f"{path.rstrip('/')}/"]

    def _sessions(self) -> None:
        """Note the sessions that not every process knows, whichever process the proxy chooses."""
        public = next((name for name in PUBLIC[::-1] if name in self.target.addresses), self.name)
        entrypoint, path = self.target.open(public, Expect()), next(iter(self.inventory.socket_io), "")
        try:
            self.inventory.notes += sessions.lost(entrypoint, self.target.unsafe, path)
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError, OSError):
            return  # that something answers is for the checks to say
