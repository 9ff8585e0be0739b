"""What a public entrypoint must not show: the proxy's own pages, versions, addresses of the inside."""

import re
import uuid

from .check import EVERYWHERE, PUBLIC, check
from .entrypoint import Entrypoint
from .expect import Expect

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
    kind="attack",
    source="traefik#7518, #5853",
    statement="Dashboard, API, ping, metrics and debug answer at no public entrypoint.",
    hint=(
        "api.insecure, or a dashboard router, shares the public entrypoint: it also takes every "
        "path under /api. Remove it from traefik/traefik.toml, or give it the entrypoint `ops`."
    ),
)
def test_the_proxys_own_pages_are_not_public(entrypoint: Entrypoint, expect: Expect) -> None:
    targets = [*OPERATIONS, *(entrypoint.path(path) for path in OPERATIONS)]
    answers = entrypoint.each(targets, lambda target: entrypoint.ask("GET", target).status_code)
    public = {target: 200 for target, status in answers.items() if status not in (400, 401, 403, 404)}
    if not entrypoint.target.demo and public:
        # An application may have such a path itself, or answer every one.
        theirs = applications_own(
            entrypoint, [path for path in OPERATIONS if entrypoint.path(path) in public]
        )
        public = {target: status for target, status in public.items() if target not in theirs}
    expect("public", public, {})


def applications_own(entrypoint: Entrypoint, paths: list[str]) -> set[str]:
    """Those that the server itself answers, or, where it cannot be asked, all if it answers any path."""
    if "direct" in entrypoint.target.addresses.keys() - entrypoint.target.dead.keys():
        server = entrypoint.target.open("direct", entrypoint.expect)
        own = [path for path in paths if server.get(path).status_code not in (400, 404)]
    else:
        own = paths if entrypoint.get(f"/{uuid.uuid4().hex}/").status_code != 404 else []
    return {entrypoint.path(path) for path in own}


@check(
    "exposure.no_versions",
    title="No answer names a version",
    entrypoints=EVERYWHERE,
    kind="attack",
    source="CWE-200",
    statement="Server, X-Powered-By and Via name no product's version, in no kind of answer.",
    hint="Start Uvicorn with --no-server-header, or blank the header with a headers middleware.",
)
def test_no_answer_names_a_version(entrypoint: Entrypoint, expect: Expect) -> None:
    paths = ("/app", "/items", "/not-there")

    def named(path: str) -> list[str]:
        headers = entrypoint.get(path).headers
        given = [f"{name}: {headers[name]}" for name in ("server", "x-powered-by", "via") if name in headers]
        # Via begins with the version of the protocol: `via: 1.1 Caddy` names no product's.
        return [line for line in given if re.search(r"\d", re.sub(r"^via: [\d.]+ ", "", line))]

    expect("versions", entrypoint.each(paths, named), dict.fromkeys(paths, []))


@check(
    "exposure.methods",
    title="CONNECT and TRACE open nothing",
    entrypoints=PUBLIC,
    kind="attack",
    source="CVE-2026-71324; CVE-2004-2320",
    statement="CONNECT makes no tunnel, and TRACE echoes no header.",
    hint="Upgrade Traefik: 3.7.9 fixed CONNECT on pooled connections.",
    unsafe=True,
)
def test_connect_and_trace_open_nothing(entrypoint: Entrypoint, expect: Expect) -> None:
    cases = {
        "CONNECT": f"CONNECT {entrypoint.authority} HTTP/1.1\r\nHost: {entrypoint.authority}",
        "TRACE": f"TRACE {entrypoint.path('/app')} HTTP/1.1\r\nHost: {entrypoint.authority}\r\n"
        "X-Secret: echoed",
    }

    def opened(method: str) -> bool:
        answer = entrypoint.raw(f"{cases[method]}\r\nConnection: close\r\n\r\n")[0]
        return answer.status_code < 400 or "echoed" in answer.text

    expect("opened", entrypoint.each(cases, opened), dict.fromkeys(cases, False))


@check(
    "exposure.no_internal_address",
    title="No answer names an address of the inside",
    entrypoints=PUBLIC,
    kind="attack",
    source="CWE-200",
    statement="No header and no body names an address or port other than the one that the client used.",
    hint=(
        "passHostHeader must stay true in traefik/routes.toml; a link or an error page built from "
        "the socket's own address shows the backend: build links with request.url_for."
    ),
)
def test_no_answer_names_an_address_of_the_inside(entrypoint: Entrypoint, expect: Expect) -> None:
    own = {entrypoint.host, entrypoint.authority}
    targets = [
        *(
            entrypoint.path(path)
            for path in ("/app", "/items", "/not-there", "/docs", "/openapi.json", "/static/dir", "/docs/")
        ),
        "/",
        "/app",
    ]

    def named(target: str) -> list[str]:
        answer = entrypoint.ask("GET", target)
        text = f"{answer.headers}\n{answer.text}"
        return sorted(set(re.findall(r"\b(?:\d{1,3}\.){3}\d{1,3}\b(?::\d+)?", text)) - own)

    expect("addresses", entrypoint.each(targets, named), dict.fromkeys(targets, []))
