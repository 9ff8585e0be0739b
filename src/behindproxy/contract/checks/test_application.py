"""The application's own routes: links, redirects and cookies keep the prefix."""

import json
import re
from collections.abc import Iterator

import httpx
import pytest

from ..engine import safety
from ..engine.answers import REDIRECTS as REDIRECTED
from ..engine.answers import URL, cookies, page_of, parseable, parts, requests, resolved
from ..engine.check import PUBLIC, check
from ..engine.entrypoint import OTHER_LOOPBACK, Entrypoint
from ..engine.exchange import STREAM
from ..engine.expect import Expect
from ..engine.inventory import mapping, path_in
from ..engine.lies import FAKE_IP
from .test_links import is_nothing, leads_elsewhere, twice

LOOPBACK = re.compile(r"\b127(?:\.\d{1,3}){3}\b")
# Keys under which an application shows whom it takes for its client, and not the server's own address.
CLIENT = re.compile(r"client|remote|peer|forwarded.?for|(?<![a-z])ip(?![a-z])", re.IGNORECASE)
WORDS = 30  # characters before an address that may say whose it is
MAX_SHOWING = 5
ASSETS = 12
ROUTES = 40  # of somebody's large application, the first ones
PAGES = 8
LINKS = 200  # of one page
REDIRECTS = 5
LINK = re.compile(r"""https?://[^\s"'<>\\]+|(?<=href=["'])/[^"']*|(?<=src=["'])/[^"']*""")
FIX = (
    "In {where}, build the URL with request.url_for (or from request.scope['root_path']){instead}: a path or "
    "URL concatenated by hand lacks the prefix."
)
LOOP_FIX = (
    "Remove one of two redirects that contradict each other, in the proxy and the application or in two "
    "routes: one adds a slash that the other removes, requires https where TLS has already ended, or is a "
    "login page that leads to itself."
)


def routes(entrypoint: Entrypoint, expect: Expect) -> list[str]:
    """Return the paths that were found; of the demonstration, the GET operations of its schema."""
    if not entrypoint.target.demo or entrypoint.target.docs != "public":
        present = [path for path, one in entrypoint.target.inventory.answers.items() if one.kind != STREAM]
        if not present:
            pytest.skip("no path was found (--path names one)")
        return present[:ROUTES]
    matches = []
    for path, operations in expect.json(entrypoint.get("/openapi.json"))["paths"].items():
        parameters = operations.get("get", {}).get("parameters", [])
        required = any(one.get("required") for one in parameters)
        if "get" in operations and "{" not in path and not required:
            matches.append(path)
    expect.that(bool(matches), "routes", observed="none", expected="at least one")
    return matches[:ROUTES]


def outside(entrypoint: Entrypoint, url: str) -> bool:
    """Return whether it is this host's, and not under the prefix."""
    place = parts(resolved(entrypoint.origin, url))
    inside = place.path == entrypoint.prefix or place.path.startswith(f"{entrypoint.prefix}/")
    return place.hostname == entrypoint.host and not inside


@check(
    "application.redirects",
    title="No route redirects out of the prefix, or in a loop",
    entrypoints=PUBLIC,
    level="broken",
    source="Behind a Proxy › Redirects with HTTPS; fastapi/fastapi#1441",
    statement="Each redirect of a route in the schema leads to a URL under the prefix, without a loop.",
    fix=FIX.format(where="the route that redirects", instead=', not RedirectResponse("/…")'),
)
def test_no_route_redirects_out_of_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    first: dict[str, str] = {}

    def location_of(path: str) -> str:
        """Where it leads, as a client resolves it; empty where nobody should follow."""
        location = str(entrypoint.look(path).headers.get("location", ""))
        url = resolved(entrypoint.origin + entrypoint.path(path), location) if location else ""
        return "" if safety.CAREFUL.search(parts(url).path) else url

    def leads_outside(path: str) -> str:
        url = first[path] = location_of(path)
        if not parseable(url):
            return f"{url}, which is not a URL"
        if not url or not outside(entrypoint, url):
            return ""
        theirs = not entrypoint.target.demo and leads_elsewhere(entrypoint, parts(url).path)
        return "" if theirs else url

    def leads_to_itself(path: str) -> str:
        visited, location = {path}, first[path]
        while location.startswith(f"{entrypoint.origin}/"):  # another host's are its own
            path = parts(resolved(entrypoint.public(path), location)).path.removeprefix(entrypoint.prefix)
            path = path or "/"  # the bare prefix
            if path in visited:
                return location
            if not path.startswith("/"):
                break
            if len(visited) > REDIRECTS:
                return f"{location}, and on"
            visited.add(path)
            location = location_of(path)
        return ""

    paths = routes(entrypoint, expect)
    expect("redirects outside", entrypoint.each(paths, leads_outside), dict.fromkeys(paths, ""))
    expect.fix = LOOP_FIX
    expect("redirects to themselves", entrypoint.each(paths, leads_to_itself), dict.fromkeys(paths, ""))


@check(
    "application.links",
    title="No response links outside the prefix",
    entrypoints=PUBLIC,
    level="broken",
    source="Behind a Proxy › How Proxy Forwarded Headers Work; stac-utils/stac-fastapi-pgstac#220",
    statement=(
        "Each link to this host in a route's HTML or JSON is under the prefix, or belongs to another "
        "application there."
    ),
    fix=FIX.format(where="the route that returns it", instead=""),
    needs=("prefix",),
)
def test_no_answer_links_past_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    def wrong(path: str) -> list[str]:
        answer = entrypoint.look(path)
        if answer.kind not in ("application/json", "text/html"):
            return []
        if entrypoint.target.demo:
            return sorted({link for link in LINK.findall(answer.text) if outside(entrypoint, link)})
        if answer.kind != "text/html":
            return []  # links.prefix compares the absolute ones
        page = page_of(answer.text)
        links = list(dict.fromkeys(page.links))[:LINKS]
        urls = {link: page.resolve(entrypoint.origin + entrypoint.path(path), link) for link in links}
        return sorted(link for link, url in urls.items() if leads_past(entrypoint, link, url))

    paths = routes(entrypoint, expect)
    expect_none(entrypoint, expect, "links outside", entrypoint.each(paths, wrong))


def leads_past(entrypoint: Entrypoint, link: str, url: str) -> bool:
    """Whether a link that is no absolute URL leads out of the prefix, to nothing or past this application."""
    if URL.match(link) or not url.startswith(f"{entrypoint.origin}/") or not outside(entrypoint, url):
        return False
    return not leads_elsewhere(entrypoint, parts(url).path)


def expect_none(entrypoint: Entrypoint, expect: Expect, what: str, answers: dict[str, list[str]]) -> None:
    """Expect that no path has anything wrong; the first that has is the subject."""
    expect.subject = next((path for path, wrong in answers.items() if wrong), next(iter(answers), ""))
    expect(what, answers, dict.fromkeys(answers, []))


@check(
    "application.assets",
    title="A page's scripts, styles and images load",
    entrypoints=PUBLIC,
    level="broken",
    source="Kludex/starlette#2400; RFC 3986 › 5.2",
    statement=(
        "Each script, style sheet and image of a page, including the page at the bare prefix, loads from "
        "the URL in the page."
    ),
    fix=(
        "Build the URL with request.url_for, or put the prefix into the page (<base href>): a URL that "
        "starts with a slash leaves the prefix, and a relative one needs a page whose own URL ends with "
        "a slash."
    ),
    needs=("page",),
)
def test_what_a_page_loads_answers(entrypoint: Entrypoint, expect: Expect) -> None:
    def dead(target: str) -> list[str]:
        answer, hops = entrypoint.look_at(target), 0
        while answer.status_code in REDIRECTED and hops < REDIRECTS:
            url = resolved(entrypoint.origin + target, answer.headers.get("location", ""))
            if not url.startswith(entrypoint.origin + "/"):
                return []
            target, hops = url.removeprefix(entrypoint.origin), hops + 1
            answer = entrypoint.look_at(target)
        if answer.status_code != 200 or "html" not in answer.kind:
            return []
        page = page_of(answer.text)
        urls = {asset: page.resolve(entrypoint.origin + target, asset) for asset in page.assets}
        own = {asset: url for asset, url in urls.items() if url.startswith(f"{entrypoint.origin}/")}
        return sorted(asset for asset, url in list(own.items())[:ASSETS] if is_dead(entrypoint, url))

    pages = [entrypoint.path(one.path) for one in entrypoint.target.inventory.pages[:PAGES]]
    if "/" in {one.path for one in entrypoint.target.inventory.pages} and entrypoint.prefix:
        pages.append(entrypoint.prefix)
    expect_none(entrypoint, expect, "loads what does not exist", entrypoint.each(pages, dead))


def is_dead(entrypoint: Entrypoint, url: str) -> bool:
    """Whether a file that a page loads is not there, or a page stands in its place."""
    answer = entrypoint.look_at(url.removeprefix(entrypoint.origin).partition("#")[0])
    if answer.status_code in (401, 403):
        return False
    is_file = bool(re.search(r"\.(m?js|css|png|jpe?g|svg|ico|woff2?|map)$", parts(url).path))
    if outside(entrypoint, url) and is_nothing(entrypoint, answer):
        return True
    return answer.status_code >= 400 or (is_file and answer.kind == "text/html")


@check(
    "application.requests",
    title="A script's requests stay under the prefix",
    entrypoints=PUBLIC,
    level="broken",
    source="RFC 3986 › 5.2",
    statement=(
        "A request that a page's script sends to a fixed path gets a response: it does not leave the prefix."
    ),
    fix=(
        "Resolve the path against the page (document.baseURI), or build it with the prefix: a path that "
        "starts with a slash belongs to the host, not to the application."
    ),
    needs=("page", "prefix"),
)
def test_what_a_script_sends_stays_under_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    def leads_out(path: str) -> list[str]:
        page = page_of(entrypoint.look(path).text)
        here = entrypoint.origin + entrypoint.path(path)
        scripts = list(page.scripts)
        for asset in page.assets[:ASSETS]:
            url = page.resolve(here, asset)
            if url.startswith(f"{entrypoint.origin}/") and re.search(r"\.m?js$", parts(url).path):
                script = entrypoint.look_at(url.removeprefix(entrypoint.origin))
                if script.status_code == 404:  # where the application has it
                    script = entrypoint.look(path_in(url, entrypoint.prefix))
                scripts.append(script.text if script.status_code == 200 else "")
        urls = {one: page.resolve(here, one) for one in requests(scripts)}
        return sorted(one for one, url in urls.items() if leads_past(entrypoint, one, url))

    pages = [one.path for one in entrypoint.target.inventory.pages[:PAGES]]
    expect_none(entrypoint, expect, "requests outside", entrypoint.each(pages, leads_out))


@check(
    "application.cookies",
    title="No cookie applies to the whole host",
    entrypoints=PUBLIC,
    level="hardening",
    source="Behind a Proxy › Proxy with a stripped path prefix; Kludex/starlette#233, Kludex/starlette#1512",
    statement=(
        "A cookie that a route sets has the prefix as its path: other applications on the host do not get it."
    ),
    fix=(
        "Pass path=request.scope['root_path'] to set_cookie, and path=\"/prefix\" to SessionMiddleware: "
        "without it the path is /, and every application on this host gets the cookie and can overwrite "
        "it."
    ),
    needs=("prefix",),
)
def test_no_cookie_is_for_the_whole_host(entrypoint: Entrypoint, expect: Expect) -> None:
    def wide(path: str) -> list[str]:
        set_ = cookies(entrypoint.look(path).headers)
        paths = {line: cookie_path(line, entrypoint.path(path)) for line in set_}
        if any(twice(one, entrypoint.prefix, entrypoint) for one in paths.values()):
            expect.level = "broken"  # no browser ever sends it back
        return [
            line
            for line, one in paths.items()
            if outside(entrypoint, one) or twice(one, entrypoint.prefix, entrypoint)
        ]

    inventory = entrypoint.target.inventory
    paths = routes(entrypoint, expect) if entrypoint.target.demo else inventory.cookies
    if not paths:
        pytest.skip("no response to GET sets a cookie")
    expect_none(entrypoint, expect, "cookies outside", entrypoint.each(paths, wide))


@check(
    "application.cookies_secure",
    title="A cookie set over https is Secure",
    entrypoints=("https",),
    level="hardening",
    source="RFC 6265 › 4.1.2.5",
    statement="A cookie that is set over https has the Secure attribute: browsers never send it over http.",
    fix=(
        "Set the cookie with secure=True (SessionMiddleware: https_only=True), and let no proxy remove "
        "the attribute. If the application decides by the request's scheme, the scheme does not arrive: "
        "see links.scheme."
    ),
    needs=("cookie",),
)
def test_a_cookie_that_https_sets_is_secure(entrypoint: Entrypoint, expect: Expect) -> None:
    def bare(path: str) -> list[str]:
        lines = cookies(entrypoint.look(path).headers)
        return [
            line.partition("=")[0] for line in lines if not re.search(r";\s*secure\b", line, re.IGNORECASE)
        ]

    expect_none(
        entrypoint,
        expect,
        "cookies without Secure",
        entrypoint.each(entrypoint.target.inventory.cookies, bare),
    )


@check(
    "application.client_address",
    title="The application sees its client's address",
    entrypoints=PUBLIC,
    level="broken",
    source="Behind a Proxy › Proxy Forwarded Headers; Kludex/uvicorn#590",
    statement=(
        "A response that shows the client's address shows the one that connected to the proxy, not the "
        "proxy's, and not one that a client invents."
    ),
    fix=(
        "Let the server trust the proxy's exact address (Uvicorn: --forwarded-allow-ips), and let the "
        "proxy send X-Forwarded-For with its client's address instead of what the client wrote."
    ),
)
def test_the_application_sees_its_clients_own_address(entrypoint: Entrypoint, expect: Expect) -> None:
    target = entrypoint.target
    if target.demo:
        pytest.skip("the probe shows it: scope.client")
    client, reason = target.two_clients(entrypoint.address)
    if client is None:
        pytest.skip(f"two clients of this proxy cannot be distinguished from here: {reason}")
    shows = [path for path, one in target.inventory.answers.items() if LOOPBACK.search(URL.sub("", one.text))]
    # By a name, so that the Host, which an application may show too, is none of the addresses.
    host = {"Host": entrypoint.authority.replace("127.0.0.1", "localhost")}
    for path in shows[:MAX_SHOWING]:
        usual = entrypoint.get(path, headers=host)
        entrypoint.client = client
        other = entrypoint.get(path, headers=host)
        fake = entrypoint.get(path, headers={**host, "X-Forwarded-For": FAKE_IP, "X-Real-Ip": FAKE_IP})
        entrypoint.client = target.client
        if usual.status_code != target.inventory.answers[path].status:
            continue  # it takes the own Host only
        before, after = shown_addresses(usual), shown_addresses(other)
        follows = [place for place, address in after.items() if address == OTHER_LOOPBACK]
        # What is called the client's and shows 127.0.0.1 to both is the proxy's.
        stays = [place for place, address in after.items() if address == "127.0.0.1" == before.get(place)]
        stays = [place for place in stays if not place or CLIENT.search(place)]
        if not follows and (not stays or "html" in usual.headers.get("content-type", "")):
            continue  # a page may name that address in its text
        expect.subject = path
        addresses = {place: after[place] for place in [*follows, *stays]}
        expect(
            f"address shown to a client at {OTHER_LOOPBACK}",
            addresses,
            dict.fromkeys(addresses, OTHER_LOOPBACK),
        )
        expect("invented addresses shown", re.findall(re.escape(FAKE_IP), fake.text)[:1], [])
        return
    pytest.skip("no response was found that shows the client's address (--path names one)")


def shown_addresses(answer: httpx.Response) -> dict[str, str]:
    """Return the loopback addresses that a response shows outside URLs, by their place: in JSON the keys that
    lead there, elsewhere the words before it; empty where there is nothing else."""
    try:
        places = leaves(answer.json())
    except ValueError:
        text = URL.sub("", answer.text)
        return {
            text[: match.start()].rpartition("\n")[2][-WORDS:].strip(): match[0]
            for match in LOOPBACK.finditer(text)
        }
    matches = ((place, LOOPBACK.search(URL.sub("", text))) for place, text in places)
    return {place: match[0] for place, match in matches if match}


def leaves(value: object, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield each text of a JSON document with the keys that lead to it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in items:
        yield from leaves(one, f"{place}.{key}".lstrip("."))
    if isinstance(value, str):
        yield place, value


def cookie_path(line: str, path: str) -> str:
    """Return the path to which a Set-Cookie line applies; without Path, the folder of the request (RFC 6265 ›
    5.1.4)."""
    match = re.search(r";\s*path=([^;]*)", line, re.IGNORECASE)
    return match[1] if match else path.rpartition("/")[0] or "/"


@check(
    "application.token_url",
    title="The schema's own URLs keep the prefix",
    entrypoints=PUBLIC,
    level="broken",
    source="Behind a Proxy › Check the docs UI; fastapi/fastapi#5778",
    statement=(
        "tokenUrl, authorizationUrl and refreshUrl in the schema are relative, or under the prefix: "
        "Authorize in the docs sends its requests there."
    ),
    fix='Write tokenUrl="token", without the leading slash: it is then relative to the server.',
    needs=("openapi", "prefix"),
)
def test_the_schema_s_own_addresses_keep_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    expect.subject = entrypoint.target.inventory.schema_path
    document = mapping(expect.json(entrypoint.get(expect.subject)))
    text = json.dumps(mapping(document.get("components")).get("securitySchemes", {}))
    addresses = re.findall(r'"(?:token|authorization|refresh)Url": "([^"]*)"', text)
    if not addresses:
        pytest.skip("no security scheme of the schema has an address")
    urls = {url: resolved(entrypoint.public("/"), url) for url in addresses}
    wrong = [one for one, url in urls.items() if not parseable(url) or outside(entrypoint, url)]
    expect("addresses outside", wrong, [])
