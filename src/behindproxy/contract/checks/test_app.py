"""The application answers, with the prefix as its root_path, at the address the document gives."""

import pytest

from ..advice.cause import ROOT_PATH
from ..engine.check import EVERYWHERE, check
from ..engine.entrypoint import Entrypoint
from ..engine.expect import Expect, Unexpected
from .test_prefix import reaches, route_of

PAGE = "Behind a Proxy"


def nothing_is_known(entrypoint: Entrypoint, paths: list[str]) -> bool:
    """Whether the server itself has none of `paths` either, and it is its response that arrives here: nothing
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
    title="The application responds on this entrypoint",
    entrypoints=EVERYWHERE,
    level="broken",
    source=f"{PAGE} › Check the responses",
    statement=(
        "The start page, the schema or the docs respond (or require credentials): whatever else is "
        "skipped, the application is there."
    ),
    fix=(
        "Check the diagnosis or the logs for the reason. If the application has no schema, docs or start "
        "page, name a path that it has (--path)."
    ),
)
def test_the_application_answers_at_this_entrypoint(entrypoint: Entrypoint, expect: Expect) -> None:
    inventory = entrypoint.target.inventory
    own_paths = (
        [inventory.schema_path, *inventory.routes[:3], *inventory.present[:2]]
        if not entrypoint.target.demo
        else []
    )
    usual = entrypoint.target.answers or ["/openapi.json", "/docs", "/redoc", "/"]
    paths = list(dict.fromkeys(filter(None, [*entrypoint.target.answers, *own_paths, *usual])))
    statuses = {}
    for path in paths:
        answer = entrypoint.get(path)
        leads_back = answer.headers.get("location") == str(answer.url)
        statuses[path] = f"{answer.status_code} to itself" if leads_back else str(answer.status_code)
        if answer.text.strip() == "404 page not found":  # Traefik's words
            statuses[path] = "404 from the proxy"
        there = answer.status_code < 400 or answer.status_code in (401, 403)
        if path in own_paths[1:] and not there:  # the application's own way to refuse a plain GET
            there = answer.status_code in (400, 405, 406) and "host" not in answer.text.lower()
        if answer.status_code in (401, 403) and entrypoint.name != "direct" and entrypoint.target.has_direct:
            own = entrypoint.target.open("direct", expect).get(path)
            there = own.status_code in (
                401,
                403,
            )  # else the proxy wants the password, and not the application
        if not leads_back and there:
            expect.subject = path
            return expect.that(True, f"{path} answers", observed=statuses[path], expected="below 400")
    # FastAPI(root_path="/other") turns every route into a 404, at the server too; the source has that line.
    source = entrypoint.target.source
    explained = source and source.lines(ROOT_PATH)
    if not entrypoint.target.answers and not explained and nothing_is_known(entrypoint, paths):
        pytest.skip(f"on the server too, {', '.join(paths)} are 404: no path is known (--path names one)")
    raise Unexpected("statuses", statuses, dict.fromkeys(statuses, "a response below 400"))


@check(
    "app.root_path",
    title="/app responds with the prefix as root_path",
    entrypoints=EVERYWHERE,
    level="broken",
    source=f"{PAGE} › Checking the current root_path",
    statement=("The application receives the prefix as root_path, through every entrypoint."),
    fix=(
        "Set the server's root path to the prefix that the proxy strips (Uvicorn, FastAPI CLI: "
        "--root-path), and remove FastAPI(root_path=)."
    ),
    needs=("app",),
)
def test_the_app_answers_with_the_prefix_as_its_root_path(entrypoint: Entrypoint, expect: Expect) -> None:
    answer = expect.json(entrypoint.get("/app"))
    expect("body", answer, {"message": "Hello World", "root_path": entrypoint.prefix})


@check(
    "app.direct_path_has_no_prefix",
    title="The direct entrypoint has no prefixed path",
    entrypoints=("direct",),
    level="hardening",
    source=f"{PAGE} › About root_path",
    statement="Behind a proxy that strips the prefix, the server does not serve the prefixed path.",
    fix=(
        "Use Uvicorn's --root-path (0.26 or newer), or a middleware that sets root_path and path, and "
        "remove FastAPI(root_path=). Otherwise root_path is not prepended to the stripped path: "
        "Starlette strips it a second time, and every route has a second URL."
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
    title="Without stripping, the direct entrypoint has both paths",
    entrypoints=("direct",),
    level="broken",
    source=f"{PAGE} › About proxies with a stripped path prefix",
    statement=(
        "Without stripping, the server accepts the public path that the proxy sends, and the unprefixed one."
    ),
    fix=(
        "Where nothing is stripped, set root_path with FastAPI(root_path=) or a middleware: Uvicorn's "
        "--root-path would double the prefix in the path."
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
        "A path with the prefix twice reaches no route: it would bypass rules written for the route's "
        "only URL."
    ),
    fix=(
        "Use Uvicorn's --root-path (0.26 or newer), or a middleware that sets root_path and path, and "
        "remove FastAPI(root_path=). Otherwise root_path is not prepended to the stripped path, and "
        "Starlette strips it a second time."
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
