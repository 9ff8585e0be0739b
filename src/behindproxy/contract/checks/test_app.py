"""The application answers, with the prefix as its root_path, at the address the document gives."""

import pytest

from ..engine.check import EVERYWHERE, check
from ..engine.entrypoint import Entrypoint
from ..engine.expect import Expect, Unexpected
from .test_prefix import reaches, route_of

PAGE = "Behind a Proxy"


def nothing_is_known(entrypoint: Entrypoint, paths: list[str]) -> bool:
    """Whether the server itself has none of `paths` either, and it is its answer that arrives here: nothing
    tells such a deployment from one that strips another prefix."""
    target = entrypoint.target
    if target.demo or not target.has_direct:
        return False
    own = {path: target.open("direct", Expect()).look(path) for path in paths}
    here = {path: entrypoint.look(path) for path in paths}
    return all(
        answer.status_code == here[path].status_code == 404 and answer.text == here[path].text
        for path, answer in own.items()
    )


@check(
    "app.answers",
    title="The application answers at this entrypoint",
    entrypoints=EVERYWHERE,
    level="broken",
    source=f"{PAGE} › Check the responses",
    statement=(
        "The start page, the schema or the docs answer (or require credentials): whatever else is skipped, "
        "the application is there."
    ),
    fix=(
        "See the diagnosis or the logs for the reason. If the application has no schema, docs or start "
        "page, name a path that it has (--path)."
    ),
)
def test_the_application_answers_at_this_entrypoint(entrypoint: Entrypoint, expect: Expect) -> None:
    found = entrypoint.target.found
    known = [found.schema_path, *found.routes[:3], *found.present[:2]] if not entrypoint.target.demo else []
    named = entrypoint.target.answers or ["/openapi.json", "/docs", "/redoc", "/"]
    paths = list(dict.fromkeys(filter(None, [*entrypoint.target.answers, *known, *named])))
    seen = {}
    for path in paths:
        answer = entrypoint.get(path)
        leads_back = answer.headers.get("location") == str(answer.url)
        seen[path] = f"{answer.status_code} to itself" if leads_back else str(answer.status_code)
        if answer.text.strip() == "404 page not found":  # Traefik's words
            seen[path] = "404 from the proxy"
        there = answer.status_code < 400 or answer.status_code in (401, 403)
        if path in known[1:] and not there:  # the application's own way to refuse a plain GET
            there = answer.status_code in (400, 405, 406) and "host" not in answer.text.lower()
        if answer.status_code in (401, 403) and entrypoint.name != "direct" and entrypoint.target.has_direct:
            own = entrypoint.target.open("direct", expect).get(path)
            there = own.status_code in (
                401,
                403,
            )  # else the proxy wants the password, and not the application
        if not leads_back and there:
            expect.subject = path
            return expect.that(True, f"{path} answers", observed=seen[path], expected="below 400")
    if not entrypoint.target.answers and nothing_is_known(entrypoint, paths):
        pytest.skip(f"at the server, too, {', '.join(paths)} are 404: no path is known (--path names one)")
    raise Unexpected("statuses", seen, dict.fromkeys(seen, "an answer below 400"))


@check(
    "app.root_path",
    title="/app answers with root_path = the prefix",
    entrypoints=EVERYWHERE,
    level="broken",
    source=f"{PAGE} › Checking the current root_path",
    statement=(
        "The application receives the prefix as root_path, whichever entrypoint a request came through."
    ),
    fix=(
        "The server's root path must be the prefix that the proxy strips (uvicorn, FastAPI CLI: "
        "--root-path), and must not be set by FastAPI(root_path=)."
    ),
    needs=("app",),
)
def test_the_app_answers_with_the_prefix_as_its_root_path(entrypoint: Entrypoint, expect: Expect) -> None:
    answer = expect.json(entrypoint.get("/app"))
    expect("body", answer, {"message": "Hello World", "root_path": entrypoint.prefix})


@check(
    "app.direct_path_has_no_prefix",
    title="The server itself has no prefixed path",
    entrypoints=("direct",),
    level="hardening",
    source=f"{PAGE} › About root_path",
    statement="Behind a proxy that strips the prefix, the server does not serve the prefixed path.",
    fix=(
        "The server answers a second URL for every route. root_path is set but not prepended to the "
        "stripped path, so Starlette removes it a second time: use uvicorn's --root-path (0.26 or newer) or "
        "a middleware that sets both, and drop FastAPI(root_path=)."
    ),
    needs=("strip", "route", "prefix"),
)
def test_the_prefixed_path_is_not_found_at_the_server(entrypoint: Entrypoint, expect: Expect) -> None:
    if entrypoint.target.demo:
        expect("status of the prefixed path", entrypoint.get(f"{entrypoint.prefix}/app").status_code, 404)
        return
    path, own = route_of(entrypoint, expect)
    answer = entrypoint.get(entrypoint.prefix + path)
    where = "the route" if reaches(entrypoint, answer, own) else "nothing of it"
    expect(f"reached at {entrypoint.prefix}{path}", where, "nothing of it")


@check(
    "app.direct_has_both_paths",
    title="Without stripping, the server has both paths",
    entrypoints=("direct",),
    level="broken",
    source=f"{PAGE} › About proxies with a stripped path prefix",
    statement=(
        "Without stripping, the server answers the public path, which the proxy sends, and the short one too."
    ),
    fix=(
        "Where nothing is stripped, root_path must be set but not prepended to the path: uvicorn's "
        "--root-path would double it; FastAPI(root_path=) or a middleware does not."
    ),
    needs=("unstripped", "app", "prefix", "root path"),
)
def test_the_server_answers_with_and_without_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    both = ("/app", f"{entrypoint.prefix}/app")
    paths = entrypoint.each(both, lambda path: entrypoint.ask("GET", path).status_code)
    expect("status of each path", paths, dict.fromkeys(paths, 200))


@check(
    "app.doubled_prefix",
    title="A path with the prefix twice is not found",
    entrypoints=EVERYWHERE,
    level="exposed",
    source=f"{PAGE} › Setting the root_path in the FastAPI app; fastapi/fastapi#14238; CVE-2026-48020",
    statement=(
        "A path with the prefix twice reaches no route: it would bypass rules written for the route's one "
        "address."
    ),
    fix=(
        "root_path is set but not prepended to the stripped path, so Starlette removes it a second time: "
        "use uvicorn's --root-path (0.26 or newer) or a middleware that sets both, and drop "
        "FastAPI(root_path=)."
    ),
    needs=("route", "prefix"),
)
def test_a_doubled_prefix_is_not_found(entrypoint: Entrypoint, expect: Expect) -> None:
    if entrypoint.target.demo:
        answer = entrypoint.ask("GET", f"{entrypoint.prefix}{entrypoint.prefix}/app")
        expect("status of the doubled prefix", answer.status_code, 404)
        return
    path, own = route_of(entrypoint, expect)
    answer = entrypoint.ask("GET", f"{entrypoint.prefix}{entrypoint.prefix}{path}")
    where = "the route" if reaches(entrypoint, answer, own) else "nothing of it"
    expect(f"reached at {entrypoint.prefix}{entrypoint.prefix}{path}", where, "nothing of it")
