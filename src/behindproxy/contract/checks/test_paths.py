"""Spellings of a path: none leads past the prefix, the boundary or out of the origin."""

import pytest

from ..engine.answers import parts, resolved
from ..engine.check import EVERYWHERE, PUBLIC, check
from ..engine.entrypoint import Entrypoint
from ..engine.expect import Expect
from ..engine.raw import RawAnswer
from .test_prefix import reaches, route_of

CODES = frozenset({"%2F", "%5C", "%00", "%3B", "%25", "%3F", "%23"})


def get(entrypoint: Entrypoint, target: str) -> RawAnswer:
    """Return the response to a path sent as it is written here: clients would tidy it. Status 0 is none."""
    answers = entrypoint.raw(
        f"GET {target} HTTP/1.1\r\nHost: {entrypoint.authority}\r\nConnection: close\r\n\r\n"
    )
    return answers[0] if answers else RawAnswer(0, [], "")


def stopped_by(entrypoint: Entrypoint, target: str) -> str:
    answer = get(entrypoint, target)
    kind = answer.header("content-type") or ""
    if answer.status_code not in (400, 404):
        return f"{answer.status_code}"
    # Another proxy may pass the spelling on; only ours promises to stop it itself.
    from_application = "json" in kind and entrypoint.target.ours  # problem+json too
    return "the application" if from_application else "the proxy"


@check(
    "path.encoded_characters",
    title="The proxy refuses encoded reserved characters",
    entrypoints=PUBLIC,
    level="hardening",
    source="CVE-2025-66490; traefik/traefik#12360",
    statement=(
        "The proxy matches the encoded path and the server decodes it, so %2f and the like would bypass a "
        "rule: they are refused, except those that the deployment allows."
    ),
    fix=("Let the proxy refuse encoded reserved characters, or match the path as the server reads it."),
    needs=("ours",),
)
def test_encoded_reserved_characters_stop_at_the_proxy(entrypoint: Entrypoint, expect: Expect) -> None:
    codes = ("%2f", "%2Fx", "%5c", "%00", "%3b", "%25", "%3f", "%23")
    allowed = entrypoint.target.encoded_characters
    targets = [entrypoint.path(f"/app{code}") for code in codes if code[:3].upper() not in allowed]
    inner = "/" + entrypoint.prefix[1:].replace("/", "%2f")  # no slash inside a prefix of one segment
    targets += [f"{entrypoint.prefix}%2fapp", *([f"{inner}/app"] if inner != entrypoint.prefix else [])]
    answers = entrypoint.each(targets, lambda target: stopped_by(entrypoint, target))
    expect("stopped by", answers, dict.fromkeys(targets, "the proxy"))


@check(
    "path.dot_segments",
    title="Dot segments do not leave the prefix",
    entrypoints=PUBLIC,
    level="exposed",
    source="CVE-2026-48020; traefik/traefik#13215",
    statement="No spelling of `..` after the prefix reaches a path of the application.",
    fix=(
        "Let the proxy resolve dot segments before it matches and strips (Traefik 3.7.3 or newer; "
        "sanitizePath on)."
    ),
    needs=("prefix", "route"),
)
def test_dot_segments_do_not_leave_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    prefix = entrypoint.prefix
    path, own = route_of(entrypoint, expect)
    if f"{path}/".startswith(f"{prefix}/"):  # the bare prefix is an address of its own
        path = entrypoint.target.inventory.schema_path or f"{path}x"
    inner = path[1:]
    targets = [
        f"{prefix}/../{inner}",
        f"{prefix}/%2e%2e/{inner}",
        f"{prefix}/..%2f{inner}",
        f"{prefix}..",
        f"{prefix}../{inner}",
        f"{prefix}%2e%2e/{inner}",
        f"{prefix}./{inner}",
        f"{prefix}/.%2e/{inner}",
    ]
    if entrypoint.target.ours:
        if "%2F" in entrypoint.target.encoded_characters:  # no dot segment to the proxy, nor to the server
            targets = [target for target in targets if "%2f" not in target]
        answers = entrypoint.each(targets, lambda target: stopped_by(entrypoint, target))
        expect("stopped by", answers, dict.fromkeys(targets, "the proxy"))
        return
    beside = get(
        entrypoint, path
    )  # what stands there without the prefix may be this application's on purpose
    if reaches(entrypoint, beside, own):
        pytest.skip(f"{path} answers without the prefix too: prefix.unprefixed_not_public judges that")

    def reached(target: str) -> str:
        return "the route" if reaches(entrypoint, get(entrypoint, target), own) else "not the route"

    expect("reached", entrypoint.each(targets, reached), dict.fromkeys(targets, "not the route"))


@check(
    "path.another_spelling",
    title="No other spelling reaches a route",
    entrypoints=PUBLIC,
    level="hardening",
    source="traefik/traefik#2214; CVE-2025-66490",
    statement="A route has one URL: 13 ways around the prefix and the rule do not get 200.",
    fix=(
        "Check prefix.boundary, path.encoded_characters and app.doubled_prefix: a rule without a "
        "boundary, an encoded slash or a doubled prefix lets it through."
    ),
    needs=("route", "prefix"),
)
def test_no_other_spelling_of_a_path_reaches_a_route(entrypoint: Entrypoint, expect: Expect) -> None:
    prefix, last = entrypoint.prefix, entrypoint.prefix.rpartition("/")[2]
    path, own = route_of(entrypoint, expect)
    inner, first = path[1:], f"%{ord(path[1]):02x}{path[2:]}"
    targets = [
        f"{prefix}{inner}",
        f"{prefix}%2f{inner}",
        f"{prefix}%2F{inner}",
        f"{prefix}{prefix}/{inner}",
        f"{prefix};/{inner}",
        f"{prefix}/;/{inner}",
        f"{prefix}/{first}%00",
        f"{prefix}/{inner}%2f",
        f"{prefix}/x/..%2f{inner}",
        f"{prefix}/%2e%2e/{last}{inner}",
        f"/x/{last}/{inner}",
        f"{prefix.swapcase()}/{inner}",
        f"{prefix}\\{inner}",
    ]
    targets = [target for target in targets if target != entrypoint.path(path)]

    def reached(target: str) -> str:
        answer = get(entrypoint, target)
        return "the route" if reaches(entrypoint, answer, own) else "not the route"

    expect("reached", entrypoint.each(targets, reached), dict.fromkeys(targets, "not the route"))


@check(
    "path.no_open_redirect",
    title="No path redirects to another origin",
    entrypoints=EVERYWHERE,
    level="exposed",
    source="CWE-601",
    statement="Whatever the path, a Location stays on this host, and through the proxy under the prefix.",
    fix=(
        "Build links with url_for, not from the path by hand, and write the server's root path without a "
        "trailing slash (which gives Location //items/)."
    ),
)
def test_no_path_redirects_to_another_origin(entrypoint: Entrypoint, expect: Expect) -> None:
    inventory = entrypoint.target.inventory
    routes = ["/items", "/static", "/sub"] if entrypoint.target.demo else [*inventory.routes[:3], "/static"]
    targets = [
        entrypoint.path(path)
        for path in (
            "//evil.example",
            "//evil.example/",
            "/%2F%2Fevil.example/",
            "/%5Cevil.example/",
            *(["/\\evil.example/"] if entrypoint.target.ours else []),  # no browser sends it
            *(f"{path.rstrip('/')}//evil.example" for path in routes),
            *(f"{path.rstrip('/')}//evil.example/items" for path in routes),
            routes[0],
        )
    ] + ["//evil.example" + entrypoint.path(routes[0])]

    def foreign(target: str) -> str:
        location = get(entrypoint, target).header("location") or entrypoint.public("/")
        # As a browser reads it: //host is another one, and a backslash counts as a slash.
        place = parts(resolved(entrypoint.public("/"), location.replace("\\", "/")))
        if not entrypoint.target.demo:  # it may send anybody to its login, wherever that is
            return location if place.hostname == "evil.example" else ""
        inside = place.geturl().startswith(entrypoint.public("/")) and not place.path.startswith("//")
        return "" if inside and ".." not in place.path else location

    expect("foreign Locations", entrypoint.each(targets, foreign), dict.fromkeys(targets, ""))


@check(
    "path.no_header_injection",
    title="A line break in a URL stays part of the URL",
    entrypoints=EVERYWHERE,
    level="exposed",
    source="CWE-113",
    statement="%0d%0a in a path or query neither ends a header nor adds one.",
    fix="Let RedirectResponse quote the URL: a header is written by hand from the decoded one.",
    needs=("route",),
)
def test_an_encoded_line_break_injects_no_header(entrypoint: Entrypoint, expect: Expect) -> None:
    inventory = entrypoint.target.inventory
    paths = {inventory.redirects[0].path if inventory.redirects else inventory.route, inventory.route}
    targets = [
        entrypoint.path(path + end)
        for path in sorted(paths)
        for end in ("?x=%0d%0aX-Injected:%201", "%0d%0aX-Injected:%201")
    ]
    answers = entrypoint.each(targets, lambda target: get(entrypoint, target).header("x-injected"))
    expect("injected", answers, dict.fromkeys(targets, None))


@check(
    "static.no_traversal",
    title="No path leads out of the static folder",
    entrypoints=EVERYWHERE,
    level="exposed",
    source="CWE-22",
    statement="No spelling of `..` under /static reads the application's source.",
    fix="Serve files with StaticFiles from a folder of their own, never by joining paths.",
    needs=("static",),
)
def test_static_files_end_at_their_folder(entrypoint: Entrypoint, expect: Expect) -> None:
    targets = [
        entrypoint.path(f"/static/{dots}main.py")
        for dots in ("../", "%2e%2e/", "..%2f", "..%5c", "dir/../../")
    ]

    def served(target: str) -> str:
        return "the application's source" if "create_app" in get(entrypoint, target).text else "nothing of it"

    expect("served", entrypoint.each(targets, served), dict.fromkeys(targets, "nothing of it"))


@check(
    "path.same_at_server",
    title="A path with unusual characters arrives unchanged",
    entrypoints=PUBLIC,
    level="broken",
    source="nginx › ngx_http_proxy_module › proxy_pass; traefik/traefik#12360",
    statement=(
        "A path of the application with encoded characters, two slashes or a URL in it gets the same "
        "response through the proxy as from the server."
    ),
    fix=(
        "Pass paths on unchanged (nginx: proxy_pass without a path, and merge_slashes off): the proxy "
        "decodes, merges or refuses them, and an application may have file names or URLs in its paths."
    ),
    needs=("route",),
)
def test_a_path_with_odd_characters_arrives_as_it_was_sent(entrypoint: Entrypoint, expect: Expect) -> None:
    target = entrypoint.target
    if not target.has_direct:
        pytest.skip("no direct entrypoint")
    server, odd = target.open("direct", expect), ["a%20b", "%C3%A9", "a+b", "a:b@c"]
    if not target.ours:
        odd += ["a%2Fb", "a//b", "https://example.com/x", "a%25b"]
    else:  # this stack refuses the others on purpose: path.encoded_characters
        odd += [f"a{code}b" for code in sorted(target.encoded_characters & CODES)]
        odd += ["a//b", "https://example.com/x"] if "//" in target.encoded_characters else []
    paths = [f"{base}/{one}" for base in target.inventory.open_ended[:3] for one in odd]

    def answer(at: Entrypoint, path: str) -> tuple[int, str]:
        raw_answer = get(at, at.path(path))
        # A response that names its own address differs by it, and by nothing else.
        text = raw_answer.text.replace(at.origin, "") if not target.ours else ""
        return raw_answer.status_code, f"{raw_answer.header('content-type')} {text[:200]}"

    def shown(at: Entrypoint, path: str) -> str:
        return " ".join(map(str, answer(at, path)))

    same = {path: shown(server, path) for path in paths}
    # One that the application does not have may be refused on the way; a token may be new in each response.
    same = {path: one for path, one in same.items() if one.startswith("2") and shown(server, path) == one}
    if not same:
        pytest.skip("no path with odd characters is one of the application's, or each response differs")
    results = entrypoint.each(same, lambda path: shown(entrypoint, path))
    expect.subject = next((path for path in same if results[path] != same[path]), next(iter(same)))
    expect("answers", results, same)
