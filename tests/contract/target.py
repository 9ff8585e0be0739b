"""The deployment under test: its doors, and what it offers beyond the contract's minimum."""

import ssl
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

import httpx

from .check import Check
from .door import TIMEOUT_SECONDS, Address, Door
from .expect import Expect

# Paths by which somebody else's deployment is asked what it has. Ours must have all of them.
DEMO = {
    "app": "/app", "items": "/items/", "noslash": "/noslash", "sub": "/sub/app", "static": "/static/hello.txt",
    "stream": "/stream", "openapi": "/openapi.json", "docs": "/docs", "redoc": "/redoc",
}  # fmt: skip
MODES = {
    "strip": "the proxy leaves the prefix in the path (STRIP_PREFIX=false)",
    "unstripped": "the proxy strips the prefix",
}


class Unreachable(Exception):
    """Nothing can be asked; its text is the one line that is printed."""


@dataclass
class Target:
    proxy_url: str
    tls_url: str
    direct_url: str
    runtime: str
    server: str
    strip: bool
    fast: bool
    probe: str
    application: str
    ca_file: str
    root_path_in_servers: bool
    extra_servers: list[str] | None
    trusted_proxies: list[str]
    versions: dict[str, str]
    protected: str = ""
    protected_user: str = ""
    logs_command: list[str] = field(default_factory=list)
    addresses: dict[str, Address] = field(default_factory=dict)
    lacks: dict[str, str] = field(default_factory=dict)
    demo: bool = False

    def __post_init__(self) -> None:
        if self.proxy_url.startswith("https:"):
            self.proxy_url, self.tls_url = "", self.proxy_url
        given = {"proxy": self.proxy_url, "tls": self.tls_url, "direct": self.direct_url}
        given = {name: url.rstrip("/") for name, url in given.items() if url}
        prefixes = {urlsplit(url).path for name, url in given.items() if name != "direct"}
        if len(prefixes) != 1:
            raise Unreachable(
                f"PROXY_URL and TLS_URL must share one prefix, not {sorted(prefixes)}"
            )
        self.prefix = prefixes.pop()
        for name, url in given.items():
            # Without stripping, the server is asked for the same path as the proxy.
            entered_at = "" if name == "direct" and self.strip else self.prefix
            self.addresses[name] = Address.parse(name, url, self.prefix, entered_at)
        self.context = ssl.create_default_context(cafile=self.ca_file or None)
        # Idle connections are dropped long before any server drops them: no race for the last one.
        self.client = httpx.Client(
            verify=self.context,
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
            limits=httpx.Limits(keepalive_expiry=1),
            headers={"User-Agent": "contract"},
        )

    @property
    def ours(self) -> bool:
        return self.runtime != "remote"

    def open(self, name: str, expect: Expect) -> Door:
        return Door(self, self.addresses[name], expect)

    def connect(self) -> None:
        """Asks each door once: a stack that is down is one line, not a hundred traces."""
        for name, address in self.addresses.items():
            try:
                self.open(name, Expect()).get("/")
            except httpx.ConnectError as error:
                if "[SSL" in str(error):
                    continue  # the checks at this door say so
                where = "nothing answers" if not self.ours else "the stack is not running"
                raise Unreachable(
                    f"{where} at {address.url}" + (": make up" if self.ours else f" ({error})")
                ) from error
            except httpx.HTTPError as error:
                raise Unreachable(
                    f"{address.url} does not answer: {type(error).__name__}"
                ) from error
        self.discover()

    def discover(self) -> None:
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
        if self.probe == "off" or not (self.probe == "on" or self._answers("/_probe/x")):
            self.lacks["probe"] = "no probe at /_probe/ (PROBE=1 turns it on)"
        if not self.root_path_in_servers:
            self.lacks["listed"] = "the prefix is no server (ROOT_PATH_IN_SERVERS=false)"
        else:
            self.lacks["unlisted"] = "the prefix is a server (ROOT_PATH_IN_SERVERS=true)"
        if not self.extra_servers:
            self.lacks["extra servers"] = "no further servers (STAGING_URL, PRODUCTION_URL)"
        self._find_place()
        self.demo = self.application == "demo" or self._is_demo()
        if self.demo:
            return
        for name, path in DEMO.items():
            if not self._answers(path):
                self.lacks[name] = f"the application has no {path}"
        if "app" in self.lacks:
            self.lacks["ws"] = "the application is not the demonstration: no /ws"

    def _find_place(self) -> None:
        """Whether this caller stands where a trusted load balancer does, or is a stranger."""
        if not self.trusted_proxies:
            self.lacks["load balancer"] = "no load balancer in front: TRUSTED_PROXIES is empty"
        elif any(self._covers(item) for item in self.trusted_proxies):
            self.lacks["stranger"] = f"{self.caller} is one of TRUSTED_PROXIES, so it is believed"
        else:
            self.lacks["load balancer"] = (
                f"{self.caller or 'this caller'} is not in TRUSTED_PROXIES"
            )

    def _covers(self, item: str) -> bool:
        try:
            return ip_address(self.caller) in ip_network(item)
        except ValueError:
            return False

    @cached_property
    def caller(self) -> str:
        """This caller's address as the proxy sees it: what the proxy appends to the list."""
        for name in self.addresses.keys() - {"direct"}:
            try:
                seen = self.open(name, Expect()).get("/_probe/x").json()
                return dict(seen["headers"])["x-forwarded-for"].split(",")[-1].strip()
            except (httpx.HTTPError, ValueError, KeyError, TypeError):
                continue
        return ""

    def _answers(self, path: str) -> bool:
        for name in self.addresses:
            try:
                if self.open(name, Expect()).get(path).status_code == 200:
                    return True
            except httpx.HTTPError:
                continue
        return False

    def _is_demo(self) -> bool:
        """Wherever somebody runs the demonstration, all of it has to work."""
        return self._answers("/app") and self._answers("/items/") and "probe" not in self.lacks

    def reason_to_skip(self, check: Check, door: str) -> str | None:
        if door != "all" and door not in self.addresses:
            return {
                "proxy": "no plain http door",
                "tls": "no TLS door",
                "direct": "no direct door",
            }[door]
        # At its own port nobody but the proxy is believed, whoever stands in front of that.
        needs = [need for need in check.needs if (need, door) != ("stranger", "direct")]
        return next((self.lacks[need] for need in needs if need in self.lacks), None)
