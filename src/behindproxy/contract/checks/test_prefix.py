"""Only the prefix belongs to the application; the proxy refuses everything else."""

import uuid

import httpx
import pytest

from ..engine.check import PUBLIC, check
from ..engine.entrypoint import Entrypoint
from ..engine.expect import Expect
from ..engine.raw import RawAnswer

STABLE = 4  # paths that are tried, until one has the same response twice


def refused_by(entrypoint: Entrypoint, answer: httpx.Response) -> str:
    """Who refused. A 404 of the application means that the proxy let the request through."""
    if answer.status_code not in (400, 404):
        return f"{answer.status_code}"
    if "json" in answer.headers.get("content-type", ""):  # problem+json too
        return f"{answer.status_code} from the application"
    if entrypoint.target.ours and answer.text.strip() != "404 page not found":
        return f"{answer.status_code} {answer.text.strip()[:60]!r}"
    unknown = "" if entrypoint.target.ours else nobodys(entrypoint)
    if unknown and answer.text.strip() == unknown:
        return f"{answer.status_code} from the application"
    return "404 from the proxy"


def nobodys(entrypoint: Entrypoint) -> str:
    """How the application itself answers a path that it does not have; empty where it cannot be seen."""
    if not entrypoint.target.has_direct:
        return ""
    answer = entrypoint.target.open("direct", entrypoint.expect).get(f"/{uuid.uuid4().hex}")
    return answer.text.strip() if answer.status_code in (400, 404) else ""


def reaches(entrypoint: Entrypoint, answer: httpx.Response | RawAnswer, own: httpx.Response) -> bool:
    """Say whether a response is the application's to a path that it has: `own`, and no page that stands for
    every unknown path."""
    fallback = entrypoint.target.inventory.fallback
    return answer.status_code == own.status_code == 200 and answer.text == own.text != fallback


def route_of(entrypoint: Entrypoint, expect: Expect) -> tuple[str, httpx.Response]:
    """Return a path of the application with its response here, one that is the same each time: of another
    nothing would ever look like it."""
    target = entrypoint.target
    routes = [
        path
        for path in target.inventory.routes
        if target.inventory.answers[path].status == 200 and path != "/"
    ]
    paths = list(dict.fromkeys([target.inventory.route, *routes]))[: 1 if target.demo else STABLE]
    for path in paths:
        expect.subject, own = path, entrypoint.get(path)
        if target.demo or (own.status_code == 200 and entrypoint.get(path).text == own.text):
            return path, own
    pytest.skip(f"no path answers 200 here, twice with the same text: {', '.join(paths)} do not")


@check(
    "prefix.unprefixed_not_public",
    title="The proxy has no route without the prefix",
    entrypoints=PUBLIC,
    level="hardening",
    source="Behind a Proxy › Check the responses",
    statement="Through the proxy only the prefixed URLs exist: /app, /docs and / get the proxy's own 404.",
    fix=("Add the prefix to each of the proxy's rules that leads to the application."),
    needs=("prefix",),
)
def test_unprefixed_paths_are_the_proxys_404(entrypoint: Entrypoint, expect: Expect) -> None:
    every = ("/", "/app", "/items/", "/docs", "/openapi.json", "/static/hello.txt", "/sub/app", "/_probe/x")
    if entrypoint.target.ours:
        paths = [path for path in every if not f"{path}/".startswith(f"{entrypoint.prefix}/")]
        answers = entrypoint.each(paths, lambda path: refused_by(entrypoint, entrypoint.ask("GET", path)))
        expect("answers", answers, dict.fromkeys(paths, "404 from the proxy"))
        return
    # Beside somebody's prefix anything may be, but not this application's own responses.
    if not entrypoint.target.inventory.route:
        pytest.skip("no path was found that answers 200 (--path names one)")
    path, own = route_of(entrypoint, expect)
    if f"{path}/".startswith(f"{entrypoint.prefix}/"):
        pytest.skip(f"{path} begins with the prefix itself")
    unknown = entrypoint.ask("GET", f"/{uuid.uuid4().hex}")
    answer = entrypoint.ask("GET", path)
    reached = reaches(entrypoint, answer, own) and answer.text != unknown.text
    expect(
        f"{path} without the prefix",
        "the application" if reached else "not the application",
        "not the application",
    )


def beside(prefix: str) -> list[str]:
    """Return paths that begin like the prefix, or nearly, without a segment boundary after it."""
    parent, _, last = prefix.rpartition("/")
    swapped = f"{parent}/{last.swapcase()}"
    targets = [
        f"{prefix}0/app",
        f"{prefix}app",
        f"{prefix}docs",
        f"{prefix}-/app",
        f"{prefix}_probe/x",
        prefix[:-1] + "/app",
        *([f"{swapped}/app"] if swapped != prefix else []),
        *([f"{parent}/app"] if parent else []),
    ]
    return [target for target in targets if target != prefix]  # as /team/app is beside /team/app


@check(
    "prefix.boundary",
    title="The prefix ends at a segment boundary",
    entrypoints=PUBLIC,
    level="exposed",
    source="Behind a Proxy › Testing locally with Traefik; traefik/traefik#2214",
    statement="A path that merely starts with the prefix's letters does not reach the application.",
    fix=(
        "End the prefix at a slash in the rule (Traefik: Path(`/prefix`) || PathPrefix(`/prefix/`); "
        "nginx: location /prefix/ and location = /prefix)."
    ),
    needs=("prefix",),
)
def test_the_prefix_ends_at_a_segment_boundary(entrypoint: Entrypoint, expect: Expect) -> None:
    if entrypoint.target.ours:
        paths = beside(entrypoint.prefix)
        answers = entrypoint.each(paths, lambda path: refused_by(entrypoint, entrypoint.ask("GET", path)))
        expect("answers", answers, dict.fromkeys(paths, "404 from the proxy"))
        return
    if not entrypoint.target.inventory.route:
        pytest.skip("no path was found that answers 200 (--path names one)")
    path, own = route_of(entrypoint, expect)
    unknown = entrypoint.ask("GET", f"/{uuid.uuid4().hex}{path}").text

    def reached(target: str) -> str:
        answer = entrypoint.ask("GET", target)
        there = reaches(entrypoint, answer, own) and answer.text != unknown
        return "the application" if there else "not the application"

    # Another case of its letters is some proxies' way (Caddy's): path.another_spelling says so.
    targets = [f"{entrypoint.prefix}{between}" for between in (path[1:], f"0{path}", f"-{path}")]
    expect("answered by", entrypoint.each(targets, reached), dict.fromkeys(targets, "not the application"))


@check(
    "prefix.boundary_websocket",
    title="The prefix ends at a segment boundary for WebSockets too",
    entrypoints=PUBLIC,
    level="exposed",
    source="traefik/traefik#2214",
    statement="A WebSocket on a path that merely starts with the prefix's letters does not open.",
    fix=(
        "End the prefix at a slash in the rule (Traefik: Path(`/prefix`) || PathPrefix(`/prefix/`); "
        "nginx: location /prefix/ and location = /prefix)."
    ),
    needs=("prefix", "ws"),
)
def test_the_boundary_holds_for_websockets(entrypoint: Entrypoint, expect: Expect) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    answer = entrypoint.ask("GET", f"{entrypoint.prefix}ws", headers=upgrade)
    expect("handshake", refused_by(entrypoint, answer), "404 from the proxy")
