"""An application's own pages in a real Chromium, whoever wrote them."""

import httpx
import pytest

from ..engine import safety
from ..engine.answers import parts
from ..engine.browser import Page, undisturbed
from ..engine.check import PUBLIC, check
from ..engine.entrypoint import Entrypoint
from ..engine.expect import Expect, Unexpected
from ..engine.inventory import path_in
from .test_application import outside
from .test_browser import chromium, page
from .test_links import leads_elsewhere, twice

__all__ = ["chromium", "page"]  # what pytest finds here
PAGES = 4
WITH_ORIGIN = " with Origin: "
ORIGIN_FIX = (
    "Add the public origin, with its scheme and port, to those that the application or its library accepts: "
    "it refuses the requests of its own pages (the MCP SDK: TransportSecuritySettings(allowed_origins=…); "
    "Panel: --allow-websocket-origin)."
)
MAX_SHOWN = 8


@check(
    "browser.pages",
    title="The application's pages work in a browser",
    entrypoints=PUBLIC,
    level="broken",
    source="RFC 3986 › 5.2; RFC 6454 › 7",
    statement=(
        "The start page and what it links to work in a real browser: no request of theirs fails that does "
        "not fail on the direct entrypoint too, none leaves the prefix for nothing or has it twice, no "
        "WebSocket is refused for its origin, and no script ends in an error that it has only here."
    ),
    fix=(
        "Tell the application the public prefix, in its own setting where it has one, and let its pages "
        "build URLs with it."
    ),
    needs=("full", "page", "prefix"),
)
@undisturbed
def test_the_pages_work_in_a_browser(entrypoint: Entrypoint, page: Page, expect: Expect) -> None:
    inventory = entrypoint.target.inventory
    documentation = {one.path for one in inventory.docs}
    paths = [one.path for one in inventory.pages if one.path not in documentation][:PAGES]
    if not paths:
        pytest.skip("no page was found but the documentation")
    broken: dict[str, list[str]] = {}
    for path in paths:
        counts = len(page.socket_urls), len(page.blocked), len(page.script_errors), set(page.failed_urls)
        page.visit(entrypoint.origin + entrypoint.path(path))
        sockets, blocked, errors, before = counts
        broken[path] = [
            *(wrong for url in page.failed_urls.keys() - before if (wrong := failing(page, url))),
            *(wrong for url in page.socket_urls[sockets:] if (wrong := refused_socket(entrypoint, url))),
            *(wrong for way, url in page.blocked[blocked:] if (wrong := refused(entrypoint, way, url))),
        ]
        if entrypoint.target.has_direct and (errors_here := page.script_errors[errors:]):
            broken[path] += only_here(page, path, errors_here)
        broken[path] = sorted(set(broken[path]))[:MAX_SHOWN]
    if any(broken.values()) and all(
        WITH_ORIGIN in wrong for findings in broken.values() for wrong in findings
    ):
        expect.fix = ORIGIN_FIX
    expect.subject = next((path for path, wrong in broken.items() if wrong), paths[0])
    expect("fails in a browser", broken, dict.fromkeys(paths, []))


def failing(page: Page, url: str) -> str:
    """Return what failed, where the prefix is why; empty where it may be the application's own."""
    entrypoint, status = page.entrypoint, page.failed_urls[url]
    path = parts(url).path
    if status == 0:  # the browser did not read the answer
        status = entrypoint.look_at(path).status_code
    if status < 400 or status in (401, 403, 407, 429) or path == "/favicon.ico":
        return ""
    finding = f"GET {path}: {status}"
    if outside(entrypoint, url):
        return "" if leads_elsewhere(entrypoint, path) else finding
    if twice(path, entrypoint.prefix, entrypoint):
        return finding
    return finding if answers_directly(entrypoint, path) else ""


def answers_directly(entrypoint: Entrypoint, path: str) -> bool:
    """Whether the server itself has what the proxy has not."""
    if not entrypoint.target.has_direct:
        return False
    direct = entrypoint.target.open("direct", Expect())
    try:
        return direct.look(path_in(path, entrypoint.prefix)).status_code < 400
    except (httpx.HTTPError, RuntimeError):
        return False


def refused_socket(entrypoint: Entrypoint, url: str) -> str:
    """Return what a WebSocket's handshake is refused with, which the page's own was not sent for."""
    place = parts(url)
    if place.netloc.lower() != entrypoint.authority.lower():
        return ""
    if outside(entrypoint, url.replace(entrypoint.ws_scheme, entrypoint.scheme, 1)):
        return (
            "" if leads_elsewhere(entrypoint, place.path) else f"WebSocket {place.path}: outside the prefix"
        )
    path = path_in(url, entrypoint.prefix) + (f"?{place.query}" if place.query else "")
    refusal = handshake(entrypoint, path, [("Origin", entrypoint.origin)])
    if "404" in refusal:
        return f"WebSocket {place.path}: {refusal}"
    if refusal and not handshake(entrypoint, path, []):
        return f"WebSocket {place.path}: {refusal}{WITH_ORIGIN}{entrypoint.origin}"
    return ""


def handshake(entrypoint: Entrypoint, path: str, headers: list[tuple[str, str]]) -> str:
    """Return why a WebSocket does not open; empty where it does, or nobody said why not."""
    try:
        with entrypoint.ws(path, headers):
            return ""
    except Unexpected as refusal:
        return refusal.observed.rpartition(": ")[2]
    except (OSError, EOFError, RuntimeError, ValueError):
        return ""


def refused(entrypoint: Entrypoint, method: str, url: str) -> str:
    """Return why a request that was not sent, since it may change something, would fail all the same."""
    place = parts(url)
    if not url.startswith(f"{entrypoint.origin}/") or safety.CAREFUL.search(place.path):
        return ""
    if outside(entrypoint, url):
        return "" if leads_elsewhere(entrypoint, place.path) else f"{method} {place.path}: outside the prefix"
    if twice(place.path, entrypoint.prefix, entrypoint):
        return f"{method} {place.path}: the prefix is there twice"
    path = place.path
    with_origin = status(entrypoint, path, {"Origin": entrypoint.origin})
    if with_origin == 403 and status(entrypoint, path, {}) != 403:
        return f"{method} {path}: 403{WITH_ORIGIN}{entrypoint.origin}"
    return ""


def status(entrypoint: Entrypoint, path: str, headers: dict[str, str]) -> int:
    """Return the status of a GET, after a redirect that adds a slash."""
    answer = entrypoint.begin(path, headers=headers)
    if answer.status_code in (307, 308) and not path.endswith("/"):
        answer = entrypoint.begin(f"{path}/", headers=headers)
    return answer.status_code


def only_here(page: Page, path: str, errors: list[str]) -> list[str]:
    """Return the script errors that the same page does not have at the server itself."""
    direct = page.entrypoint.target.open("direct", Expect())
    counts = len(page.script_errors)
    page.visit(direct.origin + direct.path(path))
    there = set(page.script_errors[counts:])
    return [f"script error: {one.splitlines()[0]}" for one in errors if one not in there]
