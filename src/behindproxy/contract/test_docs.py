"""The documentation pages, and the schema they load, work where the public finds them."""

import re
from urllib.parse import urljoin

import pytest

from .check import EVERYWHERE, PUBLIC, check
from .entrypoint import Entrypoint
from .expect import Expect

SOURCE = "Behind a Proxy › Check the docs UI"
HINT = (
    "The page does not know the prefix: root_path is missing or differs from what the proxy "
    "strips. Set API_PREFIX in .env and `make up`; a page of your own must build its URLs from "
    "request.scope['root_path']."
)
SCHEMA_URL = re.compile(r"""["']?\burl["']?\s*:\s*["']([^"']+)["']""")
OAUTH2_REDIRECT = re.compile(r"oauth2RedirectUrl\W+window\.location\.origin\s*\+\s*[\"']([^\"']+)[\"']")
SPEC_URL = re.compile(r"""spec-url\s*=\s*["']([^"']+)["']""")
ASSET = re.compile(r"""<(?:script|link)\b[^>]*?\b(?:src|href)\s*=\s*["']([^"']+)["']""")


def named(pattern: re.Pattern[str], page: str) -> str:
    found = pattern.search(page)
    return found[1] if found else "nothing"


@check(
    "openapi.servers",
    title="The schema's servers begin with the prefix",
    entrypoints=EVERYWHERE,
    kind="claim",
    source=(
        "Behind a Proxy › Additional servers; Behind a Proxy › Disable automatic server from "
        "root_path; fastapi#14986"
    ),
    statement=(
        "FastAPI puts the prefix first in `servers`, the given ones follow in their order, and the "
        "next request gets the same; with root_path_in_servers=False the prefix is left out."
    ),
    hint=HINT,
    needs=("openapi", "prefix"),
)
def test_the_schemas_servers_begin_with_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    own = [entrypoint.prefix] if entrypoint.target.root_path_in_servers else []
    for _ in range(2):
        schema = expect.json(entrypoint.get("/openapi.json"))
        urls = [server["url"] for server in schema.get("servers", [])]
        if entrypoint.target.extra_servers is None:
            expect("first server", urls[:1], own)
            expect(
                "times the prefix is listed",
                [url.rstrip("/") for url in urls].count(entrypoint.prefix),
                len(own),
            )
        else:
            expect("servers", urls, own + entrypoint.target.extra_servers)


@check(
    "openapi.paths_unprefixed",
    title="The schema's paths are written without the prefix",
    entrypoints=EVERYWHERE,
    kind="claim",
    source="Behind a Proxy › Proxy with a stripped path prefix",
    statement=(
        "The code is written as if there were no prefix, and the schema says the same; `servers` adds it."
    ),
    hint="A route or router carries the prefix itself. Remove it from the code: the proxy adds it.",
    needs=("openapi", "prefix"),
)
def test_the_schemas_paths_have_no_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    paths = list(expect.json(entrypoint.get("/openapi.json"))["paths"])
    if not paths and not entrypoint.target.demo:
        pytest.skip("the schema has no paths")
    expect.that(bool(paths), "paths", observed=paths, expected="at least one")
    prefixed = [
        path for path in paths if path == entrypoint.prefix or path.startswith(entrypoint.prefix + "/")
    ]
    expect.that(not prefixed, "paths that carry the prefix", observed=prefixed, expected="none")


@check(
    "docs.names_schema",
    title="The docs page names the prefixed schema",
    entrypoints=EVERYWHERE,
    kind="claim",
    source=SOURCE,
    statement=("The docs page names the schema under the prefix, where a browser at the proxy finds it."),
    hint=HINT,
    needs=("docs", "openapi"),
)
def test_the_docs_page_names_the_prefixed_schema(entrypoint: Entrypoint, expect: Expect) -> None:
    page = expect.html(entrypoint.get("/docs"))
    expect("schema named by /docs", named(SCHEMA_URL, page), f"{entrypoint.prefix}/openapi.json")


@check(
    "docs.schema_answers",
    title="The schema that the docs name answers",
    entrypoints=PUBLIC,
    kind="claim",
    source=SOURCE,
    statement="At the proxy, the schema URL in the docs page is one that answers.",
    hint=HINT,
    needs=("docs", "openapi"),
)
def test_the_named_schema_answers(entrypoint: Entrypoint, expect: Expect) -> None:
    url = named(SCHEMA_URL, expect.html(entrypoint.get("/docs")))
    expect.that(
        url.startswith("/") and not url.startswith("//"),
        "schema",
        observed=url,
        expected="a path of this origin",
    )
    schema = expect.json(entrypoint.ask("GET", url))
    expect.that("openapi" in schema, "schema", observed=list(schema), expected="an OpenAPI document")


@check(
    "docs.direct_is_for_the_proxy",
    title="The server itself has no prefixed schema",
    entrypoints=("direct",),
    kind="claim",
    source=SOURCE,
    statement=(
        "The docs page of the server itself expects to be seen through the proxy, so its schema "
        "is a 404 there."
    ),
    hint=(
        "The server answers prefixed paths too: FastAPI(root_path=) or RootPath without "
        "prepending, behind a proxy that strips. Every route has a second address then."
    ),
    needs=("strip", "docs", "openapi", "prefix"),
)
def test_the_docs_schema_is_not_found_at_the_server(entrypoint: Entrypoint, expect: Expect) -> None:
    url = named(SCHEMA_URL, expect.html(entrypoint.get("/docs")))
    expect("schema named by /docs", url, f"{entrypoint.prefix}/openapi.json")
    expect("its status here", entrypoint.ask("GET", url).status_code, 404)


@check(
    "docs.oauth2_redirect",
    title="The OAuth2 redirect page has the prefix",
    entrypoints=PUBLIC,
    kind="claim",
    source=f"{SOURCE}; fastapi#1159",
    statement=(
        "The page that an authorization server sends the browser back to exists at the address given to it."
    ),
    hint=HINT,
    needs=("docs",),
)
def test_the_oauth2_redirect_page_is_under_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    path = named(OAUTH2_REDIRECT, expect.html(entrypoint.get("/docs")))
    expect("oauth2RedirectUrl", path, f"{entrypoint.prefix}/docs/oauth2-redirect")
    expect.html(entrypoint.ask("GET", path))


@check(
    "docs.redoc",
    title="ReDoc names the prefixed schema",
    entrypoints=EVERYWHERE,
    kind="claim",
    source=SOURCE,
    statement="ReDoc names the schema under the prefix.",
    hint=HINT,
    needs=("redoc", "openapi"),
)
def test_redoc_names_the_prefixed_schema(entrypoint: Entrypoint, expect: Expect) -> None:
    page = expect.html(entrypoint.get("/redoc"))
    expect("schema named by /redoc", named(SPEC_URL, page), f"{entrypoint.prefix}/openapi.json")


@check(
    "docs.assets_same_origin",
    title="The docs need nothing from elsewhere",
    entrypoints=PUBLIC,
    kind="claim",
    source="fastapi#2949",
    statement=("A docs page needs nothing from another origin: each asset is under the prefix and answers."),
    hint=(
        "The page loads its assets from elsewhere or without the prefix: app/docs.py builds "
        "their URLs from root_path."
    ),
    needs=("docs", "redoc"),
)
def test_the_assets_of_the_docs_are_the_applications_own(entrypoint: Entrypoint, expect: Expect) -> None:
    for path in ("/docs", "/redoc"):
        found = ASSET.findall(expect.html(entrypoint.get(path)))
        assets = [urljoin(entrypoint.url + path, url) for url in found if not url.startswith("data:")]
        elsewhere = [url for url in assets if not url.startswith(entrypoint.public("/"))]
        if elsewhere and not entrypoint.target.demo:
            pytest.skip(f"{path} loads its assets from a CDN")
        expect.that(not elsewhere, f"assets of {path} from elsewhere", observed=elsewhere, expected="none")
        expect.that(bool(assets), f"assets of {path}", observed=assets, expected="at least one")
        for url in assets:
            asset = url.removeprefix(entrypoint.origin)
            expect(f"status of {asset}", entrypoint.ask("HEAD", asset).status_code, 200)
