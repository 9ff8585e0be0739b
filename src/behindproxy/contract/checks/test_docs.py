"""The documentation pages, and the schema they load, work where the public finds them."""

import re

import httpx
import pytest

from ..engine.answers import parts, resolved
from ..engine.check import EVERYWHERE, PUBLIC, check
from ..engine.discovery import DOCS, SCHEMA_URL, SCHEMAS, SPEC_URL
from ..engine.entrypoint import Entrypoint
from ..engine.expect import Expect
from ..engine.inventory import Docs, servers_of

SOURCE = "Behind a Proxy › Check the docs UI"
OAUTH2_REDIRECT = re.compile(r"oauth2RedirectUrl\W+window\.location\.origin\s*\+\s*[\"']([^\"']+)[\"']")
ASSET = re.compile(r"""<(?:script|link)\b[^<>]*?\b(?:src|href)\s*=\s*["']([^"']+)["']""")


def docs_of(entrypoint: Entrypoint, expect: Expect, kind: str) -> Docs:
    one = next(one for one in entrypoint.target.inventory.docs if one.kind == kind)
    expect.subject = one.path
    return one


def schema_url(entrypoint: Entrypoint, page: Docs, pattern: re.Pattern[str], expect: Expect) -> str:
    """Return the schema that a page names, as a browser on this entrypoint resolves it."""
    url = named(pattern, expect.html(entrypoint.get(page.path)))
    if url == "nothing" and not entrypoint.target.demo:
        pytest.skip(f"{page.path} names its schema in its own way")
    return resolved(entrypoint.public(page.path), url)


def named(pattern: re.Pattern[str], page: str) -> str:
    match = pattern.search(page)
    return match[1] if match else "nothing"


def leads_here(entrypoint: Entrypoint, server: str) -> bool:
    """Whether a server of the schema is this host, however it is written."""
    host = parts(resolved(entrypoint.public("/"), server)).hostname
    return host in {one.host for one in entrypoint.target.addresses.values()}


@check(
    "openapi.servers",
    title="The schema's servers start with the prefix",
    entrypoints=EVERYWHERE,
    level="broken",
    source=(
        "Behind a Proxy › Additional servers; Behind a Proxy › Disable automatic server from "
        "root_path; fastapi/fastapi#14986"
    ),
    statement=(
        "FastAPI puts the prefix first in `servers`, followed by the configured servers in their order, "
        "and the next request gets the same; with root_path_in_servers=False the prefix is left out."
    ),
    fix=(
        "Set the server's root path to the prefix that the proxy strips (Uvicorn, FastAPI CLI: "
        "--root-path), and remove FastAPI(root_path=)."
    ),
    needs=("openapi", "prefix", "root path"),
)
def test_the_schemas_servers_begin_with_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    target = entrypoint.target
    public = entrypoint.prefix + target.inventory.mount
    own = [public] if target.root_path_in_servers else []
    expect.subject = target.inventory.schema_path
    for _ in range(2):
        schema = expect.json(entrypoint.get(target.inventory.schema_path))
        urls = servers_of(schema)
        if not target.ours and urls and not leads_here(entrypoint, urls[0]):
            pytest.skip(f"the schema's first server is another host: {urls[0]}")
        urls = [parts(url).path.rstrip("/") if not target.ours and "//" in url else url for url in urls]
        if entrypoint.target.extra_servers is None:
            expect("first server", urls[:1], own)
            expect("times the prefix is listed", [url.rstrip("/") for url in urls].count(public), len(own))
        else:
            expect("servers", urls, own + entrypoint.target.extra_servers)


@check(
    "openapi.paths_unprefixed",
    title="The schema's paths have no prefix",
    entrypoints=EVERYWHERE,
    level="broken",
    source="Behind a Proxy › Proxy with a stripped path prefix",
    statement=("Code and schema are written as if there were no prefix; `servers` adds it."),
    fix="Remove the prefix from the routes and routers in the code: the proxy strips it.",
    needs=("openapi", "prefix", "root path"),
)
def test_the_schemas_paths_have_no_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    expect.subject = entrypoint.target.inventory.schema_path
    paths = list(expect.json(entrypoint.get(expect.subject))["paths"])
    if not paths and not entrypoint.target.demo:
        pytest.skip("the schema has no paths")
    expect.that(bool(paths), "paths", observed=paths, expected="at least one")
    # A route may be called like the prefix: /items/ under /items is one of its own.
    own = {"/app", "/items/", "/noslash", "/stream"} if entrypoint.target.demo else set()
    prefixed = [path for path in paths if path.startswith(entrypoint.prefix + "/") and path not in own]
    if not entrypoint.target.demo:
        expect.level = "hardening"
    expect.that(not prefixed, "paths that carry the prefix", observed=prefixed, expected="none")


@check(
    "docs.names_schema",
    title="The docs page names the prefixed schema",
    entrypoints=EVERYWHERE,
    level="broken",
    source=SOURCE,
    statement=(
        "The docs page names the schema under the prefix, where a browser finds it through the proxy."
    ),
    fix=(
        "Set the server's root path to what the proxy strips, and build the URLs of a page of your own "
        "from request.scope['root_path']."
    ),
    needs=("docs", "openapi"),
)
def test_the_docs_page_names_the_prefixed_schema(entrypoint: Entrypoint, expect: Expect) -> None:
    page = docs_of(entrypoint, expect, "swagger")
    expected = entrypoint.public(entrypoint.target.inventory.schema_path)
    expect(f"schema named by {page.path}", schema_url(entrypoint, page, SCHEMA_URL, expect), expected)


@check(
    "docs.schema_answers",
    title="The schema URL in the docs page works",
    entrypoints=PUBLIC,
    level="broken",
    source=SOURCE,
    statement="Through the proxy, the schema URL in the docs page returns the schema.",
    fix=(
        "Set the server's root path to what the proxy strips, and build the URLs of a page of your own "
        "from request.scope['root_path']."
    ),
    needs=("docs", "openapi"),
)
def test_the_named_schema_answers(entrypoint: Entrypoint, expect: Expect) -> None:
    page = docs_of(entrypoint, expect, "swagger")
    url = schema_url(entrypoint, page, SCHEMA_URL, expect)
    here = url.startswith(f"{entrypoint.origin}/")
    expect.that(here, "schema", observed=url, expected="a path of this origin")
    schema = expect.json(entrypoint.ask("GET", url.removeprefix(entrypoint.origin)))
    expect.that("openapi" in schema, "schema", observed=list(schema), expected="an OpenAPI document")


@check(
    "docs.direct_is_for_the_proxy",
    title="The direct entrypoint has no prefixed schema",
    entrypoints=("direct",),
    level="hardening",
    source=SOURCE,
    statement=(
        "The docs page is meant to be opened through the proxy, so its schema URL gives 404 on the "
        "direct entrypoint."
    ),
    fix=(
        "Use Uvicorn's --root-path (0.26 or newer), or a middleware that sets root_path and path, and "
        "remove FastAPI(root_path=). Otherwise root_path is not prepended to the stripped path: "
        "Starlette strips it a second time, and every route has a second URL."
    ),
    needs=("strip", "docs", "openapi", "prefix"),
)
def test_the_docs_schema_is_not_found_at_the_server(entrypoint: Entrypoint, expect: Expect) -> None:
    page = docs_of(entrypoint, expect, "swagger")
    url = schema_url(entrypoint, page, SCHEMA_URL, expect)
    expect(f"schema named by {page.path}", url, entrypoint.public(entrypoint.target.inventory.schema_path))
    answer = entrypoint.ask("GET", url.removeprefix(entrypoint.origin))
    if entrypoint.target.inventory.fallback and answer.text == entrypoint.target.inventory.fallback:
        pytest.skip("unknown paths are answered with a page")
    expect("its status here", answer.status_code, 404)


@check(
    "docs.oauth2_redirect",
    title="The OAuth2 redirect page has the prefix",
    entrypoints=PUBLIC,
    level="broken",
    source=f"{SOURCE}; fastapi/fastapi#1159",
    statement=(
        "The page that an authorization server redirects the browser to exists at the URL that it is given."
    ),
    fix=(
        "Set the server's root path to what the proxy strips, and build the URLs of a page of your own "
        "from request.scope['root_path']. If the routes include the prefix themselves, "
        "FastAPI(swagger_ui_oauth2_redirect_url=) needs it too."
    ),
    needs=("docs",),
)
def test_the_oauth2_redirect_page_is_under_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    page = docs_of(entrypoint, expect, "swagger")
    path = named(OAUTH2_REDIRECT, expect.html(entrypoint.get(page.path)))
    if entrypoint.target.demo:
        expect("oauth2RedirectUrl", path, f"{entrypoint.prefix}/docs/oauth2-redirect")
    else:
        if path == "nothing":
            pytest.skip(f"{page.path} names no page for OAuth2")
        if not any("authorizationUrl" in str(one) for one in entrypoint.target.inventory.schemes.values()):
            expect.level = "hardening"  # no scheme of the schema sends a browser there
        inside = path.startswith(f"{entrypoint.prefix}/")
        expect.that(inside, "oauth2RedirectUrl", observed=path, expected=f"under {entrypoint.prefix}/")
    expect.html(entrypoint.ask("GET", path))


@check(
    "docs.redoc",
    title="ReDoc names the prefixed schema",
    entrypoints=EVERYWHERE,
    level="broken",
    source=SOURCE,
    statement="ReDoc names the schema under the prefix.",
    fix=(
        "Set the server's root path to what the proxy strips, and build the URLs of a page of your own "
        "from request.scope['root_path']."
    ),
    needs=("redoc", "openapi"),
)
def test_redoc_names_the_prefixed_schema(entrypoint: Entrypoint, expect: Expect) -> None:
    page = docs_of(entrypoint, expect, "redoc")
    expected = entrypoint.public(entrypoint.target.inventory.schema_path)
    expect(f"schema named by {page.path}", schema_url(entrypoint, page, SPEC_URL, expect), expected)


@check(
    "docs.assets_same_origin",
    title="The docs load nothing from another origin",
    entrypoints=PUBLIC,
    level="broken",
    source="fastapi/fastapi#2949",
    statement=("A docs page needs nothing from another origin: each asset loads from under the prefix."),
    fix=("Build the URLs of the page's assets from root_path, and serve them from the same origin."),
    needs=("docs",),
)
def test_the_assets_of_the_docs_are_the_applications_own(entrypoint: Entrypoint, expect: Expect) -> None:
    for path in [one.path for one in entrypoint.target.inventory.docs]:
        expect.subject = path
        urls = ASSET.findall(expect.html(entrypoint.get(path)))
        assets = [resolved(entrypoint.url + path, url) for url in urls if not url.startswith("data:")]
        elsewhere = [url for url in assets if not url.startswith(entrypoint.public("/"))]
        if elsewhere and not entrypoint.target.demo:
            pytest.skip(f"{path} loads its assets from a CDN")
        expect.that(not elsewhere, f"assets of {path} from elsewhere", observed=elsewhere, expected="none")
        expect.that(bool(assets), f"assets of {path}", observed=assets, expected="at least one")
        for url in assets:
            asset = url.removeprefix(entrypoint.origin)
            expect(f"status of {asset}", entrypoint.ask("HEAD", asset).status_code, 200)


@check(
    "docs.hidden",
    title="Hidden docs pages are not served",
    entrypoints=EVERYWHERE,
    level="exposed",
    source="OWASP API Security Top 10 2023 › API9:2023 Improper Inventory Management; CWE-200",
    statement=(
        "With DOCS=private no docs page and no schema is served on a public entrypoint; with DOCS=off, "
        "on none."
    ),
    fix="Turn the documentation off on the server (FastAPI: openapi_url=None).",
    needs=("hidden docs",),
)
def test_hidden_documentation_is_not_shown(entrypoint: Entrypoint, expect: Expect) -> None:
    target = entrypoint.target
    paths = [*DOCS, *SCHEMAS, "/docs/oauth2-redirect", *(one.path for one in target.inventory.docs)]
    paths += ["/sub/docs", "/sub/redoc", "/sub/openapi.json"] if target.demo else []
    visibility = {path: shows_documentation(entrypoint.get(path)) for path in dict.fromkeys(paths)}
    if entrypoint.name == "direct" and target.docs == "private":
        if not target.demo:
            pytest.skip("clients of the server itself may see it (DOCS=private)")
        both = ("/docs", "/sub/docs")
        expect("shown", {path: visibility[path] for path in both}, dict.fromkeys(both, True))
        return
    expect("shown", visibility, dict.fromkeys(visibility, False))


def shows_documentation(answer: httpx.Response) -> bool:
    signs = ("SwaggerUIBundle", "<redoc", "swaggerUIRedirectOauth2", '"openapi":')
    return answer.status_code == 200 and any(sign in answer.text for sign in signs)
