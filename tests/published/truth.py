"""What a person meets: a page and what it links to in a real Chromium, with the prefix and without it."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from behindproxy.contract.engine import safety
from behindproxy.contract.engine.chromium import FLAGS, find

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request, Response, WebSocket

PAGES = 5  # beside the first
OPEN_SECONDS, QUIET_SECONDS, MOST_SECONDS = 60, 2, 20
HOSTS = ("localhost", "127.0.0.1")
LINKED_FILES = "link[rel=manifest], link[rel~=icon], link[rel=apple-touch-icon], link[rel=alternate]"
MAX_LINKED_FILES = 8
# A page was left before it came; so ends a style sheet too that is answered with 404 as plain text.
ABORTED = "net::ERR_ABORTED"


@contextmanager
def chromium() -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find(), headless=True, args=list(FLAGS), chromium_sandbox=False
        )
        yield browser
        browser.close()


@dataclass(frozen=True)
class Place:
    """Where an application is opened."""

    origin: str
    prefix: str

    def path_of(self, url: str) -> str:
        """Return the path of an address of this host, without the prefix; with its port where that is
        another one; empty where it is another host's."""
        parts = urlsplit(url)
        if parts.hostname not in HOSTS:
            return ""
        path = parts.path
        if path == self.prefix or path.startswith(f"{self.prefix}/"):
            path = path[len(self.prefix) :] or "/"
        return path if parts.netloc == urlsplit(self.origin).netloc else f"another port {path}"


class Visit:
    """What fails while pages are open."""

    def __init__(self, place: Place):
        self.place, self.failures = place, set[str]()
        self.texts: dict[str, str] = {}  # the failures, with the addresses as they were sent
        self.last = time.monotonic()

    def watch(self, page: "Page") -> None:
        page.on("request", lambda _: self.moved())
        # Not when it is finished: the body of a script's 404 may not be read, and it then fails as aborted.
        page.on("response", self.answered)
        page.on("requestfinished", lambda _: self.moved())
        page.on("requestfailed", self.failed)
        page.on("websocket", self.opened)
        page.on("pageerror", lambda error: self.note("script error", str(error)))
        page.on("console", lambda one: self.complained(one.text) if one.type == "error" else None)

    def moved(self) -> None:
        self.last = time.monotonic()

    def answered(self, response: "Response") -> None:
        self.moved()
        if response.status >= 400:
            self.note(f"{response.status} {response.request.method}", response.url)

    def failed(self, request: "Request") -> None:
        self.moved()
        cut = request.failure == ABORTED
        if not cut or (request.resource_type in ("stylesheet", "script") and not request.response()):
            self.note(f"no answer to {request.method}", request.url)

    def opened(self, socket: "WebSocket") -> None:
        self.moved()
        socket.on("socketerror", lambda _: self.note("WebSocket", socket.url))

    def complained(self, text: str) -> None:
        if match := re.match(r"WebSocket connection to '([^']+)' failed", text):
            self.note("WebSocket", match[1])

    def note(self, kind: str, what: str) -> None:
        if kind == "script error":
            path = re.sub(r"https?://[^\s/]+", "", what.splitlines()[0] if what else "")
            path = re.sub(r"\d+", "#", path.replace(self.place.prefix + "/", "/"))
        else:
            path = self.place.path_of(what)
        if path:
            # Ids of sessions and of files differ each time.
            key = f"{kind} {re.sub(r'[0-9a-f-]{12,}', '#', path)}"
            self.failures.add(key)
            self.texts.setdefault(key, f"{kind} {urlsplit(what).path if kind != 'script error' else what}")

    def settle(self, page: "Page") -> None:
        """Wait until the page has sent nothing for a while, or for as long as one may take."""
        deadline = time.monotonic() + MOST_SECONDS
        while time.monotonic() < min(deadline, self.last + QUIET_SECONDS):
            page.wait_for_timeout(100)

    def fetch(self, page: "Page") -> None:
        """Get what a page names and a browser may get later: its manifest, its icons, its other forms."""
        hrefs = page.eval_on_selector_all(LINKED_FILES, "links => links.map((link) => link.href)")
        for url in hrefs[:MAX_LINKED_FILES]:
            if self.place.path_of(url) and (status := page.request.get(url).status) >= 400:
                self.note(f"{status} GET", url)


def visit(browser: "Browser", place: Place, start: str) -> Visit:
    """Open the first page and what it links to."""
    from playwright.sync_api import Error

    result = Visit(place)
    context = browser.new_context(ignore_https_errors=True)
    context.set_default_timeout(OPEN_SECONDS * 1000)
    try:
        page = context.new_page()
        result.watch(page)
        visits, waiting = set[str](), [place.origin + place.prefix + start]
        while waiting and len(visits) <= PAGES:
            url = waiting.pop(0)
            if (path := place.path_of(url)) in visits:
                continue
            visits.add(path)
            try:
                page.goto(url, wait_until="load")
            except Error as error:
                # A file that is downloaded is no page.
                if "Download is starting" not in error.message and "ERR_ABORTED" not in error.message:
                    result.note("no answer to GET", url)
                continue
            result.settle(page)
            result.fetch(page)
            links = page.eval_on_selector_all("a[href]", "links => links.map((link) => link.href)")
            waiting += [one.partition("#")[0] for one in links if follows(place, one)]
    finally:
        context.close()
    return result


def follows(place: Place, url: str) -> bool:
    own = urlsplit(url).netloc == urlsplit(place.origin).netloc
    return own and not safety.CAREFUL.search(urlsplit(url).path)
