"""Redirects that the application makes lead back through the entrypoint the request came in by."""

import httpx
import pytest

from ..engine.answers import REDIRECTS, parts, resolved
from ..engine.check import EVERYWHERE, PUBLIC, check
from ..engine.entrypoint import Entrypoint
from ..engine.expect import Expect
from ..engine.inventory import Redirect
from .test_links import is_nothing, within
from .test_prefix import refused_by

SOURCE = "Behind a Proxy › Redirects with HTTPS"
LOST_FIX = (
    "If the prefix is lost, set the server's root path to it (Uvicorn: --root-path), not "
    "FastAPI(root_path=). If the scheme is wrong, let the server trust the proxy's address. If the host "
    "is wrong, let the proxy pass Host on."
)
QUERY_FIX = (
    "Let the proxy pass the query on unchanged (nginx: $is_args$args after a variable in proxy_pass; "
    f"HAProxy: replace-path). {LOST_FIX}"
)


def redirect(entrypoint: Entrypoint, expect: Expect, to_slash: bool | None = None) -> Redirect:
    """Return a redirect that the application has: to its slash, from it, or whichever is first; none of a
    path for which this entrypoint demands credentials."""
    target = entrypoint.target
    for one in target.inventory.redirects:
        if to_slash is None or one.to.endswith("/") == to_slash:
            expect.subject = one.path
            if target.demo or entrypoint.look(one.path).status_code not in (401, 403):
                return one
    pytest.skip(f"no path redirects {'to' if to_slash else 'away from'} a slash")


def location(entrypoint: Entrypoint, path: str, answer: httpx.Response) -> str:
    """Return where a response leads, as a client resolves it."""
    if not answer.is_redirect:
        return "none"
    return resolved(entrypoint.public(path), answer.headers.get("location", ""))


def expect_redirected(entrypoint: Entrypoint, expect: Expect, one: Redirect) -> None:
    answer = entrypoint.get(one.path)
    if entrypoint.target.demo:
        expect("status", answer.status_code, 307)
    else:
        is_redirect = answer.status_code in REDIRECTS
        expect.that(is_redirect, "status", observed=answer.status_code, expected="a redirect")
    expect("Location", location(entrypoint, one.path, answer), entrypoint.public(one.to))


@check(
    "redirect.keeps_prefix",
    title="A redirect to the slashed path keeps the prefix",
    entrypoints=EVERYWHERE,
    level="broken",
    source=f"{SOURCE}; fastapi/fastapi#10978",
    statement="A redirect to the slashed path keeps scheme, host, port and prefix.",
    fix=LOST_FIX,
    needs=("redirect",),
)
def test_the_slash_redirect_keeps_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    expect_redirected(entrypoint, expect, redirect(entrypoint, expect, to_slash=True))


@check(
    "redirect.arrives",
    title="A redirect's target exists",
    entrypoints=PUBLIC,
    level="broken",
    source=SOURCE,
    statement="A client that follows the redirect gets a page, not a dead link.",
    fix=LOST_FIX,
    needs=("redirect",),
)
def test_the_redirect_arrives(entrypoint: Entrypoint, expect: Expect) -> None:
    one = redirect(entrypoint, expect)
    url = location(entrypoint, one.path, entrypoint.get(one.path))
    inside = url.startswith(entrypoint.origin + "/")
    expect.that(inside, "Location", observed=url, expected=f"{entrypoint.origin}/…")
    answer = entrypoint.ask("GET", url.removeprefix(entrypoint.origin))
    if entrypoint.target.demo:
        expect("body", expect.json(answer), ["plumbus", "portal gun"])
    else:
        there = entrypoint.target.inventory.answers[one.to].status
        nothing = not within(parts(url).path, entrypoint.prefix) and is_nothing(entrypoint, answer)
        expect("status of its target", "200 and nothing" if nothing else answer.status_code, there)


@check(
    "redirect.keeps_query",
    title="A redirect keeps the query byte for byte",
    entrypoints=EVERYWHERE,
    level="broken",
    source=SOURCE,
    statement="A redirect keeps the query unchanged, with repeated keys and percent-encoding.",
    fix=QUERY_FIX,
    needs=("redirect",),
)
def test_the_redirect_keeps_the_query(entrypoint: Entrypoint, expect: Expect) -> None:
    one, query = redirect(entrypoint, expect), "a=1&a=2&b=%2F%20&c=%C3%A9&d"
    url = location(entrypoint, one.path, entrypoint.get(f"{one.path}?{query}"))
    if entrypoint.target.demo:
        expect("Location", url, entrypoint.public(f"{one.to}?{query}"))
    else:
        expect("query", parts(url).query, query)


@check(
    "redirect.keeps_method",
    title="A POST is redirected as a POST (307)",
    entrypoints=EVERYWHERE,
    level="broken",
    source=SOURCE,
    statement="The redirect does not turn a POST into a GET.",
    fix=LOST_FIX,
    needs=("redirect",),
    unsafe=True,
)
def test_a_post_is_redirected_as_a_post(entrypoint: Entrypoint, expect: Expect) -> None:
    one = redirect(entrypoint, expect)
    answer = entrypoint.request("POST", one.path, json={"name": "portal gun"})
    if not answer.is_redirect and not entrypoint.target.demo:
        pytest.skip(f"{one.path} does not redirect a POST")
    expect.that(
        answer.status_code in (307, 308), "status", observed=answer.status_code, expected="307 or 308"
    )
    expect("Location", location(entrypoint, one.path, answer), entrypoint.public(one.to))


@check(
    "redirect.removes_slash",
    title="A redirect that removes a slash keeps the prefix",
    entrypoints=EVERYWHERE,
    level="broken",
    source=SOURCE,
    statement="A redirect to the path without a slash keeps scheme, host, port and prefix too.",
    fix=LOST_FIX,
    needs=("redirect",),
)
def test_the_redirect_away_from_a_slash_keeps_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    expect_redirected(entrypoint, expect, redirect(entrypoint, expect, to_slash=False))


@check(
    "redirect.keeps_missing_port",
    title="A Host without a port leads to a Location without one",
    entrypoints=PUBLIC,
    level="hardening",
    source=f"{SOURCE}; nginx-proxy/nginx-proxy#2386",
    statement=(
        "The Location has the host exactly as the client wrote it, so a port mapped elsewhere is not added."
    ),
    fix=(
        "Build links with request.url_for, and let the proxy pass Host on: a Host pinned by the proxy, "
        "or code that builds URLs from X-Forwarded-Port, rewrites the port."
    ),
    needs=("redirect",),
)
def test_a_host_without_a_port_gives_a_location_without_one(entrypoint: Entrypoint, expect: Expect) -> None:
    one, host = redirect(entrypoint, expect), entrypoint.address.bracketed_host
    answer = entrypoint.get(one.path, headers={"Host": host})
    if not answer.is_redirect and not entrypoint.target.demo:
        pytest.skip("the deployment does not accept its host without the port")
    base = f"{entrypoint.scheme}://{host}{entrypoint.prefix}"
    expect("Location", resolved(base + one.path, answer.headers.get("location", "")), base + one.to)


@check(
    "redirect.start_page",
    title="The bare prefix reaches the application",
    entrypoints=PUBLIC,
    level="broken",
    source="Behind a Proxy › Proxy with a stripped path prefix",
    statement="The bare prefix reaches the application, and does not lead outside the prefix.",
    fix=(
        "Let the rule match the bare prefix as well as the prefix with a slash after it, and strip the "
        "prefix without a trailing slash."
    ),
    needs=("prefix",),
)
def test_the_bare_prefix_leads_into_the_application(entrypoint: Entrypoint, expect: Expect) -> None:
    start = entrypoint.target.inventory.answers.get("/")
    if not entrypoint.target.demo and (start is None or start.status >= 400):
        pytest.skip("the application has no start page")
    for path in (entrypoint.prefix, f"{entrypoint.prefix}/"):
        expect.subject, answer = path, entrypoint.ask("GET", path)
        if entrypoint.target.demo:
            expect.that(
                answer.status_code in (200, 307),
                f"status of {path}",
                observed=answer.status_code,
                expected="200 or 307",
            )
        elif start and not answer.is_redirect:
            kind = answer.headers.get("content-type", "").partition(";")[0]
            expect.that(
                answer.status_code < 400 and (kind == start.kind or start.status in REDIRECTS),
                f"answer to {path}",
                observed=refused_by(entrypoint, answer)
                if answer.status_code >= 400
                else f"{kind or 'no content type'}",
                expected=f"the start page's ({start.status} {start.kind}), or a redirect to it",
            )
        if answer.is_redirect:
            url = resolved(entrypoint.origin + path, answer.headers.get("location", ""))
            leads = url.startswith(entrypoint.public("/")) or url == entrypoint.public("")
            elsewhere = start is not None and start.status in REDIRECTS and not leads
            if not elsewhere or entrypoint.target.demo:  # application.redirects judges the application's own
                expect.that(leads, f"Location of {path}", observed=url, expected=entrypoint.public("/") + "…")


@check(
    "redirect.to_https",
    title="http redirects to the same URL on https",
    entrypoints=("http",),
    level="broken",
    source="RFC 9110 › 15.4",
    statement=(
        "Where http redirects to https, host, prefix, path and query stay, and the port is that of https."
    ),
    fix=(
        "Redirect to https with the request's own host, path and query, and the port of the https entrypoint."
    ),
)
def test_http_leads_to_the_same_address_at_https(entrypoint: Entrypoint, expect: Expect) -> None:
    if "http" not in entrypoint.target.redirecting:
        pytest.skip("http does not lead to https")
    secure = entrypoint.target.addresses["https"]
    expect.subject = "/docs?a=%2F"
    answer = entrypoint.get(expect.subject)
    expect("Location", answer.headers.get("location"), secure.origin + secure.prefix + expect.subject)
