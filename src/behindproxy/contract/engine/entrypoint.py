"""One way in: the proxy over http, the proxy over TLS, or the application server itself."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, TypeVar, Unpack
from urllib.parse import urlsplit

import httpx
from websockets.exceptions import InvalidHandshake, InvalidStatus

from . import answers, exchange, raw, safety
from .check import EntrypointName
from .expect import Expect, Unexpected
from .seen import Seen
from .websocket import WebSocket

if TYPE_CHECKING:
    from .target import Target

Answer = TypeVar("Answer")

TIMEOUT_SECONDS = 10
SILENT_SECONDS = 3  # once a handshake had no response: each would hold up the run as long
DEFAULT_PORTS = {"http": 80, "https": 443}
# Of 127.0.0.0/8, which is all this machine's on Linux, one that nobody gives to a proxy.
OTHER_LOOPBACK = "127.0.0.213"
LOOPBACK = re.compile(r"127(?:\.\d{1,3}){3}")
# nginx's own page where limit_req or limit_conn refuses; a server that it cannot reach is a 502.
NGINX_LIMIT = re.compile(r"<h1>503 Service Temporarily Unavailable</h1>.{0,100}<center>nginx", re.DOTALL)


class RateLimited(RuntimeError):
    """Nothing was checked: somebody's deployment answers no more requests for now."""

    def __init__(self, status: int):
        whose = " by nginx's own page, as limit_req does" if status == 503 else ""
        super().__init__(f"the deployment limits how many requests it takes ({status}{whose})")


@dataclass(frozen=True)
class Look:
    """What a plain GET was answered with; the text is empty where nobody reads it."""

    status_code: int
    headers: httpx.Headers
    text: str
    request_text: str
    response_text: str

    @property
    def kind(self) -> str:
        return exchange.kind(self.headers)


class Options(TypedDict, total=False):
    """What a request has beside its method and path."""

    headers: Mapping[str, str] | Sequence[tuple[str, str]]
    params: Mapping[str, str | int | float]
    content: str | bytes | None
    json: Mapping[str, object]
    timeout: float


@dataclass(frozen=True)
class Address:
    """Where an entrypoint is. The application's `/` is requested there as `entered_at`/."""

    name: EntrypointName
    scheme: str
    host: str
    port: int
    prefix: str
    entered_at: str

    @classmethod
    def parse(cls, name: EntrypointName, url: str, prefix: str, entered_at: str) -> "Address":
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS[parts.scheme]
        return cls(name, parts.scheme, parts.hostname or "", port, prefix, entered_at)

    @property
    def bracketed_host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def authority(self) -> str:
        default = self.port == DEFAULT_PORTS[self.scheme]
        return self.bracketed_host if default else f"{self.bracketed_host}:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.authority}"

    @property
    def ws_scheme(self) -> str:
        return {"http": "ws", "https": "wss"}[self.scheme]

    @property
    def url(self) -> str:
        return self.origin + self.entered_at


class Entrypoint:
    """What a check holds: it sends its requests here, and the last one is kept for the report."""

    def __init__(self, target: "Target", address: Address, expect: Expect):
        self.target, self.address, self.expect = target, address, expect
        self.name, self.scheme, self.ws_scheme = address.name, address.scheme, address.ws_scheme
        self.host, self.origin, self.url, self.prefix = (
            address.host,
            address.origin,
            address.url,
            address.prefix,
        )
        self.authority = address.authority
        self.restricted = target.restricted(address.name)
        self._context = target.context if address.scheme == "https" else None
        self.client = target.client
        self.source = ""  # the address to call from; empty: whichever the system takes
        self.request_text = self.response_text = ""
        self.screenshot = ""  # a data: URI, for the HTML report
        self.case_texts: dict[str, tuple[str, str]] = {}

    def path(self, path: str) -> str:
        """Return the path to request here to reach the application's `path`."""
        return self.address.entered_at + path

    def public(self, path: str) -> str:
        """Return the address of the application's `path` in a link of a response from here."""
        return self.origin + self.prefix + path

    def get(self, path: str, **options: Unpack[Options]) -> httpx.Response:
        return self.request("GET", path, **options)

    def request(self, method: str, path: str, **options: Unpack[Options]) -> httpx.Response:
        """Request the application's `path`."""
        return self.ask(method, self.path(path), **options)

    def ask(self, method: str, target: str, **options: Unpack[Options]) -> httpx.Response:
        """Request `target` as it stands, without the prefix."""
        with self.stream(method, target, **options) as response:
            response.read()
            self.response_text = exchange.response_text(response, response.text)
            return response

    def look(self, path: str) -> Look:
        """Return the response to a plain GET of the application's `path`, sent once in a run."""
        return self.look_at(self.path(path))

    def look_at(self, target: str) -> Look:
        """As `look`, at `target` as it stands: many checks judge one response."""
        look = self.target.looks.get((self.name, target))
        if look is None:
            look = self.target.looks[self.name, target] = self.begin(target)
        self.request_text, self.response_text = look.request_text, look.response_text
        return look

    def begin(self, target: str, **options: Unpack[Options]) -> Look:
        """Return the beginning of the response to GET of `target` as it stands."""
        with self.stream("GET", target, **options) as response:
            text = ""
            if exchange.is_text(exchange.kind(response.headers)):
                text = exchange.beginning(response)[0].decode("utf-8", "replace")
                self.response_text = exchange.response_text(response, text)
        return Look(response.status_code, response.headers, text, self.request_text, self.response_text)

    @contextmanager
    def stream(self, method: str, target: str, **options: Unpack[Options]) -> Iterator[httpx.Response]:
        if target[:1] not in ("", "/", "?"):  # behind the origin, @ would lead to another host
            raise safety.Refused(f"not sent: {target} does not begin with a slash")
        request = self.client.build_request(method, self.origin + target, **options)
        self.request_text, self.response_text = exchange.request_text(request), ""
        response = self.client.send(request, stream=True)
        try:
            self.permit_more(response.status_code, lambda: response.read().decode("utf-8", "replace"))
            self.response_text = exchange.response_text(response, "")
            yield response
        finally:
            response.close()

    def permit_more(self, status: int, text: Callable[[], str]) -> None:
        """Raise RateLimited where somebody's deployment wants no more requests for now; a 503 says so only
        where something else was answered before."""
        if self.target.ours or status not in (429, 503):
            self.target.answering.add(self.name)
        elif status == 429 or (self.name in self.target.answering and NGINX_LIMIT.search(text())):
            raise RateLimited(status)

    def each(self, cases: Iterable[str], ask: Callable[[str], Answer]) -> dict[str, Answer]:
        """Return the response to each case; a failure shows the exchange of the first wrong one."""
        answers = {}
        for case in cases:
            answers[case] = ask(case)
            self.case_texts[case] = self.request_text, self.response_text
        return answers

    def probe(self, rest: str = "x", **options: Unpack[Options]) -> Seen:
        """Return what the application saw of a request."""
        scope: Seen = self.expect.json(self.get(f"/_probe/{rest}", **options))
        return scope

    @contextmanager
    def ws(
        self, path: str, headers: list[tuple[str, str]] | None = None, compress: bool = False
    ) -> Iterator[WebSocket]:
        """Return an open WebSocket. A refused handshake is a wrong response, not an error."""
        url = f"{self.ws_scheme}://{self.authority}{self.path(path)}"
        self._permit(safety.harm("GET", self.path(path), headers or []))
        self.target.count(self.name, self.path(path))
        request = f"GET {url}\n{exchange.headers_text(headers or [])}"
        self.request_text, self.response_text = request, ""
        seconds = SILENT_SECONDS if self.target.silent else TIMEOUT_SECONDS
        try:
            connection = WebSocket(
                url, self._context, headers or [], seconds, self._permit, compress, self.source
            )
        except TimeoutError:
            self.target.silent = True
            raise
        except InvalidStatus as refused:
            answer = refused.response
            lines = exchange.headers_text(answer.headers.raw_items())
            body = (answer.body or b"").decode("utf-8", "replace")
            self.permit_more(answer.status_code, lambda: body)
            self.response_text = f"HTTP/1.1 {answer.status_code}\n{lines}\n{exchange.body_text(body)}"
            raise Unexpected(
                f"WebSocket handshake {self.path(path)}", f"HTTP {answer.status_code}", "HTTP 101"
            ) from refused
        except InvalidHandshake as error:  # a response that is none to a handshake
            raise Unexpected(f"WebSocket handshake {self.path(path)}", f"{error}", "HTTP 101") from error
        with connection:
            yield connection

    def raw_until_closed(self, request: str | bytes) -> tuple[list[raw.RawAnswer], bool]:
        """Send these very bytes; return every response, and whether the connection was closed then."""
        data = request.encode("latin-1") if isinstance(request, str) else request
        text = data.decode("latin-1")
        self._permit(safety.harm_in(text))
        self.target.count(self.name, text.partition(" ")[2].partition(" ")[0])
        self.request_text = f"# to {self.origin}\n{text}"
        self.response_text = ""
        reply, closed = raw.exchange(self.address.host, self.address.port, self._context, data, self.source)
        self.response_text = exchange.body_text(reply.decode("utf-8", "replace"))
        answers = raw.answers(reply)
        if answers:
            self.permit_more(answers[0].status_code, lambda: answers[0].text)
        return answers, closed

    def raw(self, request: str | bytes) -> list[raw.RawAnswer]:
        """As `raw_until_closed`, the responses alone."""
        return self.raw_until_closed(request)[0]

    def shown(self, path: str, **options: Unpack[Options]) -> list[str]:
        """Return the absolute addresses of this deployment in the response to the application's `path`."""
        answer = self.get(path, **options) if options else self.look(path)
        inventory = self.target.inventory
        return [
            url for url in answers.urls(answer.headers, answer.text) if self.target.is_own(url, inventory)
        ]

    def leave_the_proxys_address(self) -> str:
        """Send what follows from an address of this machine that is not the proxy's; return the reason where
        there is none, and whom the server trusts cannot be seen from here."""
        client, reason = self.target.untrusted
        if client:
            self.client = client
            self.source = OTHER_LOOPBACK if client is not self.target.client else ""
        return reason

    def _permit(self, harm: str) -> None:
        self.target.permit({self.name}, harm)
