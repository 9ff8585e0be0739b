"""The deployment under test: its entrypoints, and what it offers beyond the contract's minimum."""

import math
import socket
import ssl
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import ip_address, ip_network
from typing import TypedDict, Unpack
from urllib.parse import urlsplit

import httpx

from ..advice.places import Places
from ..advice.source import Source
from . import deadline, exchange, safety
from .check import Check, EntrypointName, Place
from .detection import proxy_of, server_of
from .discovery import Discovery
from .entrypoint import DEFAULT_PORTS, OTHER_LOOPBACK, TIMEOUT_SECONDS, Address, Entrypoint, Look, RateLimited
from .expect import Expect
from .inventory import Answer, Docs, Inventory, Redirect, path_in
from .seen import Seen

# Paths that tell what somebody else's deployment has. Ours must have all of them.
DEMO = {
    "app": "/app",
    "items": "/items/",
    "noslash": "/noslash",
    "sub": "/sub/app",
    "static": "/static/hello.txt",
    "stream": "/stream",
    "openapi": "/openapi.json",
    "docs": "/docs",
    "redoc": "/redoc",
}
MODES = {
    "strip": "the proxy leaves the prefix in the path (STRIP_PREFIX=false)",
    "unstripped": "the proxy strips the prefix",
}


# What an http entrypoint still promises that leads to https.
AT_REDIRECTING = ("redirect.to_https", "exposure.no_versions")


class Unreachable(Exception):
    """Nothing can be checked; its text is the one line that is printed."""


class Addresses(TypedDict):
    http_url: str
    https_url: str
    direct_url: str


class ClientOptions(TypedDict, total=False):
    transport: httpx.HTTPTransport
    verify: ssl.SSLContext
    limits: httpx.Limits
    headers: Mapping[str, str]
    http1: bool
    http2: bool


@dataclass
class Target:
    http_url: str
    https_url: str
    direct_url: str
    runtime: str
    server: str
    given_strip: bool | None  # None: to be found out
    fast: bool
    unsafe: bool
    probe: str
    application: str
    ca_file: str
    root_path_in_servers: bool
    extra_servers: list[str] | None
    trusted_proxies: list[str]
    versions: dict[str, str]
    max_seconds: int = 0  # of the whole run; 0: without an end
    places: Places = Places()
    identity_headers: list[str] = field(default_factory=list)
    docs: str = "public"
    forward_prefix: bool | None = None  # None: it may be there
    answers: list[str] = field(default_factory=list)
    openapi: str = ""
    websockets: list[str] = field(default_factory=list)
    streams: list[str] = field(default_factory=list)
    proxy: str = ""
    max_body_bytes: int = 10485760
    websocket_max_bytes: int = 1048576
    encoded_characters: frozenset[str] = frozenset()  # those that our proxy lets through in a path
    protected: str = ""
    protected_user: str = ""
    source: Source | None = None
    logs_command: list[str] = field(default_factory=list)
    addresses: dict[EntrypointName, Address] = field(default_factory=dict)
    lacks: dict[str, str] = field(default_factory=dict)
    demo: bool = False
    marked: set[EntrypointName] = field(default_factory=set)
    dead: dict[EntrypointName, str] = field(default_factory=dict)
    closed: dict[EntrypointName, str] = field(default_factory=dict)  # direct, where it wants another Host
    redirecting: set[EntrypointName] = field(default_factory=set)  # http, where it leads to https
    inventory: Inventory = field(default_factory=Inventory)
    strip: bool = True
    began: float = field(default_factory=time.monotonic)
    looks: dict[tuple[EntrypointName, str], Look] = field(default_factory=dict)
    outside: defaultdict[EntrypointName, set[str]] = field(default_factory=lambda: defaultdict(set))
    answering: set[EntrypointName] = field(default_factory=set)
    silent: bool = False  # whether a WebSocket's handshake had no response
    request_counts: Counter[tuple[EntrypointName, str]] = field(default_factory=Counter)  # requests, by path
    _other: httpx.Client | None = None

    def __post_init__(self) -> None:
        if self.http_url.startswith("https:"):
            self.http_url, self.https_url = "", self.http_url
        every: dict[EntrypointName, str] = {
            "http": self.http_url,
            "https": self.https_url,
            "direct": self.direct_url,
        }
        urls = {name: url.rstrip("/") for name, url in every.items() if url}
        if not urls.keys() - {"direct"}:
            raise Unreachable(
                "no public address is named: --url with the prefix, for example --url "
                "https://api.example.com/shop"
            )
        prefixes = {urlsplit(url).path for name, url in urls.items() if name != "direct"}
        if len(prefixes) != 1:
            raise Unreachable(f"the http and the https address must share one prefix, not {sorted(prefixes)}")
        self.prefix = prefixes.pop()
        self.urls = urls
        self.use(self.given_strip is not False)
        try:
            self.context = ssl.create_default_context(cafile=self.ca_file or None)
        except OSError as error:
            raise Unreachable(f"--ca {self.ca_file} cannot be read: {error.strerror or error}") from None
        # Idle connections are dropped long before any server drops them: no race for the last one.
        self.client = self.new_client(
            verify=self.context, limits=httpx.Limits(keepalive_expiry=1), headers={"User-Agent": "contract"}
        )

    def use(self, strip: bool) -> None:
        """Take the entrypoints' addresses for a proxy that strips the prefix, or leaves it."""
        self.strip = strip
        for name, url in self.urls.items():
            # Without stripping, the server gets the same path as the proxy.
            entered_at = "" if name == "direct" and strip else self.prefix
            self.addresses[name] = Address.parse(name, url, self.prefix, entered_at)

    def new_client(self, **options: Unpack[ClientOptions]) -> httpx.Client:
        """Return a client that refuses what a third-party application must not get."""
        client = httpx.Client(
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
            # No response changes the next request.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            event_hooks={"request": [self._permit_request], "response": [exchange.bound]},
            **options,
        )
        client.headers["Accept-Encoding"] = exchange.ENCODINGS  # whatever packages could unpack more
        end = self.began + self.max_seconds if self.max_seconds else math.inf
        return deadline.bound(client, end)

    def _permit_request(self, request: httpx.Request) -> None:
        url = request.url
        place = url.scheme, url.host, url.port or DEFAULT_PORTS[url.scheme]
        names = {one.name for one in self.addresses.values() if (one.scheme, one.host, one.port) == place}
        headers = exchange.decoded(request.headers.raw)
        self.permit(names, safety.harm(request.method, url.raw_path.decode("ascii"), headers))
        for name in names:
            self.count(name, url.raw_path.decode("ascii"))

    def count(self, name: EntrypointName, target: str) -> None:
        self.request_counts[name, target.partition("?")[0]] += 1

    def permit(self, names: set[EntrypointName], harm: str) -> None:
        """Raise Refused unless the demonstration answers on each of these entrypoints, and OutOfTime."""
        self.refuse_late()
        if harm and (not names or any(map(self.restricted, names))):
            raise safety.Refused(f"not sent, {harm}: {safety.REASON}")

    def restricted(self, name: EntrypointName) -> bool:
        """Whether what answers there gets safe requests only."""
        return not (self.unsafe or name in self.marked)

    def refuse_late(self) -> None:
        """Raise OutOfTime where the run has taken as long as it may."""
        if self.max_seconds and time.monotonic() - self.began > self.max_seconds:
            raise deadline.OutOfTime(f"{deadline.NOT_CHECKED}the run took its {self.max_seconds} s before")

    @property
    def ours(self) -> bool:
        return self.runtime != "remote"

    def open(self, name: EntrypointName, expect: Expect) -> Entrypoint:
        return Entrypoint(self, self.addresses[name], expect)

    def connect(self) -> None:
        """Check each entrypoint once. A stack that is down is one line, not a hundred traces; an entrypoint
        that does not answer is an error of each of its checks, at once and without another wait."""
        refusing: dict[EntrypointName, int] = {}
        silent: set[EntrypointName] = set()
        for name, address in list(self.addresses.items()):
            answers: list[httpx.Response] = []
            try:
                for path in ("/", "/docs"):
                    answers.append(self.open(name, Expect()).get(path))
            except RateLimited as limited:
                if not answers:
                    self.closed[name] = str(limited)
                    continue
            except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
                self.refuse_late()
                if "[SSL" not in str(error):  # the checks on this entrypoint say so otherwise
                    self.dead[name] = f"{silence(error)} at {address.url} ({error})"
                    silent.add(name)
                continue
            if name == "direct" and not self.ours and (reason := self._closed(answers)):
                self.closed[name] = reason
                continue
            # The proxy's own words for a server that it cannot reach, after all its attempts.
            if min(answer.status_code for answer in answers) >= 500:
                self.dead[name] = f"{address.url} answers {answers[0].status_code} to everything"
            elif any(safety.is_marked(answer.headers) for answer in answers):
                self.marked.add(name)
            if name != "direct" and all(answer.status_code in (401, 403) for answer in answers):
                refusing[name] = answers[0].status_code
            if name == "http" and all(self._leads_to_https(answer) for answer in answers):
                self._redirects(answers[0].headers.get("location", ""))
        if self.has_direct and not self.ours and self._open_at_the_server():
            for name, status in refusing.items():
                self.closed[name] = (
                    f"the proxy answers {status} to everything itself: nothing behind it was tested"
                )
        if silent == self.addresses.keys():
            url = next(iter(self.addresses.values())).url
            raise Unreachable(
                self.places.named(f"the stack is not running at {url}: make up")
                if self.ours
                else "; ".join(self.dead.values())
            )
        self.discover()

    def discover(self) -> None:
        if self.runtime != "docker":
            self.lacks["docker"] = "no containers of this project (RUNTIME is not docker)"
        if not self.ours:
            self.lacks["ours"] = "it is about limits, ids and headers of this repository's own deployment"
        if self.fast:
            self.lacks["full"] = "left out by --fast (FAST=1)"
        if not self.prefix:
            self.lacks["prefix"] = "the deployment has no prefix"
        if not self.protected:
            self.lacks["protected"] = "no protected route named (--protected names one)"
        if not self.logs_command:
            self.lacks["logs"] = "the logs of this deployment cannot be read from here"
        # Where it is said to be there, a lost one is wrong, not absent.
        self._find_probe()
        self._find_place()
        # The schema would tell: where it is hidden, only who started the stack knows.
        hides_docs = self.application == "demo" and self.docs != "public"
        if self.application == "other" or not hides_docs and any(map(self._is_somebody_s, self.marked)):
            self.marked.clear()
        self.demo = self.application == "demo" or bool(self.marked)
        if self.demo:
            self.use(self.given_strip is not False)
            self.inventory = demonstration()
        elif reference := self.reference:
            self.inventory = Discovery(self, reference).run()
            self._find_probe()  # where nothing is stripped it may be elsewhere
        mode = "unstripped" if self.strip else "strip"
        self.lacks[mode] = MODES[mode]
        if self.inventory.in_code:
            self.lacks["root path"] = "the routes have the prefix themselves: there is no root path"
        if not self.root_path_in_servers:
            self.lacks["listed"] = "the prefix is no server (ROOT_PATH_IN_SERVERS=false)"
        else:
            self.lacks["unlisted"] = "the prefix is a server (ROOT_PATH_IN_SERVERS=true)"
        if not self.extra_servers:
            self.lacks["extra servers"] = "no further servers (STAGING_URL, PRODUCTION_URL)"
        if self.docs == "public":
            self.lacks["hidden docs"] = "the documentation is public (DOCS=public)"
        if self.streams:
            self.inventory.streams = list(self.streams)
        self._find_subjects()
        self.proxy = self.proxy or proxy_of(self)
        self.server = self.server or server_of(self)
        if self.demo:
            return
        self.lacks["demo"] = "the application is not the demonstration"
        for name, sign in {"app": "root_path", "sub": "root_path", "static": "Hello"}.items():
            text = self._text(DEMO[name])
            # A page application answers any path with its page, whose settings may be called like the sign.
            if sign not in text or text.lstrip().startswith("<"):
                self.lacks[name] = f"the application has no {DEMO[name]} like the demonstration's"
        self.lacks["ws"] = f"{self.lacks['demo']}: no /ws"

    @property
    def reference(self) -> EntrypointName | None:
        """The live entrypoint that is nearest to the application: it says what exists."""
        live = self.addresses.keys() - self.dead.keys() - self.redirecting - self.closed.keys()
        order: tuple[EntrypointName, ...] = ("direct", "https", "http")
        return next((name for name in order if name in live), None)

    @property
    def has_direct(self) -> bool:
        """Whether the server itself can be compared with."""
        return "direct" in self.addresses.keys() - self.dead.keys() - self.closed.keys()

    def _find_probe(self) -> None:
        if self.probe == "off" or not (self.probe == "on" or '"raw_path"' in self._text("/_probe/x")):
            self.lacks["probe"] = "no probe at /_probe/ (PROBE=1 turns it on)"

    def _find_subjects(self) -> None:
        """Which kinds of subject the application has none of."""
        inventory = self.inventory
        subjects = {
            "openapi": (
                bool(inventory.schema_path),
                "the schema is not served under the prefix"
                if inventory.schema
                else "no OpenAPI schema was found (--openapi names it)",
            ),
            "docs": (any(one.kind == "swagger" for one in inventory.docs), "no documentation page was found"),
            "redoc": (any(one.kind == "redoc" for one in inventory.docs), "no ReDoc page was found"),
            "route": (bool(inventory.route), "no path was found that answers 200 (--path names one)"),
            "redirect": (
                bool(inventory.redirects),
                "no path was found that redirects to its slash, or from it",
            ),
            "address": (bool(inventory.showing), "no response was found that shows an absolute URL"),
            "page": (bool(inventory.pages), "no page was found"),
            "stream": (bool(inventory.streams), "no event stream was found (--stream names one)"),
            "socket": (
                bool(inventory.sockets or inventory.socket_pages),
                "no WebSocket was found (--websocket names one)",
            ),
            "socket.io": (bool(inventory.socket_io), "nothing was found that tells of Socket.IO"),
            "cookie": (bool(inventory.cookies), "no response to GET sets a cookie"),
        }
        self.lacks.update({name: reason for name, (there, reason) in subjects.items() if not there})
        if self.docs != "public":
            self.lacks.update(dict.fromkeys(("openapi", "docs", "redoc"), f"it is hidden (DOCS={self.docs})"))

    def _open_at_the_server(self) -> bool:
        """Whether the server itself demands no credentials."""
        try:
            answers = [self.open("direct", Expect()).get(path) for path in ("/", "/docs")]
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, RateLimited):
            return False
        return any(answer.status_code not in (401, 403) for answer in answers)

    def _closed(self, answers: list[httpx.Response]) -> str:
        """Why the server's own address tells nothing, where the application takes other hosts only."""
        if (
            all(answer.status_code in (400, 403, 421) for answer in answers)
            and "host" in answers[0].text.lower()
        ):
            return (
                f"the application refuses the host {self.addresses['direct'].authority}: it has a list of "
                "its own"
            )
        return ""

    def _leads_to_https(self, answer: httpx.Response) -> bool:
        """Whether it is this deployment's own https, and not a login somewhere else."""
        try:
            parts = urlsplit(answer.headers.get("location", ""))
            host = parts.hostname
        except ValueError:
            return False
        hosts = [self.addresses[one].host for one in ("http", "https") if one in self.addresses]
        inside = parts.path == self.prefix or parts.path.startswith(f"{self.prefix}/")
        return answer.is_redirect and parts.scheme == "https" and host in hosts and inside

    def _redirects(self, location: str) -> None:
        """Note that http leads to https, which is checked in its place, named or not."""
        self.redirecting.add("http")
        self.marked.discard("http")
        if "https" not in self.urls:
            parts = urlsplit(location)
            self.https_url = self.urls["https"] = f"https://{parts.netloc}{self.prefix}"
            self.use(self.strip)

    def is_own(self, url: str, inventory: Inventory) -> bool:
        """Say whether an absolute URL means this deployment, well written or not.

        Its own hosts and ports do. Another port of theirs, and an internal address, do where the path
        has the prefix or is one of the application's. Any other host is somebody's.
        """
        try:
            parts = urlsplit(url)
            place = (
                (parts.hostname or "").lower(),
                parts.port or DEFAULT_PORTS.get(parts.scheme, DEFAULT_PORTS["https"]),
            )
        except ValueError:
            return False
        places = {(address.host.lower(), address.port) for address in self.addresses.values()}
        if place in places:
            return True
        if not (place[0] in {host for host, _ in places} or is_internal(place[0])):
            return False
        prefixed = bool(self.prefix) and (
            parts.path == self.prefix or parts.path.startswith(f"{self.prefix}/")
        )
        return prefixed or inventory.matches(path_in(url, self.prefix))

    def _find_place(self) -> None:
        """Whether this caller stands where a trusted load balancer does, or is an untrusted one."""
        if not self.trusted_proxies:
            self.lacks["load balancer"] = "no load balancer in front: TRUSTED_PROXIES is empty"
        elif any(self._covers(item) for item in self.trusted_proxies):
            self.lacks["untrusted caller"] = f"{self.caller} is one of TRUSTED_PROXIES, so it is trusted"
        else:
            self.lacks["load balancer"] = f"{self.caller or 'this caller'} is not in TRUSTED_PROXIES"

    def _covers(self, item: str) -> bool:
        try:
            return ip_address(self.caller) in ip_network(item)
        except ValueError:
            return False

    @cached_property
    def untrusted(self) -> tuple[httpx.Client | None, str]:
        """A client for the direct entrypoint whose address is not the proxy's, or why there is none.

        On Linux each address of 127.0.0.0/8 is this machine's, so another one than the proxy's is at hand.
        """
        address = self.addresses["direct"]
        try:
            candidates = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
            server = ip_address(candidates[0][4][0])
            if not server.is_loopback:
                with socket.create_connection((address.host, address.port), timeout=TIMEOUT_SECONDS) as there:
                    own = there.getsockname()[0]
                proxies = {one.host for one in self.addresses.values() if one.name != "direct"}
                theirs = {info[4][0] for host in proxies for info in socket.getaddrinfo(host, None)}
                if own in theirs or any(ip_address(one).is_loopback for one in theirs):
                    return None, "the caller may have the proxy's own address"
                return self.client, ""
            if server.version == 4 and sys.platform == "linux":
                transport = httpx.HTTPTransport(verify=self.context, local_address=OTHER_LOOPBACK)
                with socket.create_connection(
                    (str(server), address.port), TIMEOUT_SECONDS, (OTHER_LOOPBACK, 0)
                ):
                    pass
                return self.new_client(transport=transport), ""
        except (OSError, ValueError):
            pass
        return None, "the caller can only have the proxy's own address"

    def two_clients(self, address: Address) -> tuple[httpx.Client | None, str]:
        """Return a client that calls this machine's proxy from another loopback address, or why there is
        none."""
        if self._other is None:
            try:
                server = socket.getaddrinfo(address.host, address.port, socket.AF_INET, socket.SOCK_STREAM)[
                    0
                ][4]
                if not ip_address(server[0]).is_loopback or sys.platform != "linux":
                    return None, "it is not on this machine's loopback"
            except (OSError, ValueError):
                return None, "it has no IPv4 address"
            transport = httpx.HTTPTransport(verify=self.context, local_address=OTHER_LOOPBACK)
            self._other = self.new_client(transport=transport)
        return self._other, ""

    @cached_property
    def caller(self) -> str:
        """This caller's address as the proxy sees it: what the proxy appends to the list."""
        for name in self.addresses.keys() - self.dead.keys() - {"direct"}:
            try:
                scope: Seen = self.open(name, Expect()).get("/_probe/x").json()
                return dict(scope["headers"])["x-forwarded-for"].split(",")[-1].strip()
            except (httpx.HTTPError, ValueError, KeyError, TypeError, RateLimited):
                continue
        return ""

    def _is_somebody_s(self, name: EntrypointName) -> bool:
        """Whether the marker was left in an application that was made of the demonstration: its schema
        has other paths, has an operation that changes something, or cannot be read."""
        try:
            paths = self.open(name, Expect()).get(DEMO["openapi"]).json()["paths"]
            methods = {method.upper() for ways in paths.values() for method in ways}
            own = all(any(path.endswith(DEMO[one]) for path in paths) for one in ("app", "items"))
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError, RateLimited):
            return True
        return not own or bool(methods & {"POST", "PUT", "PATCH", "DELETE"})

    def _text(self, path: str) -> str:
        for name in self.addresses.keys() - self.dead.keys():
            try:
                answer = self.open(name, Expect()).get(path)
            except (httpx.HTTPError, RateLimited):
                continue
            if answer.status_code == 200:
                return answer.text
        return ""

    def reason_to_skip(self, check: Check, entrypoint: Place) -> str | None:
        if entrypoint != "all" and entrypoint not in self.addresses:
            return f"no {entrypoint} entrypoint"
        if entrypoint != "all" and entrypoint in self.closed:
            return self.closed[entrypoint]
        if entrypoint in self.redirecting and check.id not in AT_REDIRECTING:
            return "http leads to https"
        # At its own port nobody but the proxy is trusted, whoever stands in front of that.
        needs = [need for need in check.needs if (need, entrypoint) != ("untrusted caller", "direct")]
        if missing := [self.lacks[need] for need in needs if need in self.lacks]:
            return missing[0]
        names = self.addresses if entrypoint == "all" else [entrypoint]
        return safety.REASON if check.unsafe and any(map(self.restricted, names)) else None


def silence(error: Exception) -> str:
    """Say what an entrypoint without a response does; a host name that does not resolve is another error."""
    nothing, slow, unreadable = deadline.SILENCES
    if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
        return slow
    broken = isinstance(error, (httpx.ProtocolError, httpx.DecodingError, httpx.ReadError))
    return unreadable if broken else nothing


def is_internal(host: str) -> bool:
    """Say whether a host name or address means something only inside of a network."""
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".svc", ".lan", ".localdomain"))
    return address.is_private or address.is_loopback or address.is_unspecified


def demonstration() -> Inventory:
    """Return what the demonstration must have, whether it answers or not."""
    own = [DEMO["app"], DEMO["items"], "/noslash", "/items", "/static/hello.txt"]
    answers = {path: Answer(path, 200, "application/json", "", "") for path in own}
    answers["/items"] = Answer("/items", 307, "", "", "items/", addresses=("items/",))
    return Inventory(
        at="direct",
        schema={"openapi": "3.1.0", "paths": {DEMO["app"]: {"get": {}}, DEMO["items"]: {"get": {}}}},
        schema_path=DEMO["openapi"],
        answers=answers,
        redirects=[Redirect("/items", DEMO["items"]), Redirect("/noslash/", DEMO["noslash"])],
        docs=[Docs(DEMO["docs"], "swagger", ""), Docs(DEMO["redoc"], "redoc", "")],
        streams=[f"{DEMO['stream']}?count=4&interval_seconds=0.2"],
        sockets=["/ws"],
    )
