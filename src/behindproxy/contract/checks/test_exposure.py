"""What a public entrypoint must not show: the proxy's own pages, versions, internal addresses."""

import re
import uuid

from ..engine.check import EVERYWHERE, PUBLIC, check
from ..engine.entrypoint import Entrypoint
from ..engine.expect import Expect

ADDRESS = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b(?::\d+)?")
PRIVATE = re.compile(r"\b(?:10|127|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2,3}\b(?::\d+)?")
# What a proxy's own page says, by the proxy; the last two are other proxies' usual places.
PAGES = {
    "Traefik's ping": re.compile(r"\AOK\Z"),
    "Traefik's API": re.compile(r'"(Codename|entryPoints|rawdata|middlewares)"'),
    "Traefik's dashboard": re.compile(r"<title>Traefik", re.IGNORECASE),
    "the proxy's metrics": re.compile(r"^# HELP (traefik|caddy|nginx|haproxy|envoy)_", re.MULTILINE),
    "Go's debug pages": re.compile(r"/debug/pprof/|Types of profiles available|\A\{\s*\"cmdline\""),
    "nginx's status": re.compile(r"\AActive connections: \d"),
    "HAProxy's statistics": re.compile(r"Statistics Report for HAProxy"),
}
OTHERS = ("/nginx_status", "/stub_status", "/haproxy?stats", "/stats", "/haproxy_stats", "/config/")
OPERATIONS = (
    "/ping",
    "/metrics",
    "/dashboard/",
    "/api/rawdata",
    "/api/overview",
    "/api/version",
    "/api/http/routers",
    "/debug/pprof/",
    "/debug/vars",
)


@check(
    "exposure.operations",
    title="The proxy's own pages are not public",
    entrypoints=PUBLIC,
    level="exposed",
    source="traefik/traefik#7518, traefik/traefik#5853",
    statement="The dashboard, API, ping, metrics and debug pages are served on no public entrypoint.",
    fix=("Move the proxy's own pages to an address that is not public, or protect them."),
)
def test_the_proxys_own_pages_are_not_public(entrypoint: Entrypoint, expect: Expect) -> None:
    if not entrypoint.target.ours:
        # An application may have such a path itself, or answer every one: the page itself tells.
        pages = [*OPERATIONS, *(entrypoint.path(path) for path in OPERATIONS), *OTHERS]
        findings = entrypoint.each(pages, lambda target: operations_page(entrypoint, target))
        expect("public", {target: page for target, page in findings.items() if page}, {})
        return
    targets = [*OPERATIONS, *(entrypoint.path(path) for path in OPERATIONS)]
    answers = entrypoint.each(targets, lambda target: entrypoint.ask("GET", target).status_code)
    public = {target: status for target, status in answers.items() if status not in (400, 401, 403, 404)}
    if not entrypoint.target.demo and public:
        # An application may have such a path itself, or answer every one.
        theirs = applications_own(
            entrypoint, [path for path in OPERATIONS if entrypoint.path(path) in public]
        )
        public = {target: status for target, status in public.items() if target not in theirs}
    expect("public", public, {})


def operations_page(entrypoint: Entrypoint, target: str) -> str:
    """Which of a proxy's own pages a response is; empty where it is none, or the application's own."""
    answer = entrypoint.ask("GET", target)
    page = next((name for name, text in PAGES.items() if text.search(answer.text)), "")
    if not page or answer.status_code != 200:
        return ""
    path = target.removeprefix(entrypoint.prefix)
    own = entrypoint.target.inventory.answers.get(path)
    if target.startswith(f"{entrypoint.prefix}/") and entrypoint.target.has_direct:
        server = entrypoint.target.open("direct", entrypoint.expect)
        return "" if server.get(path).status_code == 200 else page
    return "" if own and own.status == 200 else page


def applications_own(entrypoint: Entrypoint, paths: list[str]) -> set[str]:
    """Those that the server itself answers, or, if it cannot be reached, all if it answers any path."""
    if entrypoint.target.has_direct:
        server = entrypoint.target.open("direct", entrypoint.expect)
        own = [path for path in paths if server.get(path).status_code not in (400, 404)]
    else:
        own = paths if entrypoint.get(f"/{uuid.uuid4().hex}/").status_code != 404 else []
    return {entrypoint.path(path) for path in own}


@check(
    "exposure.no_versions",
    title="No response names a version",
    entrypoints=EVERYWHERE,
    level="hardening",
    source="CWE-200",
    statement="Server, X-Powered-By and Via name no product version, in any kind of response.",
    fix="Start Uvicorn with --no-server-header, or blank the header with a headers middleware.",
)
def test_no_answer_names_a_version(entrypoint: Entrypoint, expect: Expect) -> None:
    inventory = entrypoint.target.inventory
    paths = (
        ["/app", "/items", "/not-there"] if entrypoint.target.demo else [*inventory.routes[:2], "/not-there"]
    )

    def named(path: str) -> list[str]:
        headers = entrypoint.get(path).headers
        lines = [f"{name}: {headers[name]}" for name in ("server", "x-powered-by", "via") if name in headers]
        # Via begins with the version of the protocol: `via: 1.1 Caddy` names no product's.
        return [line for line in lines if re.search(r"\d", re.sub(r"^via: [\d.]+ ", "", line))]

    expect("versions", entrypoint.each(paths, named), dict.fromkeys(paths, []))


@check(
    "exposure.methods",
    title="CONNECT opens no tunnel and TRACE echoes nothing",
    entrypoints=PUBLIC,
    level="exposed",
    source="CVE-2026-71324; CVE-2004-2320",
    statement="CONNECT opens no tunnel, and TRACE echoes no header.",
    fix=(
        "Remove the route that handles TRACE, or let the proxy refuse it. If CONNECT opens a tunnel, "
        "upgrade Traefik to 3.7.9 or newer."
    ),
    unsafe=True,
)
def test_connect_and_trace_open_nothing(entrypoint: Entrypoint, expect: Expect) -> None:
    cases = {
        "CONNECT": f"CONNECT {entrypoint.authority} HTTP/1.1\r\nHost: {entrypoint.authority}",
        "TRACE": f"TRACE {entrypoint.path('/app')} HTTP/1.1\r\nHost: {entrypoint.authority}\r\n"
        "X-Secret: echoed",
    }

    def opened(method: str) -> str:
        answer = entrypoint.raw(f"{cases[method]}\r\nConnection: close\r\n\r\n")[0]
        if "echoed" in answer.text:
            return f"{answer.status_code}, and the header comes back"
        return f"{answer.status_code}" if answer.status_code < 400 else "refused"

    expect("answered", entrypoint.each(cases, opened), dict.fromkeys(cases, "refused"))


@check(
    "exposure.no_internal_address",
    title="No response shows an internal address",
    entrypoints=PUBLIC,
    level="hardening",
    source="CWE-200",
    statement="No header and no body shows an address or port other than the one that the client used.",
    fix=(
        "Let the proxy pass Host on, and build links with request.url_for: the socket's own address is "
        "internal."
    ),
)
def test_no_answer_names_an_address_of_the_inside(entrypoint: Entrypoint, expect: Expect) -> None:
    own = {entrypoint.host, entrypoint.authority}
    inventory = entrypoint.target.inventory
    targets = ["/", *(entrypoint.path(path) for path in [*inventory.routes[:4], "/not-there"])]
    if entrypoint.target.demo:
        targets = demonstrations(entrypoint)

    def named(target: str) -> list[str]:
        answer = entrypoint.ask("GET", target)
        # Somebody's text may name any address; their headers and error pages have no reason to.
        text = f"{answer.headers}"
        if entrypoint.target.demo or answer.status_code >= 400:
            text += f"\n{answer.text}"
        pattern = ADDRESS if entrypoint.target.demo else PRIVATE
        return sorted({one[0] for one in pattern.finditer(text)} - own)

    expect("addresses", entrypoint.each(targets, named), dict.fromkeys(targets, []))


def demonstrations(entrypoint: Entrypoint) -> list[str]:
    return [
        *(
            entrypoint.path(path)
            for path in ("/app", "/items", "/not-there", "/docs", "/openapi.json", "/static/dir", "/docs/")
        ),
        "/",
        "/app",
    ]
