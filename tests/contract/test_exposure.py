"""What a public door must not show, and requests that must not be read in two ways."""

from .check import check

PUBLIC = ("proxy", "tls")
EVERYWHERE = ("proxy", "tls", "direct")
OPERATIONS = ("/ping", "/metrics", "/dashboard/", "/api/rawdata", "/api/overview", "/api/version",
              "/api/http/routers", "/debug/pprof/", "/debug/vars")  # fmt: skip


@check(
    "exposure.operations",
    title="The proxy's own pages are not public",
    doors=PUBLIC,
    kind="attack",
    source="facts S18, N25; traefik#7518",
    statement="Dashboard, API, ping, metrics and debug answer at no public entrypoint.",
    hint=(
        "api.insecure, or a dashboard router, shares the public entrypoint: it also takes every "
        "path under /api. Remove it from traefik/traefik.toml, or give it the entrypoint `ops`."
    ),
    broken_by=("a dashboard router on the public entrypoint",),
)
def test_the_proxys_own_pages_are_not_public(door, expect):
    targets = [*OPERATIONS, *(door.path(path) for path in OPERATIONS)]
    answers = door.each(targets, lambda target: door.ask("GET", target).status_code)
    public = {
        target: 200 for target, status in answers.items() if status not in (400, 401, 403, 404)
    }
    expect("public", public, {})


@check(
    "exposure.no_versions",
    title="No answer names a version",
    doors=EVERYWHERE,
    kind="attack",
    source="issue 5: none names a version or an internal address",
    statement="Server, X-Powered-By and Via name no product's version, in no kind of answer.",
    hint="Start Uvicorn with --no-server-header, or blank the header with a headers middleware.",
    broken_by=("Hypercorn's own Server header",),
)
def test_no_answer_names_a_version(door, expect):
    paths = ("/app", "/items", "/not-there")

    def named(path: str) -> list[str]:
        headers = door.get(path).headers
        given = [
            f"{name}: {headers[name]}"
            for name in ("server", "x-powered-by", "via")
            if name in headers
        ]
        return [line for line in given if any(character.isdigit() for character in line)]

    expect("versions", door.each(paths, named), dict.fromkeys(paths, []))


@check(
    "exposure.request_smuggling",
    title="An ambiguous request is refused",
    doors=EVERYWHERE,
    kind="attack",
    source="RFC 9112 › 6.3, 11.2",
    statement="A body length that two parsers could read differently gets no 2xx and no second answer.",
    hint="A lenient proxy or parser: upgrade Traefik (3.7.13 is the floor), and Uvicorn's httptools.",
    broken_by=("a server that answers 200 to whatever it reads",),
)
def test_an_ambiguous_request_is_refused(door, expect):
    hidden = f"GET {door.path('/app')} HTTP/1.1\r\nHost: {door.authority}\r\n\r\n"
    length = len(hidden) + 5
    cases = {
        "two lengths": (f"Content-Length: 0\r\nContent-Length: {length}", f"0\r\n\r\n{hidden}"),
        "a negative length": ("Content-Length: -1", hidden),
        "a signed length": ("Content-Length: +5", hidden),
        "an unknown coding": ("Transfer-Encoding: xchunked", f"0\r\n\r\n{hidden}"),
        "a bad chunk size": ("Transfer-Encoding: chunked", f"0x0\r\n\r\n{hidden}"),
        "a space before the colon": ("Content-Length : 0", hidden),
    }

    def read(case: str) -> str:
        header, body = cases[case]
        answers = door.raw(
            f"POST {door.path('/app')} HTTP/1.1\r\nHost: {door.authority}\r\n{header}\r\n"
            f"Connection: close\r\n\r\n{body}"
        )
        good = [answer.status_code for answer in answers if answer.status_code < 400]
        return f"{len(answers)} answers, {good}" if good or len(answers) > 1 else "refused"

    expect("read as", door.each(cases, read), dict.fromkeys(cases, "refused"))


@check(
    "exposure.methods",
    title="CONNECT and TRACE open nothing",
    doors=PUBLIC,
    kind="attack",
    source="CVE-2026-71324; facts S20",
    statement="CONNECT makes no tunnel, and TRACE echoes no header.",
    hint="Upgrade Traefik: 3.7.9 fixed CONNECT on pooled connections.",
    broken_by=("a server that answers 200 to whatever it reads",),
)
def test_connect_and_trace_open_nothing(door, expect):
    cases = {
        "CONNECT": f"CONNECT {door.authority} HTTP/1.1\r\nHost: {door.authority}",
        "TRACE": f"TRACE {door.path('/app')} HTTP/1.1\r\nHost: {door.authority}\r\nX-Secret: echoed",
    }

    def opened(method: str) -> bool:
        answer = door.raw(f"{cases[method]}\r\nConnection: close\r\n\r\n")[0]
        return answer.status_code < 400 or "echoed" in answer.text

    expect("opened", door.each(cases, opened), dict.fromkeys(cases, False))
