"""What root_path does: by option or in the application, stripped or not, and in the docs."""

import re

import pytest

from .apps import SERVERS
from .serving import PREFIX, ROOT_PATH, Served, location
from .statement import statement


def work_of(served: Served, entered_at: str = "") -> dict:
    """What depends on path and root_path together."""
    return {
        "root_path": served.get(f"{entered_at}/app").json()["root_path"],
        "mount": served.get(f"{entered_at}/sub/app").status_code,
        "static file": served.get(f"{entered_at}/static/hello.txt").status_code,
        "redirect": location(served.get(f"{entered_at}/items")).removeprefix(served.url),
        "second address": served.get(f"{PREFIX}/app").status_code,
    }


RIGHT = {
    "root_path": PREFIX,
    "mount": 200,
    "static file": 200,
    "redirect": f"{PREFIX}/items/",
    "second address": 404,
}
HALF = {"root_path": PREFIX, "mount": 404, "static file": 404, "redirect": "/items/", "second address": 200}


@statement(
    "Proxy with a stripped path prefix",
    "Without root_path the frontend would try to reach /openapi.json, and there is no server entry.",
)
def test_without_root_path_the_docs_name_the_bare_schema(serve):
    assert "'/openapi.json'" in serve().get("/docs").text
    assert "servers" not in serve().get("/openapi.json").json()


@statement(
    "Providing the root_path",
    "If you use Hypercorn, it also has the option --root-path.",
    "Gunicorn has it as well. Both leave the prefix out of the path, so behind a stripping proxy "
    "mounts and static files are 404, redirects lose the prefix, and each route has two addresses.",
)
@pytest.mark.parametrize(("name", "work"), [("uvicorn", RIGHT), ("hypercorn", HALF), ("gunicorn", HALF)])
def test_only_uvicorns_root_path_works_behind_a_stripping_proxy(serve, name, work):
    assert work_of(serve(*ROOT_PATH, name=name)) == work


@statement(
    "Checking the current root_path",
    "The response would be {message: Hello World, root_path: /api/v1}, also directly from the server.",
)
def test_the_application_shows_the_servers_root_path(serve):
    answer = serve(*ROOT_PATH).get("/app").json()
    assert answer == {"message": "Hello World", "root_path": PREFIX}


@statement(
    "Setting the root_path in the FastAPI app",
    "You can set the root_path parameter when creating your FastAPI app.",
    "It is deprecated: FastAPI warns and points to the server's --root-path.",
)
def test_root_path_in_the_application_is_deprecated(serve):
    warned = {app: serve(app=app).log.read_text() for app in ("plain", "declared")}
    assert re.search(r"DeprecationWarning.*root_path", warned["declared"])
    assert "Warning" not in warned["plain"]


@statement(
    "Setting the root_path in the FastAPI app",
    "It would be the equivalent of passing the --root-path command line option to Uvicorn.",
    "Behind a stripping proxy it is not: mounts and static files are 404, redirects lose the "
    "prefix, and each route has a second address (fastapi#14238).",
)
def test_root_path_in_the_application_is_not_equivalent(serve):
    assert work_of(serve(app="declared")) == HALF
    assert work_of(serve(*ROOT_PATH)) == RIGHT


@statement(
    "About root_path",
    "The server (Uvicorn) won't use that root_path for anything else than passing it to the app.",
    "Since 0.26 it also puts it before the path (uvicorn#2213), as ASGI requires.",
)
def test_uvicorn_puts_root_path_before_the_path(serve):
    assert serve(*ROOT_PATH).seen()["path"] == f"{PREFIX}/seen"
    assert serve().seen()["path"] == "/seen"


@statement("About root_path", "It won't expect to be accessed at http://127.0.0.1:8000/api/v1/app.")
def test_uvicorn_itself_has_no_prefixed_path(serve):
    assert serve(*ROOT_PATH).get(f"{PREFIX}/app").status_code == 404


@statement(
    "About proxies with a stripped path prefix",
    "A proxy that does not strip would access Uvicorn at the same path, /api/v1/app.",
    "Then --root-path must go: Uvicorn puts the prefix before it a second time, and nothing is "
    "found. root_path has to come from the application, as FastAPI(root_path=) sets it.",
)
def test_without_stripping_uvicorns_root_path_doubles_the_prefix(serve):
    assert serve(*ROOT_PATH).get(f"{PREFIX}/app").status_code == 404
    assert work_of(serve(app="declared"), entered_at=PREFIX) == {**RIGHT, "second address": 200}


@statement(
    "Testing locally with Traefik",
    "This file configures Traefik to use the path prefix /api/v1.",
    "The rule PathPrefix(`/api/v1`) has no boundary: /api/v1app is the application's too.",
)
def test_the_documents_rule_also_takes_what_begins_with_the_prefix(traefik):
    assert traefik.get(f"{PREFIX}app").json()["root_path"] == PREFIX
    assert traefik.get("/app").text.strip() == "404 page not found"


@statement(
    "Check the responses",
    "On Traefik's port with the prefix we get the same response as on Uvicorn's without it.",
)
def test_both_addresses_give_the_same_response(traefik, serve):
    direct = serve(*ROOT_PATH, "--forwarded-allow-ips", "*").get("/app")
    proxied = traefik.get(f"{PREFIX}/app")
    assert (proxied.status_code, proxied.json()) == (direct.status_code, direct.json())
    assert proxied.json() == {"message": "Hello World", "root_path": PREFIX}


@statement(
    "Check the docs UI",
    "Served by Uvicorn directly the docs UI won't work; through the proxy it works correctly.",
)
def test_the_docs_find_their_schema_through_the_proxy_only(traefik, serve):
    schema = f"{PREFIX}/openapi.json"
    direct = serve(*ROOT_PATH, "--forwarded-allow-ips", "*")
    assert f"'{schema}'" in direct.get("/docs").text
    assert f"'{schema}'" in traefik.get(f"{PREFIX}/docs").text
    assert direct.get(schema).status_code == 404
    assert traefik.get(schema).json()["servers"] == [{"url": PREFIX}]


@statement(
    "Additional servers", "FastAPI will insert a server with this root_path at the beginning of the list."
)
def test_the_prefix_comes_first_among_given_servers(serve):
    schema = serve(*ROOT_PATH, app="with_servers").get("/openapi.json").json()
    assert schema["servers"] == [{"url": PREFIX}, *SERVERS]


@statement(
    "Disable automatic server from root_path",
    "With root_path_in_servers=False it won't include it in the OpenAPI schema.",
)
def test_the_prefix_can_be_left_out_of_the_servers(serve):
    served = serve(*ROOT_PATH, app="without_own_server")
    assert served.get("/openapi.json").json()["servers"] == SERVERS
    assert f"'{PREFIX}/openapi.json'" in served.get("/docs").text


@statement(
    "Mounting a sub-application", "You can do it normally; FastAPI will internally use the root_path smartly."
)
def test_a_mounted_application_adds_its_own_path_to_root_path(serve):
    served = serve(*ROOT_PATH)
    assert served.get("/sub/app").json()["root_path"] == f"{PREFIX}/sub"
    assert f"'{PREFIX}/sub/openapi.json'" in served.get("/sub/docs").text
    assert served.get("/sub/openapi.json").json()["servers"] == [{"url": f"{PREFIX}/sub"}]
