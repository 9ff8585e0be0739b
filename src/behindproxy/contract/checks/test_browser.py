"""What a person sees: the documentation pages in a real Chromium."""

import json
from collections.abc import Iterator

import pytest

from ..engine.browser import Page, undisturbed
from ..engine.check import PUBLIC, check
from ..engine.chromium import Chromium, NoBrowser
from ..engine.entrypoint import Entrypoint
from ..engine.expect import Expect, Unexpected

SOURCE = "Behind a Proxy › Check the docs UI"
FIX = (
    "Compare openapi.servers and docs.names_schema: the page or the schema lacks the prefix, or has it "
    "twice. The screenshot is in report.html."
)
SWAGGER, REDOC = ".opblock", '[data-section-id*="operation/"] h2'
PAGES = {"/docs": SWAGGER, "/sub/docs": SWAGGER, "/redoc": REDOC, "/sub/redoc": REDOC}


@pytest.fixture(scope="module")
def chromium(request: pytest.FixtureRequest) -> Iterator[Chromium]:
    from ..conftest import TARGET

    try:
        browser = Chromium(request.config.stash[TARGET])
    except NoBrowser as reason:
        pytest.skip(str(reason))
    yield browser
    browser.close()


@pytest.fixture
def prefix_in_servers(entrypoint: Entrypoint) -> None:
    if not entrypoint.target.root_path_in_servers:
        pytest.skip("ROOT_PATH_IN_SERVERS=false: Swagger UI does not know the prefix")


@pytest.fixture
def page(request: pytest.FixtureRequest, entrypoint: Entrypoint, expect: Expect) -> Iterator[Page]:
    """Return a page, once the entrypoint is known to be there: a check that is skipped starts no browser."""
    page = Page(request.getfixturevalue("chromium"), entrypoint, expect)
    yield page
    page.close()


def expect_executed(page: Page, mount: str) -> None:
    """GET /app of the application at `mount` answers at the address that the page's reader would request."""
    entrypoint, expect = page.entrypoint, page.expect
    result = page.execute("/app")
    expect("request URL", result["request URL"], entrypoint.public(f"{mount}/app"))
    expect("status", result["status"], "200")
    try:
        body = json.loads(result["body"])
    except ValueError:
        raise Unexpected("body", result["body"], "JSON") from None
    expect("root_path in the body", body.get("root_path"), entrypoint.prefix + mount)


@check(
    "browser.docs",
    title="Execute works in the docs",
    entrypoints=PUBLIC,
    level="broken",
    source=SOURCE,
    statement=(
        "Through the proxy, opening /docs, expanding GET /app and pressing Execute shows 200 with the "
        "body, from a URL under the prefix."
    ),
    fix=FIX,
    needs=("full", "docs", "openapi", "app"),
)
@pytest.mark.usefixtures("prefix_in_servers")
@undisturbed
def test_in_the_docs_execute_gets_the_answer(entrypoint: Entrypoint, page: Page) -> None:
    page.open(entrypoint.url + "/docs")
    expect_executed(page, "")


@check(
    "browser.servers",
    title="The server drop-down starts with the prefix",
    entrypoints=PUBLIC,
    level="broken",
    source="Behind a Proxy › Additional servers",
    statement="Swagger UI lists the prefix first and selects it; the configured servers follow.",
    fix=FIX,
    needs=("full", "docs", "openapi", "prefix"),
)
@pytest.mark.usefixtures("prefix_in_servers")
@undisturbed
def test_the_server_drop_down_begins_with_the_prefix(
    entrypoint: Entrypoint, page: Page, expect: Expect
) -> None:
    page.open(entrypoint.url + "/docs")
    servers = page.see(".servers select", "server drop-down")
    options = [option.get_attribute("value") for option in servers.locator("option").all()]
    expect("first server", options[0], entrypoint.prefix)
    expect("chosen server", servers.input_value(), entrypoint.prefix)
    if entrypoint.target.extra_servers is not None:
        expect("the servers after it", options[1:], entrypoint.target.extra_servers)


@check(
    "browser.redoc",
    title="ReDoc shows the operations",
    entrypoints=PUBLIC,
    level="broken",
    source=SOURCE,
    statement="ReDoc finds the schema through the proxy and shows its first operation.",
    fix=FIX,
    needs=("full", "redoc", "openapi"),
)
@undisturbed
def test_redoc_shows_the_operations(entrypoint: Entrypoint, page: Page) -> None:
    page.open(entrypoint.url + "/redoc")
    page.see(REDOC, "an operation")


@check(
    "browser.sub_docs",
    title="Execute works in the sub-application's docs",
    entrypoints=PUBLIC,
    level="broken",
    source="Behind a Proxy › Mounting a sub-application",
    statement="The mounted application's docs work the same way, under its own path.",
    fix=FIX,
    needs=("full", "docs", "sub"),
)
@undisturbed
def test_in_the_sub_applications_docs_execute_gets_the_answer(entrypoint: Entrypoint, page: Page) -> None:
    page.open(entrypoint.url + "/sub/docs")
    expect_executed(page, "/sub")


@check(
    "browser.same_origin",
    title="No docs page loads anything from another origin",
    entrypoints=PUBLIC,
    level="broken",
    source="fastapi/fastapi#2949",
    statement=(
        "Until they are drawn, the four pages send no request to another origin, and the browser reports no "
        "error: no missing file, no script error, nothing blocked."
    ),
    fix="Serve scripts and styles with the page: one comes from another origin, or is missing.",
    needs=("full", "docs", "redoc", "openapi", "sub"),
)
@undisturbed
def test_no_documentation_page_asks_another_origin(
    entrypoint: Entrypoint, page: Page, expect: Expect
) -> None:
    for path, selector in PAGES.items():
        page.open(entrypoint.url + path)
        try:
            page.see(selector, f"an operation in {path}")
            page.page.wait_for_load_state("networkidle")
        finally:  # a page that stays white for want of a CDN is wrong because of the CDN
            if page.elsewhere and not entrypoint.target.demo:
                pytest.skip(f"{path} loads its assets from a CDN")
            expect("requests to another origin", page.elsewhere, [])
    expect("complaints of the browser", page.complaints, [])


@check(
    "browser.direct_docs",
    title="The docs cannot load their schema on the direct entrypoint",
    entrypoints=("direct",),
    level="hardening",
    source=SOURCE,
    statement=(
        "Without the proxy the page requests the prefixed schema and shows the 404: the docs are meant for "
        "the proxy."
    ),
    fix="Check docs.direct_is_for_the_proxy: every route has a second URL on the server.",
    needs=("full", "strip", "docs", "openapi", "prefix"),
)
@undisturbed
def test_the_docs_at_the_server_cannot_load_their_schema(
    entrypoint: Entrypoint, page: Page, expect: Expect
) -> None:
    page.open(entrypoint.url + "/docs")
    page.see(f".errors-wrapper, {SWAGGER}", "error")
    words = "Failed to load API definition", f"{entrypoint.prefix}/openapi.json"
    text = page.read("#swagger-ui", *words)
    for one in words:
        expect.that(one in text, "error", observed=text, expected=one)


@check(
    "browser.direct_docs_unstripped",
    title="Without stripping, the docs work on the direct entrypoint",
    entrypoints=("direct",),
    level="broken",
    source="Behind a Proxy › Testing locally with Traefik",
    statement=(
        "Where the server has the prefixed path, its own docs load the schema and get a response there."
    ),
    fix=FIX,
    needs=("full", "unstripped", "docs", "openapi", "app"),
)
@pytest.mark.usefixtures("prefix_in_servers")
@undisturbed
def test_without_stripping_the_docs_work_at_the_server(entrypoint: Entrypoint, page: Page) -> None:
    page.open(entrypoint.url + "/docs")
    expect_executed(page, "")
