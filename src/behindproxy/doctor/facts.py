"""What was seen, and nothing of what it means."""

from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address

from behindproxy.stack.acme import Certificate
from behindproxy.stack.settings import StackSettings

from .access_log import Request

YOUNG_SECONDS = 20  # A container without a health check may not listen before.


@dataclass(frozen=True)
class Listener:
    """A TCP socket that listens at `address` (`0.0.0.0`, `::`: at every one) and `port`."""

    address: str
    port: int
    pid: int | None = None  # None: another user's, or in a container
    command: str = ""
    state: str = ""  # psutil's word for the process, for example `stopped`
    program: str = ""  # the name of its executable, for example `python3.11`

    @property
    def here(self) -> IPv4Address | IPv6Address:
        return ip_address(self.address)

    def takes(self, address: str) -> bool:
        """Whether a connection to `address` arrives here. `::` takes IPv4 too, as Linux and macOS
        have it by default."""
        other = ip_address(address)
        if self.here.is_unspecified:
            return self.here.version == 6 or other.version == 4
        return self.here == other


@dataclass(frozen=True)
class Published:
    """A container's port on the host."""

    address: str
    port: int
    target: int


@dataclass(frozen=True)
class Container:
    service: str
    name: str
    state: str = "running"
    health: str = ""  # empty: it has no health check
    exit_code: int = 0
    status: str = ""  # of an end by the kernel: OOMKilled
    published: tuple[Published, ...] = ()
    listeners: tuple[Listener, ...] | None = None  # in the container; None: they could not be read
    addresses: tuple[str, ...] = ()
    last_line: str = ""
    ours: bool = True
    up_seconds: float | None = None  # since it was started; None: not known, or it does not run

    @property
    def starting(self) -> bool:
        """Whether its health check says so; without one, while nothing listens in its first seconds."""
        young = self.up_seconds is not None and self.up_seconds < YOUNG_SECONDS and not self.listeners
        return self.state == "running" and (self.health == "starting" or (not self.health and young))


@dataclass(frozen=True)
class Address:
    """One of this machine's addresses."""

    text: str
    interface: str
    containers: bool = False  # an engine's bridge


@dataclass(frozen=True)
class Answer:
    """What came of a request to `url`, at `address` and `port`."""

    url: str
    address: str
    port: int
    outcome: str  # http, refused, timed_out, silent, reset, closed, unreachable, not_http,
    # not_tls, certificate, no_name or loop
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)  # names in small letters
    body: str = ""
    detail: str = ""
    hops: tuple[str, ...] = ()  # the URLs that led here by redirects
    seconds: float = 0.0  # until the response began, or until there was none
    without: tuple[str, ...] = ()  # the name's addresses that were tried before, and why each gave none

    @property
    def text(self) -> str:
        if self.outcome == "http":
            return f"{self.status}"
        return self.outcome.replace("_", " ") + (f" ({self.detail})" if self.detail else "")


@dataclass(frozen=True)
class Rule:
    """A host firewall's rule that keeps new connections to `port` out (None: to every port but the
    `excepted`)."""

    port: int | None
    text: str
    forwarded: bool = False  # of what goes to containers
    excepted: frozenset[int | None] = frozenset()

    def stops(self, port: int) -> bool:
        return self.port == port or (self.port is None and port not in self.excepted)


@dataclass(frozen=True)
class Person:
    """How the person who runs this is connected."""

    ssh_from: str = ""
    editor: str = ""  # VS Code Remote-SSH, Codespaces, WSL, a dev container
    evidence: str = ""
    forwards: bool = False  # the editor forwards ports that it detects
    source: str = ""  # remote.autoForwardPortsSource of that editor's settings on this machine


@dataclass
class Facts:
    settings: StackSettings
    runtime: str = ""  # of the stack that `make up` started here; empty: none
    engine: str = ""
    engine_says: str = ""
    root: bool = False
    containers: list[Container] = field(default_factory=list)
    processes: dict[str, str] = field(default_factory=dict)  # natively: supervisor's word for each
    up_seconds: dict[str, float] = field(default_factory=dict)  # natively: since each was started
    routes_error: str = ""
    not_applied: list[str] = field(default_factory=list)  # settings that .env has and what runs has not
    settings_error: str = ""  # why those that .env has now would be refused
    requests: list[Request] = field(default_factory=list)  # that Traefik may have ended, since its start
    only_404: list[Request] = field(default_factory=list)  # all since then, where no response was another
    certificate: Certificate | None = None  # for DOMAIN, as it is served
    certificate_error: str = ""  # the authority's last, since the certificate is due
    listeners: list[Listener] = field(default_factory=list)
    all_listeners_have_owners: bool = True
    addresses: list[Address] = field(default_factory=list)
    rules: list[Rule] | None = None  # None: they could not be read
    firewall: str = ""  # its name, or why it could not be read
    cloud: str = ""
    cloud_evidence: str = ""
    person: Person = field(default_factory=Person)
    answers: dict[str, Answer] = field(default_factory=dict)  # by name, like http@loopback
    target: Answer | None = None  # of the URL that was given
    target_ours: bool = False  # its address is one of this machine's
    no_neighbour: bool = False  # its address is of this machine's own network, and nobody there has it
    elsewhere: dict[str, Answer] = field(default_factory=dict)  # other ways to the URL's service
    # Where what listens at the URL's port was connecting to, and got no response.
    connecting: tuple[str, ...] = ()
    speaks_tls: bool = False  # what listens at the URL's address
    # From within the app's container: a status, or why there was none.
    inner: dict[str, str] = field(default_factory=dict)

    @cached_property
    def own(self) -> set[str]:
        return {address.text for address in self.addresses}

    def stack_at(self, port: int) -> str:
        """Which entrypoint of the stack that runs here `port` is, for an address of this machine: `http`,
        `https` or `direct`; empty: none."""
        if not self.runtime or not self.target_ours:
            return ""
        settings = self.settings
        ports = {settings.http_port: "http", settings.https_port: "https"}
        if not settings.domain:
            ports.setdefault(settings.direct_port, "direct")
        return ports.get(port, "")

    def at(self, port: int) -> list[Listener]:
        return [listener for listener in self.listeners if listener.port == port]
