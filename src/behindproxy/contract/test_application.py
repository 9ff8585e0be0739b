"""What the application's own routes say of themselves: links, redirects and cookies keep the prefix."""

import json
import re
from html import unescape
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from .check import PUBLIC, check
from .entrypoint import Entrypoint
from .expect import Expect

ROUTES = 40  # of somebody's large application, the first ones
PAGES = 15
REDIRECTS = 5
HREF = re.compile(r"""href=["']([^"'#?]+)""")
LINK = re.compile(r"""https?://[^\s"'<>\\]+|(?<=href=["'])/[^"']*|(?<=src=["'])/[^"']*""")
HINT = (
    "Build it with request.url_for (or from request.scope['root_path']), in {where}: a path or a "
    "URL put together by hand knows nothing of the prefix."
)


def routes(entrypoint: Entrypoint, expect: Expect) -> list[str]:
    """The GET operations of the schema that need no parameter; without a schema, the pages that the
    first one leads to."""
    if "openapi" in entrypoint.target.lacks:
        return pages(entrypoint)
    found = []
    for path, operations in expect.json(entrypoint.get("/openapi.json"))["paths"].items():
        parameters = operations.get("get", {}).get("parameters", [])
        required = any(one.get("required") for one in parameters)
        if "get" in operations and "{" not in path and not required:
            found.append(path)
    if not found and not entrypoint.target.demo:
        pytest.skip("no operation of the schema works without a parameter")
    expect.that(bool(found), "routes to ask", observed="none", expected="at least one")
    return found[:ROUTES]


def pages(entrypoint: Entrypoint) -> list[str]:
    found: list[str] = []
    left = ["/"]
    while left and len(found) < PAGES:
        found.append(left.pop(0))
        answer = entrypoint.get(found[-1])
        if answer.status_code != 200 or "html" not in answer.headers.get("content-type", ""):
            continue
        for link in HREF.findall(answer.text):
            parts = urlsplit(urljoin(entrypoint.public(found[-1]), unescape(link)))
            path = parts.path.removeprefix(entrypoint.prefix)
            known = path in found or path in left or outside(entrypoint, parts.geturl())
            if parts.hostname == entrypoint.host and path.startswith("/") and not known:
                left.append(path)
    return found


def head(entrypoint: Entrypoint, path: str) -> httpx.Response:
    """The answer's head: a stream may last."""
    with entrypoint.stream("GET", entrypoint.path(path)) as answer:
        return answer


def outside(entrypoint: Entrypoint, url: str) -> bool:
    """Is it this host's, and not under the prefix?"""
    parts = urlsplit(urljoin(entrypoint.origin, url))
    inside = parts.path == entrypoint.prefix or parts.path.startswith(f"{entrypoint.prefix}/")
    return parts.hostname == entrypoint.host and not inside


@check(
    "application.redirects",
    title="No route redirects out of the prefix",
    entrypoints=PUBLIC,
    kind="claim",
    source="Behind a Proxy › Redirects with HTTPS; fastapi#1441",
    statement="Each redirect of a route in the schema leads to an address under the prefix, and not in a "
    "circle.",
    hint=HINT.format(where='the route that answers the redirect, not RedirectResponse("/…")'),
    needs=("prefix",),
)
def test_no_route_redirects_out_of_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    first: dict[str, str] = {}

    def location_of(path: str) -> str:
        return str(head(entrypoint, path).headers.get("location", ""))

    def leads_outside(path: str) -> str:
        first[path] = location_of(path)
        return first[path] if first[path] and outside(entrypoint, first[path]) else ""

    def leads_to_itself(path: str) -> str:
        visited, location = {path}, first[path]
        while location:
            path = urlsplit(urljoin(entrypoint.public(path), location)).path.removeprefix(entrypoint.prefix)
            path = path or "/"  # the bare prefix
            if path in visited:
                return location
            if not path.startswith("/") or len(visited) > REDIRECTS:
                break
            visited.add(path)
            location = location_of(path)
        return ""

    paths = routes(entrypoint, expect)
    expect("redirects outside", entrypoint.each(paths, leads_outside), dict.fromkeys(paths, ""))
    expect("redirects to themselves", entrypoint.each(paths, leads_to_itself), dict.fromkeys(paths, ""))


@check(
    "application.links",
    title="No answer links past the prefix",
    entrypoints=PUBLIC,
    kind="claim",
    source="Behind a Proxy › How Proxy Forwarded Headers Work; stac-fastapi-pgstac#220",
    statement="Each link to this host in a route's JSON or HTML is under the prefix.",
    hint=HINT.format(where="the route that answers it"),
    needs=("prefix",),
)
def test_no_answer_links_past_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    def wrong(path: str) -> list[str]:
        with entrypoint.stream("GET", entrypoint.path(path)) as answer:
            kind = answer.headers.get("content-type", "")
            if not kind.startswith(("application/json", "text/html")):
                return []
            answer.read()
            return sorted({link for link in LINK.findall(answer.text) if outside(entrypoint, link)})

    paths = routes(entrypoint, expect)
    expect("links outside", entrypoint.each(paths, wrong), dict.fromkeys(paths, []))


@check(
    "application.cookies",
    title="No cookie is for the whole host",
    entrypoints=PUBLIC,
    kind="claim",
    source="Behind a Proxy › Proxy with a stripped path prefix; starlette#233, #1512",
    statement="A cookie that a route sets has the prefix as its path: siblings on the host get none.",
    hint=(
        "set_cookie needs path=request.scope['root_path'], and SessionMiddleware needs "
        "path=os.environ['API_PREFIX']: without a path it is /, and every application on this host gets "
        "the cookie and may overwrite it."
    ),
    needs=("prefix",),
)
def test_no_cookie_is_for_the_whole_host(entrypoint: Entrypoint, expect: Expect) -> None:
    def wide(path: str) -> list[str]:
        set_ = head(entrypoint, path).headers.get_list("set-cookie")
        return [line for line in set_ if outside(entrypoint, cookie_path(line, entrypoint.path(path)))]

    paths = routes(entrypoint, expect)
    expect("cookies outside", entrypoint.each(paths, wide), dict.fromkeys(paths, []))


def cookie_path(line: str, path: str) -> str:
    """Where a Set-Cookie line holds; without Path, the folder of what was asked (RFC 6265 › 5.1.4)."""
    named = re.search(r";\s*path=([^;]*)", line, re.IGNORECASE)
    return named[1] if named else path.rpartition("/")[0] or "/"


@check(
    "application.token_url",
    title="The schema's own addresses keep the prefix",
    entrypoints=PUBLIC,
    kind="claim",
    source="Behind a Proxy › Check the docs UI; fastapi#5778",
    statement=(
        "tokenUrl, authorizationUrl and refreshUrl in the schema are relative, or lead to an "
        "address under the prefix: Authorize in the docs sends its requests there."
    ),
    hint='Write tokenUrl="token", without the slash in front: it is then relative to the server.',
    needs=("openapi", "prefix"),
)
def test_the_schema_s_own_addresses_keep_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    document = expect.json(entrypoint.get("/openapi.json"))
    text = json.dumps(document.get("components", {}).get("securitySchemes", {}))
    found = re.findall(r'"(?:token|authorization|refresh)Url": "([^"]*)"', text)
    base = entrypoint.public("/")
    wrong = [url for url in found if outside(entrypoint, urljoin(base, url))]
    expect("addresses outside", wrong, [])
