"""Only the prefix belongs to the application; everything beside it is the proxy's to refuse."""

import httpx

from .check import PUBLIC, check
from .entrypoint import Entrypoint
from .expect import Expect

BOUNDARY_HINT = (
    "PathPrefix(`/api/v1`) also takes /api/v1app (traefik#2214). The rule in traefik/routes.toml "
    "must be Path(`{prefix}`) || PathPrefix(`{prefix}/`), with an explicit priority."
)


def refused_by(answer: httpx.Response, ours: bool) -> str:
    """Who refused. A 404 of the application means that the proxy let the request through."""
    if answer.status_code not in (400, 404):
        return f"{answer.status_code}"
    if answer.headers.get("content-type", "").startswith("application/json"):
        return f"{answer.status_code} from the application"
    if ours and answer.text.strip() != "404 page not found":
        return f"{answer.status_code} {answer.text.strip()[:60]!r}"
    return "404 from the proxy"


@check(
    "prefix.unprefixed_not_public",
    title="The proxy has no route without the prefix",
    entrypoints=PUBLIC,
    kind="claim",
    source="Behind a Proxy › Check the responses",
    statement=("At the proxy only the prefixed addresses exist: /app, /docs and / are the proxy's own 404."),
    hint=("A router in traefik/routes.toml takes paths outside the prefix: its rule must name API_PREFIX."),
    needs=("prefix",),
)
def test_unprefixed_paths_are_the_proxys_404(entrypoint: Entrypoint, expect: Expect) -> None:
    paths = ("/", "/app", "/items/", "/docs", "/openapi.json", "/static/hello.txt", "/sub/app", "/_probe/x")
    answers = entrypoint.each(
        paths, lambda path: refused_by(entrypoint.ask("GET", path), entrypoint.target.ours)
    )
    expect("answers", answers, dict.fromkeys(paths, "404 from the proxy"))


def beside(prefix: str) -> list[str]:
    """Paths that begin like the prefix, or nearly, without a segment boundary after it."""
    parent, _, last = prefix.rpartition("/")
    swapped = f"{parent}/{last.swapcase()}"
    return [
        f"{prefix}0/app",
        f"{prefix}app",
        f"{prefix}docs",
        f"{prefix}-/app",
        f"{prefix}_probe/x",
        prefix[:-1] + "/app",
        *([f"{swapped}/app"] if swapped != prefix else []),
        *([f"{parent}/app"] if parent else []),
    ]


@check(
    "prefix.boundary",
    title="The prefix ends at a segment boundary",
    entrypoints=PUBLIC,
    kind="attack",
    source="Behind a Proxy › Testing locally with Traefik; traefik#2214",
    statement="A path that merely begins with the prefix's letters is not the application's.",
    hint=BOUNDARY_HINT,
    needs=("prefix",),
)
def test_the_prefix_ends_at_a_segment_boundary(entrypoint: Entrypoint, expect: Expect) -> None:
    paths = beside(entrypoint.prefix)
    answers = entrypoint.each(
        paths, lambda path: refused_by(entrypoint.ask("GET", path), entrypoint.target.ours)
    )
    expect("answers", answers, dict.fromkeys(paths, "404 from the proxy"))


@check(
    "prefix.boundary_websocket",
    title="The boundary holds for WebSockets",
    entrypoints=PUBLIC,
    kind="attack",
    source="traefik#2214",
    statement="A WebSocket handshake beside the prefix does not reach the application.",
    hint=BOUNDARY_HINT,
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
    expect("handshake", refused_by(answer, entrypoint.target.ours), "404 from the proxy")
