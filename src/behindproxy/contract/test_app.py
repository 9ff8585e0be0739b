"""The application answers, with the prefix as its root_path, at the address the document gives."""

from .check import EVERYWHERE, check
from .entrypoint import Entrypoint
from .expect import Expect, Unexpected

PAGE = "Behind a Proxy"
ROOT_PATH_HINT = (
    "The server's root_path is not the public prefix. API_PREFIX in .env must feed both: restart "
    "with `make up`; behindproxy_serve/server.py passes it as --root-path, "
    "behindproxy_serve/middleware/root_path.py sets it for Gunicorn and Hypercorn."
)


@check(
    "app.answers",
    title="The application answers at this entrypoint",
    entrypoints=EVERYWHERE,
    kind="claim",
    source=f"{PAGE} › Check the responses",
    statement=(
        "Start page, schema or docs answer (or demand credentials): whatever else is skipped, "
        "the application is there."
    ),
    hint=(
        "The diagnosis or `make logs` says what stands in the way. An application that has none "
        "of the three: name a path that it has, ANSWERS=/path."
    ),
)
def test_the_application_answers_at_this_entrypoint(entrypoint: Entrypoint, expect: Expect) -> None:
    paths = (
        [entrypoint.target.answers]
        if entrypoint.target.answers
        else ["/openapi.json", "/docs", "/redoc", "/"]
    )
    seen = {}
    for path in paths:
        answer = entrypoint.get(path)
        leads_back = answer.headers.get("location") == str(answer.url)
        seen[path] = f"{answer.status_code} to itself" if leads_back else str(answer.status_code)
        if answer.text.strip() == "404 page not found":  # Traefik's words
            seen[path] = "404 from the proxy"
        if not leads_back and (answer.status_code < 400 or answer.status_code in (401, 403)):
            return expect.that(True, f"{path} answers", observed=seen[path], expected="below 400")
    raise Unexpected("statuses", seen, dict.fromkeys(seen, "an answer below 400"))


@check(
    "app.root_path",
    title="/app answers with root_path = the prefix",
    entrypoints=EVERYWHERE,
    kind="claim",
    source=f"{PAGE} › Checking the current root_path",
    statement=(
        "The application learns the prefix as root_path, whichever entrypoint a request came through."
    ),
    hint=ROOT_PATH_HINT,
    needs=("app",),
)
def test_the_app_answers_with_the_prefix_as_its_root_path(entrypoint: Entrypoint, expect: Expect) -> None:
    answer = expect.json(entrypoint.get("/app"))
    expect("body", answer, {"message": "Hello World", "root_path": entrypoint.prefix})


@check(
    "app.direct_path_has_no_prefix",
    title="The server itself has no prefixed path",
    entrypoints=("direct",),
    kind="claim",
    source=f"{PAGE} › About root_path",
    statement=("Behind a stripping proxy the server expects no request for the prefixed path."),
    hint=(
        "The server answers a second URL for every route: root_path is set without being "
        "prepended to the path. Use the server's --root-path with Uvicorn, or RootPath in "
        "behindproxy_serve/middleware/root_path.py; not FastAPI(root_path=)."
    ),
    needs=("strip", "app", "prefix"),
)
def test_the_prefixed_path_is_not_found_at_the_server(entrypoint: Entrypoint, expect: Expect) -> None:
    expect("status of the prefixed path", entrypoint.get(f"{entrypoint.prefix}/app").status_code, 404)


@check(
    "app.direct_has_both_paths",
    title="Unstripped, the server has both paths",
    entrypoints=("direct",),
    kind="claim",
    source=f"{PAGE} › About proxies with a stripped path prefix",
    statement=(
        "Without stripping, the proxy sends the server the public path, and the short one answers too."
    ),
    hint=(
        "With STRIP_PREFIX=false root_path must be set but not prepended: Uvicorn's --root-path "
        "doubles it. Leave it to RootPath in behindproxy_serve/middleware/root_path.py and restart with "
        "`make up`."
    ),
    needs=("unstripped", "app", "prefix"),
)
def test_the_server_answers_with_and_without_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    both = ("/app", f"{entrypoint.prefix}/app")
    paths = entrypoint.each(both, lambda path: entrypoint.ask("GET", path).status_code)
    expect("status of each path", paths, dict.fromkeys(paths, 200))


@check(
    "app.doubled_prefix",
    title="A path with the prefix twice is not found",
    entrypoints=EVERYWHERE,
    kind="attack",
    source=f"{PAGE} › Setting the root_path in the FastAPI app; fastapi#14238; CVE-2026-48020",
    statement=(
        "A path with the prefix twice reaches no route: it would go round the rules written for the "
        "route's one address."
    ),
    hint=(
        "root_path is set without being prepended to the stripped path, so Starlette removes it "
        "a second time. Use Uvicorn's --root-path or RootPath in "
        "behindproxy_serve/middleware/root_path.py with strip; drop FastAPI(root_path=)."
    ),
    needs=("app", "prefix"),
)
def test_a_doubled_prefix_is_not_found(entrypoint: Entrypoint, expect: Expect) -> None:
    answer = entrypoint.ask("GET", f"{entrypoint.prefix}{entrypoint.prefix}/app")
    expect("status of the doubled prefix", answer.status_code, 404)
