"""Spellings of a path: none leads past the prefix, the boundary or out of the origin."""

from urllib.parse import urljoin, urlsplit

from .check import EVERYWHERE, PUBLIC, check
from .entrypoint import Entrypoint
from .expect import Expect
from .raw import RawAnswer


def get(entrypoint: Entrypoint, target: str) -> RawAnswer:
    """The answer to a path sent as it is written here: clients would tidy it. Status 0 is none."""
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
    from_application = kind.startswith("application/json") and entrypoint.target.ours
    return "the application" if from_application else "the proxy"


@check(
    "path.encoded_characters",
    title="Encoded reserved characters stop at the proxy",
    entrypoints=PUBLIC,
    kind="attack",
    source="CVE-2025-66490; traefik#12360",
    statement=(
        "The proxy matches the encoded path and the server decodes it, so %2f and its like would "
        "go round a rule: they are refused."
    ),
    hint=(
        "entryPoints.*.http.encodedCharacters in traefik/traefik.toml must forbid all seven; "
        "Traefik allows them by default since 3.6.7."
    ),
)
def test_encoded_reserved_characters_stop_at_the_proxy(entrypoint: Entrypoint, expect: Expect) -> None:
    targets = [
        entrypoint.path(f"/app{code}") for code in ("%2f", "%2Fx", "%5c", "%00", "%3b", "%25", "%3f", "%23")
    ]
    inner = "/" + entrypoint.prefix[1:].replace("/", "%2f")  # no slash inside a prefix of one segment
    targets += [f"{entrypoint.prefix}%2fapp", *([f"{inner}/app"] if inner != entrypoint.prefix else [])]
    answers = entrypoint.each(targets, lambda target: stopped_by(entrypoint, target))
    expect("stopped by", answers, dict.fromkeys(targets, "the proxy"))


@check(
    "path.dot_segments",
    title="Dot segments do not leave the prefix",
    entrypoints=PUBLIC,
    kind="attack",
    source="CVE-2026-48020; traefik#13215",
    statement="No spelling of `..` behind the prefix reaches a path of the application.",
    hint=(
        "Traefik below 3.7.3 strips /api/v1../x to a path outside the rule: upgrade; "
        "sanitizePath must stay on, and allowEncodedSlash off (traefik/traefik.toml)."
    ),
    needs=("prefix",),
)
def test_dot_segments_do_not_leave_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    prefix = entrypoint.prefix
    targets = [
        f"{prefix}/../app",
        f"{prefix}/%2e%2e/app",
        f"{prefix}/..%2fapp",
        f"{prefix}..",
        f"{prefix}../app",
        f"{prefix}%2e%2e/app",
        f"{prefix}./app",
        f"{prefix}/.%2e/app",
    ]
    answers = entrypoint.each(targets, lambda target: stopped_by(entrypoint, target))
    expect("stopped by", answers, dict.fromkeys(targets, "the proxy"))


@check(
    "path.another_spelling",
    title="No other spelling reaches a route",
    entrypoints=PUBLIC,
    kind="attack",
    source="traefik#2214; CVE-2025-66490",
    statement="A route has one address: 13 ways round the prefix and the rule do not answer 200.",
    hint=(
        "A rule without a boundary, an encoded slash or a doubled prefix lets it through: see "
        "prefix.boundary, path.encoded_characters and app.doubled_prefix for which."
    ),
    needs=("app", "prefix"),
)
def test_no_other_spelling_of_a_path_reaches_a_route(entrypoint: Entrypoint, expect: Expect) -> None:
    prefix, last = entrypoint.prefix, entrypoint.prefix.rpartition("/")[2]
    targets = [
        f"{prefix}app",
        f"{prefix}%2fapp",
        f"{prefix}%2Fapp",
        f"{prefix}{prefix}/app",
        f"{prefix};/app",
        f"{prefix}/;/app",
        f"{prefix}/%61pp%00",
        f"{prefix}/app%2f",
        f"{prefix}/x/..%2fapp",
        f"{prefix}/%2e%2e/{last}app",
        f"/x/{last}/app",
        f"{prefix.swapcase()}/app",
        f"{prefix}\\app",
    ]
    targets = [target for target in targets if target != entrypoint.path("/app")]
    answers = entrypoint.each(targets, lambda target: get(entrypoint, target).status_code == 200)
    expect("reached", answers, dict.fromkeys(targets, False))


@check(
    "path.no_open_redirect",
    title="No path redirects to another origin",
    entrypoints=EVERYWHERE,
    kind="attack",
    source="CWE-601",
    statement="Whatever the path, a Location stays on this host, and at the proxy in the prefix.",
    hint=(
        "A redirect is built from the path by hand, or --root-path ends with a slash "
        "(Location //items/): build links with url_for, and write API_PREFIX without one."
    ),
)
def test_no_path_redirects_to_another_origin(entrypoint: Entrypoint, expect: Expect) -> None:
    targets = [
        entrypoint.path(path)
        for path in (
            "//evil.example",
            "//evil.example/",
            "/%2F%2Fevil.example/",
            "/\\evil.example/",
            "/items//evil.example",
            "/static//evil.example",
            "/sub//evil.example/items",
            "/items",
        )
    ] + ["//evil.example" + entrypoint.path("/items")]

    def foreign(target: str) -> str:
        location = get(entrypoint, target).header("location") or entrypoint.public("/")
        # As a browser reads it: //host is another one, and a backslash counts as a slash.
        parts = urlsplit(urljoin(entrypoint.public("/"), location.replace("\\", "/")))
        inside = parts.geturl().startswith(entrypoint.public("/")) and not parts.path.startswith("//")
        return "" if inside and ".." not in parts.path else location

    expect("foreign Locations", entrypoint.each(targets, foreign), dict.fromkeys(targets, ""))


@check(
    "path.no_header_injection",
    title="A line break in a URL stays part of the URL",
    entrypoints=EVERYWHERE,
    kind="attack",
    source="CWE-113",
    statement="%0d%0a in path or query neither ends a header nor adds one.",
    hint="A header is written from the decoded URL by hand: let RedirectResponse quote it.",
    needs=("items",),
)
def test_an_encoded_line_break_injects_no_header(entrypoint: Entrypoint, expect: Expect) -> None:
    targets = [
        entrypoint.path("/items?x=%0d%0aX-Injected:%201"),
        entrypoint.path("/items%0d%0aX-Injected:%201"),
    ]
    answers = entrypoint.each(targets, lambda target: get(entrypoint, target).header("x-injected"))
    expect("injected", answers, dict.fromkeys(targets, None))


@check(
    "static.no_traversal",
    title="No path leads out of the folder of static files",
    entrypoints=EVERYWHERE,
    kind="attack",
    source="CWE-22",
    statement="No spelling of `..` under /static reads the application's source.",
    hint="Serve files with StaticFiles from a folder of their own, never by joining paths.",
    needs=("static",),
)
def test_static_files_end_at_their_folder(entrypoint: Entrypoint, expect: Expect) -> None:
    targets = [
        entrypoint.path(f"/static/{dots}main.py")
        for dots in ("../", "%2e%2e/", "..%2f", "..%5c", "dir/../../")
    ]
    answers = entrypoint.each(targets, lambda target: "create_app" in get(entrypoint, target).text)
    expect("source read", answers, dict.fromkeys(targets, False))
