"""The proxy adds the prefix and changes nothing else: its responses are the server's."""

import pytest

from ..engine.answers import parts, resolved
from ..engine.check import PUBLIC, check
from ..engine.entrypoint import Entrypoint
from ..engine.expect import Expect
from ..engine.inventory import servers_of
from ..engine.safety import REASON
from .test_links import is_nothing, within

PAGE = "Behind a Proxy"
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
PATHS = ("/app", "/items/", "/static/hello.txt", "/no/such/route")


@check(
    "app.same_answer",
    title="The proxy returns the server's responses unchanged",
    entrypoints=PUBLIC,
    level="broken",
    source=f"{PAGE} › Check the responses",
    statement=(
        "A request with any method gets the same status, Allow, content type and body through the proxy, "
        "with the prefix, as from the server without it."
    ),
    fix="Remove the middleware, or the Method() in the rule, that responds instead of the application.",
    needs=("app", "static", "demo"),
    unsafe=True,
)
def test_the_proxys_answers_are_the_servers(entrypoint: Entrypoint, expect: Expect) -> None:
    if "direct" not in entrypoint.target.addresses:
        pytest.skip("no direct entrypoint")
    if entrypoint.target.restricted("direct"):
        pytest.skip(REASON)
    server = entrypoint.target.open("direct", expect)

    def answer(at: Entrypoint, case: str) -> str:
        # The same id on both entrypoints: an error's body has it.
        response = at.request(*case.split(" "), headers={"X-Request-ID": "same-at-both-entrypoints"})
        headers = [response.headers.get(name, "-") for name in ("allow", "content-type")]
        return " ".join([str(response.status_code), *headers, response.text[:200]])

    cases = [f"{method} {path}" for path in PATHS for method in METHODS]
    same = {case: answer(server, case) for case in cases}
    expect("answers", entrypoint.each(cases, lambda case: answer(entrypoint, case)), same)


@check(
    "openapi.first_server_answers",
    title="The docs send requests to a URL of the application",
    entrypoints=PUBLIC,
    level="broken",
    source=f"{PAGE} › Check the docs UI",
    statement=(
        "The first entry of `servers` plus a path of the schema, where the docs page sends requests, is "
        "a URL of the application."
    ),
    fix=(
        "Set the server's root path to the prefix that the proxy strips (Uvicorn, FastAPI CLI: "
        "--root-path), and remove FastAPI(root_path=)."
    ),
    needs=("openapi", "prefix"),
)
def test_the_first_server_and_a_path_are_an_address(entrypoint: Entrypoint, expect: Expect) -> None:
    if not entrypoint.target.root_path_in_servers:
        pytest.skip("the schema does not list the prefix as a server")
    expect.subject = entrypoint.target.inventory.schema_path
    schema = expect.json(entrypoint.get(expect.subject))
    server = next(iter(servers_of(schema)), "/").rstrip("/")
    plain = [path for path, ways in schema["paths"].items() if "get" in ways and "{" not in path]
    if not plain and not entrypoint.target.demo:
        pytest.skip("no operation of the schema works without a parameter")
    expect.that(bool(plain), "paths", observed=list(schema["paths"]), expected="at least one")
    url = resolved(f"{entrypoint.url}/openapi.json", server or "/").rstrip("/")
    if parts(url).hostname != entrypoint.host and not entrypoint.target.ours:
        pytest.skip(f"the schema's first server is another host: {server}")
    expect.that(
        url.startswith(f"{entrypoint.origin}/") or url == entrypoint.origin,
        "first server",
        observed=server,
        expected=f"one at {entrypoint.origin}",
    )
    base = url.removeprefix(entrypoint.origin)

    inventory = entrypoint.target.inventory
    missing = [
        path for path, answer in inventory.answers.items() if answer.status == 404 or answer.status >= 500
    ]

    def status(path: str) -> str:
        answer = entrypoint.look_at(base + path)
        if not within(base + path, entrypoint.prefix) and is_nothing(entrypoint, answer):
            return "200 and nothing, as any unknown path does"
        is_fallback = (
            bool(inventory.fallback) and answer.status_code == 200 and answer.text == inventory.fallback
        )
        if answer.status_code == 404 or answer.status_code >= 500 or is_fallback:
            return f"{answer.status_code}{', as any unknown path does' if is_fallback else ''}"
        return "answers"

    # One that discovery did not ask for, as it needs a query, may be a path that the application has not.
    paths = [path for path in plain if path in inventory.answers.keys() - {*missing}][:10] or [
        path
        for path in plain[:10]
        if path not in missing and entrypoint.look_at(entrypoint.prefix + path).status_code != 404
    ]
    if not paths and not entrypoint.target.demo:
        pytest.skip("no operation of the schema that works without a parameter gave a response")
    expect.that(bool(paths), "operations that answer", observed="none", expected="at least one")
    expect("answered", entrypoint.each(paths, status), dict.fromkeys(paths, "answers"))
