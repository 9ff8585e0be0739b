"""What a check sees of a page: for each check one with an empty profile of its own."""

import base64
import functools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from . import safety
from .chromium import Chromium
from .entrypoint import Entrypoint
from .expect import Expect, Unexpected

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Locator, Request, Route

# Generous, for a busy machine: a page that works is there in one.
WAIT_SECONDS = 30
ATTEMPTS = 5
DISTURBED = "net::ERR_NETWORK_CHANGED"
BLOCKED = "net::ERR_BLOCKED_BY_CLIENT"
# Where Swagger UI and ReDoc say that they found no schema.
GAVE_UP = ".errors-wrapper, h1:text('Something went wrong')"


# What no route of Playwright's sees: a shared worker, a socket of a worker, and what a page sends as it
# closes. A worker itself stays, since ReDoc searches in one.
SAFE_SCRIPTS = """
delete self.SharedWorker;
navigator.sendBeacon = () => false;
for (const name of ["pagehide", "unload", "beforeunload", "visibilitychange", "freeze"])
  addEventListener(name, (event) => event.stopImmediatePropagation(), true);
const blobs = new Map(), address = URL.createObjectURL.bind(URL);
URL.createObjectURL = (object) => { const url = address(object); blobs.set(url, object); return url; };
self.Worker = class extends self.Worker {
  constructor(script, options) {
    const url = String(new URL(script, location.href));
    const quiet = "delete self.WebSocket; delete self.WebSocketStream; delete self.Worker;";
    super(address(new Blob([quiet, blobs.get(url) ?? `importScripts(${JSON.stringify(url)});`])), options);
  }
};
"""


class Disturbed(ConnectionError):
    """An interface came or went on this machine, for example a Docker network: Chromium drops all
    that is under way then, and no flag turns that off. It says nothing of the deployment."""


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
    """A page opened at an entrypoint. Its requests and errors are kept, and shown on failure."""

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
            self.context.route_web_socket("**", lambda socket: socket.close())
            self.context.add_init_script(SAFE_SCRIPTS)
        self.context.set_default_timeout(WAIT_SECONDS * 1000)
        self.page = self.context.new_page()
        self.page.on("request", lambda request: self.requested.append(request.url))
        self.page.on("websocket", lambda websocket: self.requested.append(websocket.url))
        self.page.on("requestfinished", self._answered)
        self.page.on("requestfailed", self._unanswered)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complained.append((str(error), "")))

    def begin(self) -> None:
        self.requested: list[str] = []
        self.out_of_reach: list[str] = []
        self.stopped: set[str] = set()
        self.complained: list[tuple[str, str]] = []
        self.disturbed = self.scriptless = False
        self.entrypoint.request_text, self.entrypoint.response_text = self.title, ""
        self.expect.held.clear()

    def _answered(self, request: "Request") -> None:
        answer = request.response()
        status = answer.status if answer else 0
        self.entrypoint.response_text += f"{status} {request.method} {request.url}\n"
        self.scriptless |= request.resource_type == "script" and status >= 400

    def _unanswered(self, request: "Request") -> None:
        self.entrypoint.response_text += f"{request.failure} {request.method} {request.url}\n"
        if request.failure in ("csp", BLOCKED):
            self.stopped.add(request.url)
        self.disturbed |= request.failure == DISTURBED
        self.scriptless |= request.resource_type == "script"
        if request.resource_type == "script" and not self._is_own(request.url):
            self.out_of_reach.append(request.url)

    def _console(self, message: "ConsoleMessage") -> None:
        self.disturbed |= DISTURBED in message.text
        if message.type == "error":
            self.complained.append((message.text, message.location.get("url", "")))

    @property
    def elsewhere(self) -> list[str]:
        """What was asked of another origin: neither data: and blob:, which never leave the page,
        nor what the page's own Content-Security-Policy stopped."""
        return [url for url in self.requested if not self._is_own(url) and url not in self.stopped]

    def _is_own(self, url: str) -> bool:
        own = (f"{self.entrypoint.origin}/", f"{self.entrypoint.ws_scheme}://{self.entrypoint.authority}/")
        return url.startswith((*own, "data:", "blob:", "about:"))

    @property
    def complaints(self) -> list[str]:
        return [
            f"{text} {url}".strip()
            for text, url in self.complained
            if not any(stopped in f"{text} {url}" for stopped in self.stopped)
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

    def see(self, selector: str, what: str) -> "Locator":
        """Wait until it is shown, and return the first of it."""
        from playwright.sync_api import TimeoutError

        found, deadline = self.page.locator(selector).first, time.monotonic() + WAIT_SECONDS
        while True:
            try:
                found.wait_for(timeout=500)
                return found
            except TimeoutError:
                # What cannot come any more is not waited for.
                gave_up = self.scriptless or self.page.locator(GAVE_UP).is_visible()
                if found.is_visible():  # since then; it may be the sign of giving up itself
                    return found
                if gave_up or self.disturbed or time.monotonic() > deadline:
                    break
        if self.out_of_reach and not self.entrypoint.target.demo:
            pytest.skip(f"the page needs {self.out_of_reach[0]}, out of this machine's reach")
        text = " ".join(self.page.locator("body").inner_text().split())[:300]
        said = "; ".join([text or "nothing", *self.complaints])
        raise Unexpected(what, f"not there; the page says: {said}", "on the page")

    def read(self, selector: str, *words: str) -> str:
        """Return the text of what is there, once it has the words, or as it is in the end."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            said = self.page.locator(selector).inner_text()
            if all(one in said for one in words) or self.disturbed or time.monotonic() > deadline:
                return said
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
            "body": self.see(f"{answer} pre", "body of the answer").inner_text(),
        }

    def close(self) -> None:
        """Leave the picture of how it ended, passed or failed, with the entrypoint."""
        try:
            picture = self.page.screenshot(type="jpeg", quality=60, animations="disabled")
            self.entrypoint.screenshot = "data:image/jpeg;base64," + base64.b64encode(picture).decode()
        finally:
            self.context.close()
