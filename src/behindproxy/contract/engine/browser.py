"""What a check sees of a page: for each check one with an empty profile of its own."""

import base64
import functools
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from . import safety
from .chromium import Chromium
from .entrypoint import Entrypoint
from .expect import Expect, Unexpected

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Error, Locator, Request, Response, Route, WebSocketRoute

# Generous, for a busy machine: a page that works is there in one.
WAIT_SECONDS = 30
ATTEMPTS = 5
QUIET_SECONDS, SETTLE_SECONDS = 1, 8  # a page that polls never asks for nothing
DISTURBED = "net::ERR_NETWORK_CHANGED"
BLOCKED = "net::ERR_BLOCKED_BY_CLIENT"
ABORTED = "net::ERR_ABORTED"
# Where Swagger UI and ReDoc say that they found no schema.
GAVE_UP = ".errors-wrapper, h1:text('Something went wrong')"


# A request that waits for a route is sent as it is when its page closes, and where it outlives the page or
# opens another it arrives: so a script cannot even begin it. What it would have sent is said in the console.
SAFE_FETCH = """
const send = self.fetch, kept = self.Request;
self.fetch = async (input, init) => {
  const request = new kept(input, init);
  if (!SAFE.includes(request.method)) {
    console.debug("BLOCKED", request.method, request.url);
    throw new TypeError("Failed to fetch (BLOCKED)");
  }
  return send(new kept(request, {keepalive: false}));
};
delete self.fetchLater; delete self.FetchLaterResult;
const begin = self.XMLHttpRequest?.prototype.open;
if (begin) XMLHttpRequest.prototype.open = function (method, url, ...rest) {
  SAFE.includes(String(method).toUpperCase())
    ? begin.call(this, method, url, ...rest) : begin.call(this, "GET", "blob:null/BLOCKED", ...rest);
};
""".replace("SAFE", json.dumps(safety.SAFE)).replace("BLOCKED", BLOCKED)
# What no route of Playwright's sees: a shared worker, a socket of a worker, and what a page sends as it
# closes. A worker itself stays, since ReDoc searches in one.
SAFE_WORKER = f"{{{SAFE_FETCH}}} delete self.WebSocket; delete self.WebSocketStream; delete self.Worker;"
SAFE_SCRIPTS = (
    """
delete self.SharedWorker;
Navigator.prototype.sendBeacon = () => false;
const submit = HTMLFormElement.prototype.submit, isSafe = (form) => form.method !== "post";
HTMLFormElement.prototype.submit = function () { if (isSafe(this)) submit.call(this); };
addEventListener("submit", (event) => {
  if (!isSafe(event.target) || event.submitter?.formMethod === "post") event.preventDefault();
});
for (const name of ["pagehide", "unload", "beforeunload", "visibilitychange", "freeze"])
  addEventListener(name, (event) => event.stopImmediatePropagation(), true);
const blobs = new Map(), address = URL.createObjectURL.bind(URL);
URL.createObjectURL = (object) => { const url = address(object); blobs.set(url, object); return url; };
self.Worker = class extends self.Worker {
  constructor(script, options) {
    const url = String(new URL(script, location.href));
    const quiet = QUIET;
    super(address(new Blob([quiet, blobs.get(url) ?? `importScripts(${JSON.stringify(url)});`])), options);
  }
};
""".replace("QUIET", json.dumps(SAFE_WORKER))
    + SAFE_FETCH
)


class Disturbed(ConnectionError):
    """An interface came or went on this machine, for example a Docker network: Chromium drops all
    that is under way then, and no flag turns that off. It says nothing of the deployment."""


def until_closed(handle: Callable[..., None]) -> Callable[..., None]:
    """Handle an event of a page, which may have closed since."""

    @functools.wraps(handle)
    def handled(*arguments: object) -> None:
        from playwright.sync_api import Error

        try:
            handle(*arguments)
        except Error as error:
            if "has been closed" not in error.message:
                raise

    return handled


@until_closed
def only_safe(route: "Route") -> None:
    """Let a request of the page pass, or stop it where it could change something."""
    request = route.request
    harm = safety.harm(request.method, request.url, request.headers.items())
    if harm or request.post_data_buffer:
        route.abort("blockedbyclient")
    else:
        route.continue_()


def undisturbed(look: Callable[..., None]) -> Callable[..., None]:
    """Look at `page` again when Chromium was disturbed; never because of what it saw."""

    @functools.wraps(look)
    def attempts(page: "Page", **fixtures: Entrypoint | Expect) -> None:
        for _ in range(ATTEMPTS):
            page.begin()
            try:
                look(page=page, **fixtures)
                if not page.disturbed:
                    return
            except (Unexpected, Disturbed):
                if not page.disturbed:
                    raise
        raise Disturbed(f"the network of this machine changed {ATTEMPTS} times: {DISTURBED}")

    return attempts


class Page:
    """A page opened on an entrypoint. Its requests and errors are kept, and shown on failure."""

    def __init__(self, chromium: Chromium, entrypoint: Entrypoint, expect: Expect):
        self.entrypoint, self.expect = entrypoint, expect
        self.title = f"# Chromium {chromium.browser.version} at {entrypoint.origin}\n"
        self.begin()
        self.context = chromium.browser.new_context(
            viewport={"width": 1200, "height": 900},
            service_workers="block" if entrypoint.restricted else "allow",  # no route sees theirs
        )
        if entrypoint.restricted:  # what the page's own script sends as it opens counts too
            self.context.route("**/*", only_safe)
            self.context.route_web_socket("**", self._socket)
            self.context.add_init_script(SAFE_SCRIPTS)
        self.context.set_default_timeout(WAIT_SECONDS * 1000)
        self.page = self.context.new_page()
        self.page.on("request", lambda request: self.request_urls.append(request.url))
        self.page.on("websocket", lambda websocket: self.request_urls.append(websocket.url))
        self.page.on("requestfinished", self._answered)
        self.page.on("requestfailed", self._unanswered)
        self.page.on("response", self._response)
        self.page.on("console", self._console)
        self.page.on("pageerror", self._error)

    def begin(self) -> None:
        self.request_urls: list[str] = []
        self.out_of_reach: list[str] = []
        self.stopped_urls: set[str] = set()
        self.raw_complaints: list[tuple[str, str]] = []
        self.script_errors: list[str] = []
        self.failed_urls: dict[str, int] = {}  # with the status; 0: it is not known
        self.blocked: list[tuple[str, str]] = []  # method and URL of what was not sent
        self.socket_urls: list[str] = []
        self.moved = time.monotonic()
        self.disturbed = self.scriptless = False
        self.entrypoint.request_text, self.entrypoint.response_text = self.title, ""
        self.expect.expectations.clear()

    def _socket(self, socket: "WebSocketRoute") -> None:
        self.socket_urls.append(socket.url)
        socket.close()

    def _error(self, error: "Error") -> None:
        self.raw_complaints.append((str(error), ""))
        if BLOCKED not in str(error):
            self.script_errors.append(str(error))

    def _response(self, response: "Response") -> None:
        self.moved = time.monotonic()
        if response.status >= 400 and self._is_own(response.url) and response.request.method == "GET":
            self.failed_urls[response.url] = response.status

    @until_closed
    def _answered(self, request: "Request") -> None:
        answer = request.response()
        status = answer.status if answer else 0
        self.entrypoint.response_text += f"{status} {request.method} {request.url}\n"
        self.scriptless |= request.resource_type == "script" and status >= 400

    @until_closed
    def _unanswered(self, request: "Request") -> None:
        # A style sheet's 404 as plain text is not read: then there is no response.
        if request.resource_type == "stylesheet" and request.failure == ABORTED and self._is_own(request.url):
            self.failed_urls.setdefault(request.url, 0)
        self.entrypoint.response_text += f"{request.failure} {request.method} {request.url}\n"
        if request.failure in ("csp", BLOCKED):
            self.stopped_urls.add(request.url)
        self.disturbed |= request.failure == DISTURBED
        self.scriptless |= request.resource_type == "script"
        if request.resource_type == "script" and not self._is_own(request.url):
            self.out_of_reach.append(request.url)

    def _console(self, message: "ConsoleMessage") -> None:
        self.disturbed |= DISTURBED in message.text
        if message.type == "debug" and message.text.startswith(f"{BLOCKED} "):
            _, method, url = message.text.split(" ", 2)
            self.blocked.append((method, url))
        if message.type == "error":
            self.raw_complaints.append((message.text, message.location.get("url", "")))

    @property
    def elsewhere(self) -> list[str]:
        """What was asked of another origin: neither data: and blob:, which never leave the page,
        nor what the page's own Content-Security-Policy stopped."""
        return [url for url in self.request_urls if not self._is_own(url) and url not in self.stopped_urls]

    def _is_own(self, url: str) -> bool:
        own = (f"{self.entrypoint.origin}/", f"{self.entrypoint.ws_scheme}://{self.entrypoint.authority}/")
        return url.startswith((*own, "data:", "blob:", "about:"))

    @property
    def complaints(self) -> list[str]:
        return [
            f"{text} {url}".strip()
            for text, url in self.raw_complaints
            if not any(stopped in f"{text} {url}" for stopped in (*self.stopped_urls, BLOCKED))
        ]

    def open(self, url: str) -> None:
        from playwright.sync_api import Error

        self.entrypoint.request_text += f"GET {url}\n"
        try:
            answer = self.page.goto(url, wait_until="domcontentloaded")
        except Error as error:
            reason = error.message.splitlines()[0]
            self.disturbed |= DISTURBED in reason
            if "ERR_CERT" in reason or "ERR_SSL" in reason:
                raise Unexpected(f"certificate of {url}", reason, "trusted") from None
            raise (Disturbed if self.disturbed else ConnectionError)(reason) from None
        assert answer, f"{url} is the page that was shown before"
        self.expect(f"status of {url}", answer.status, 200)

    def visit(self, url: str) -> None:
        """Open what may be a page or none, and wait until it asks for nothing more."""
        from playwright.sync_api import Error

        self.entrypoint.request_text += f"GET {url}\n"
        try:
            self.page.goto(url, wait_until="load")
        except Error as error:
            self.disturbed |= DISTURBED in error.message
            return  # a download; what else it may be, the checks of its answer say
        self.moved, deadline = time.monotonic(), time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < min(deadline, self.moved + QUIET_SECONDS):
            self.page.wait_for_timeout(100)

    def see(self, selector: str, what: str) -> "Locator":
        """Wait until it is shown, and return the first of it."""
        from playwright.sync_api import TimeoutError

        locator, deadline = self.page.locator(selector).first, time.monotonic() + WAIT_SECONDS
        while True:
            try:
                locator.wait_for(timeout=500)
                return locator
            except TimeoutError:
                # What cannot come any more is not waited for.
                gave_up = self.scriptless or self.page.locator(GAVE_UP).is_visible()
                if locator.is_visible():  # since then; it may be the sign of giving up itself
                    return locator
                if gave_up or self.disturbed or time.monotonic() > deadline:
                    break
        if self.out_of_reach and not self.entrypoint.target.demo:
            pytest.skip(f"the page needs {self.out_of_reach[0]}, out of this machine's reach")
        text = " ".join(self.page.locator("body").inner_text().split())[:300]
        complaints = "; ".join([text or "nothing", *self.complaints])
        raise Unexpected(what, f"not there; the page says: {complaints}", "on the page")

    def read(self, selector: str, *words: str) -> str:
        """Return the text of what is there, once it has the words, or as it is in the end."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            text = self.page.locator(selector).inner_text()
            if all(one in text for one in words) or self.disturbed or time.monotonic() > deadline:
                return text
            self.page.wait_for_timeout(100)

    def execute(self, path: str) -> dict[str, str]:
        """Expand GET `path` in Swagger UI, try it out, and read what is shown then."""
        block = f'.opblock-get:has(.opblock-summary-path[data-path="{path}"])'
        self.see(f"{block} .opblock-summary-control", f"operation GET {path}").click()
        self.see(f"{block} .try-out__btn", "Try it out").click()
        self.see(f"{block} .execute", "Execute").click()
        answer = f"{block} .live-responses-table .response"
        status = self.see(f"{answer} .response-col_status", "answer").inner_text()
        self.see(block, "operation").evaluate("element => element.scrollIntoView()")
        return {
            "request URL": self.see(f"{block} .request-url pre", "its URL").inner_text().strip(),
            "status": status.split()[0],
            "body": self.see(f"{answer} pre", "body of the response").inner_text(),
        }

    def close(self) -> None:
        """Leave the picture of how it ended, passed or failed, with the entrypoint."""
        try:
            picture = self.page.screenshot(type="jpeg", quality=60, animations="disabled")
            self.entrypoint.screenshot = "data:image/jpeg;base64," + base64.b64encode(picture).decode()
        finally:
            self.context.close()
