"""The deployment under test: its entrypoints, and what it offers beyond the contract's minimum."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_address, ip_network
from typing import TypedDict, Unpack
from urllib.parse import urlsplit

import httpx

from . import exchange, safety
from .check import Check, EntrypointName, Place
from .entrypoint import DEFAULT_PORTS, TIMEOUT_SECONDS, Address, Entrypoint
from .expect import Expect
from .seen import Seen
from .source import Source

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


class Unreachable(Exception):
    """Nothing can be checked; its text is the one line that is printed."""


class Addresses(TypedDict):
    http_url: str
    https_url: str
    direct_url: str


class ClientOptions(TypedDict, total=False):
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
    strip: bool
    fast: bool
    unsafe: bool
    probe: str
    application: str
    ca_file: str
    root_path_in_servers: bool
    extra_servers: list[str] | None
    trusted_proxies: list[str]
    versions: dict[str, str]
    answers: str = ""
    max_body_bytes: int = 10485760
    websocket_max_bytes: int = 1048576
    protected: str = ""
    protected_user: str = ""
    source: Source | None = None
    logs_command: list[str] = field(default_factory=list)
    addresses: dict[EntrypointName, Address] = field(default_factory=dict)
    lacks: dict[str, str] = field(default_factory=dict)
    demo: bool = False
    marked: set[EntrypointName] = field(default_factory=set)
    dead: dict[EntrypointName, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.http_url.startswith("https:"):
            self.http_url, self.https_url = "", self.http_url
        every: dict[EntrypointName, str] = {
            "http": self.http_url,
            "https": self.https_url,
            "direct": self.direct_url,
        }
        given = {name: url.rstrip("/") for name, url in every.items() if url}
        if not given.keys() - {"direct"}:
            raise Unreachable(
                "no public address is named: --url with the prefix, for example --url https://api.example.com/shop"
            )
        prefixes = {urlsplit(url).path for name, url in given.items() if name != "direct"}
        if len(prefixes) != 1:
            raise Unreachable(f"the http and the https address must share one prefix, not {sorted(prefixes)}")
        self.prefix = prefixes.pop()
        for name, url in given.items():
            # Without stripping, the server gets the same path as the proxy.
            entered_at = "" if name == "direct" and self.strip else self.prefix
            self.addresses[name] = Address.parse(name, url, self.prefix, entered_at)
        try:
            self.context = ssl.create_default_context(cafile=self.ca_file or None)
        except OSError as error:
            raise Unreachable(f"--ca {self.ca_file} cannot be read: {error.strerror or error}") from None
        # Idle connections are dropped long before any server drops them: no race for the last one.
        self.client = self.new_client(
            verify=self.context, limits=httpx.Limits(keepalive_expiry=1), headers={"User-Agent": "contract"}
        )

    def new_client(self, **options: Unpack[ClientOptions]) -> httpx.Client:
        """A client that refuses what a third-party application must not get."""
        return httpx.Client(
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
            event_hooks={"request": [self._permit_request], "response": [exchange.bound]},
            **options,
        )

    def _permit_request(self, request: httpx.Request) -> None:
        url = request.url
        place = url.scheme, url.host, url.port or DEFAULT_PORTS[url.scheme]
        names = {one.name for one in self.addresses.values() if (one.scheme, one.host, one.port) == place}
        headers = exchange.decoded(request.headers.raw)
        self.permit(names, safety.harm(request.method, url.raw_path.decode("ascii"), headers))

    def permit(self, names: set[EntrypointName], harm: str) -> None:
        """Raises Refused unless the demonstration answers at each of these entrypoints."""
        if harm and (not names or any(map(self.restricted, names))):
            raise safety.Refused(f"not sent, {harm}: {safety.REASON}")

    def restricted(self, name: EntrypointName) -> bool:
        """Whether what answers there gets safe requests only."""
        return not (self.unsafe or name in self.marked)

    @property
    def ours(self) -> bool:
        return self.runtime != "remote"

    def open(self, name: EntrypointName, expect: Expect) -> Entrypoint:
        return Entrypoint(self, self.addresses[name], expect)

    def connect(self) -> None:
        """Check each entrypoint once. A stack that is down is one line, not a hundred traces; an entrypoint
        that does not answer is an error of each of its checks, at once and without another wait."""
        for name, address in self.addresses.items():
            try:
                answers = [self.open(name, Expect()).get(path) for path in ("/", "/docs")]
            except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:  # the last two: a host's name
                if "[SSL" not in str(error):  # the checks at this entrypoint say so otherwise
                    self.dead[name] = f"nothing answers at {address.url} ({error})"
                continue
            # The proxy's own words for a server that it cannot reach, after all its attempts.
            if min(answer.status_code for answer in answers) >= 500:
                self.dead[name] = f"{address.url} answers {answers[0].status_code} to everything"
            elif any(safety.is_marked(answer.headers) for answer in answers):
                self.marked.add(name)
        if all("nothing answers" in self.dead.get(name, "") for name in self.addresses):
            url = next(iter(self.addresses.values())).url
            raise Unreachable(
                f"the stack is not running at {url}: make up" if self.ours else "; ".join(self.dead.values())
            )
        self.discover()

    def discover(self) -> None:
        if self.runtime != "docker":
            self.lacks["docker"] = "no containers of this project (RUNTIME is not docker)"
        if not self.ours:
            self.lacks["ours"] = "limits, ids and headers of this repository's own deployment"
        if self.fast:
            self.lacks["full"] = "left out by FAST=1"
        if not self.prefix:
            self.lacks["prefix"] = "the deployment has no prefix"
        if not self.protected:
            self.lacks["protected"] = "no protected route named (PROTECTED=/path)"
        if not self.logs_command:
            self.lacks["logs"] = "the logs of this deployment cannot be read from here"
        mode = "unstripped" if self.strip else "strip"
        self.lacks[mode] = MODES[mode]
        # Where it is said to be there, a lost one is wrong, not absent.
        if self.probe == "off" or not (self.probe == "on" or self._text("/_probe/x")):
            self.lacks["probe"] = "no probe at /_probe/ (PROBE=1 turns it on)"
        if not self.root_path_in_servers:
            self.lacks["listed"] = "the prefix is no server (ROOT_PATH_IN_SERVERS=false)"
        else:
            self.lacks["unlisted"] = "the prefix is a server (ROOT_PATH_IN_SERVERS=true)"
        if not self.extra_servers:
            self.lacks["extra servers"] = "no further servers (STAGING_URL, PRODUCTION_URL)"
        self._find_place()
        if self.application == "other" or any(map(self._is_somebody_s, self.marked)):
            self.marked.clear()
        self.demo = self.application == "demo" or bool(self.marked)
        if self.demo:
            return
        self.lacks["demo"] = "the application is not the demonstration"
        for name, path in DEMO.items():
            if not self._text(path):
                self.lacks[name] = f"the application has no {path}"
        if "root_path" not in self._text(DEMO["app"]):
            self.lacks["app"] = f"the application has no {DEMO['app']} that shows its root_path"
        self.lacks["ws"] = f"{self.lacks['demo']}: no /ws"

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
    def caller(self) -> str:
        """This caller's address as the proxy sees it: what the proxy appends to the list."""
        for name in self.addresses.keys() - self.dead.keys() - {"direct"}:
            try:
                seen: Seen = self.open(name, Expect()).get("/_probe/x").json()
                return dict(seen["headers"])["x-forwarded-for"].split(",")[-1].strip()
            except (httpx.HTTPError, ValueError, KeyError, TypeError):
                continue
        return ""

    def _is_somebody_s(self, name: EntrypointName) -> bool:
        """Whether the marker was left in an application that was made of the demonstration: its schema
        has other paths, has an operation that changes something, or cannot be read."""
        try:
            paths = self.open(name, Expect()).get(DEMO["openapi"]).json()["paths"]
            methods = {method.upper() for ways in paths.values() for method in ways}
            own = all(any(path.endswith(DEMO[one]) for path in paths) for one in ("app", "items"))
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError):
            return True
        return not own or bool(methods & {"POST", "PUT", "PATCH", "DELETE"})

    def _text(self, path: str) -> str:
        for name in self.addresses.keys() - self.dead.keys():
            try:
                answer = self.open(name, Expect()).get(path)
            except httpx.HTTPError:
                continue
            if answer.status_code == 200:
                return answer.text
        return ""

    def reason_to_skip(self, check: Check, entrypoint: Place) -> str | None:
        if entrypoint != "all" and entrypoint not in self.addresses:
            return f"no {entrypoint} entrypoint"
        # At its own port nobody but the proxy is trusted, whoever stands in front of that.
        needs = [need for need in check.needs if (need, entrypoint) != ("untrusted caller", "direct")]
        if missing := [self.lacks[need] for need in needs if need in self.lacks]:
            return missing[0]
        names = self.addresses if entrypoint == "all" else [entrypoint]
        return safety.REASON if check.unsafe and any(map(self.restricted, names)) else None
