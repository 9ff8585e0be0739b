"""`python -m tests.shots`: pictures of the running stack's docs page, through the proxy and at the server
itself, and of the last report, for the site (`make site` takes them where they are)."""

from types import SimpleNamespace

from behindproxy.contract.engine.chromium import Chromium
from behindproxy.stack import state
from behindproxy.stack.paths import BUILD

SHOTS = BUILD / "shots"  # what is before -- is the page that shows it, and what is behind it the caption
REPORT = BUILD / "verify" / "report.html"
SIZE = {"width": 1200, "height": 520}


def addresses() -> dict[str, tuple[str, str]]:
    """Each picture's name, its address, and what is there once the page is drawn."""
    running = state.load()
    if not running:
        raise SystemExit("the stack is not running: make up")
    proxied, direct = (running[1].url(entrypoint).rstrip("/") for entrypoint in ("http", "direct"))
    result = {
        "openapi-not-found--the-docs-page-through-the-proxy": (f"{proxied}/docs", ".opblock"),
        "openapi-not-found--the-same-page-at-the-server-itself": (f"{direct}/docs", ".errors-wrapper"),
    }
    if REPORT.exists():
        result["verify--a-report"] = (REPORT.as_uri(), "table")
    return result


def main() -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    browser = Chromium(SimpleNamespace(addresses={}))  # no https: no certificate to know
    try:
        for name, (url, selector) in addresses().items():
            page = browser.browser.new_page(viewport=SIZE)
            page.goto(url)
            page.wait_for_selector(selector)
            page.screenshot(path=SHOTS / f"{name}.png", animations="disabled")
            print(SHOTS / f"{name}.png")
    finally:
        browser.close()


if __name__ == "__main__":
    main()
