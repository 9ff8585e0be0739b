"""Mounts and static files, which go wrong when the path lacks the prefix that root_path claims."""

from ..engine.check import EVERYWHERE, check
from ..engine.discovery import SCHEMA_URL
from ..engine.entrypoint import Entrypoint
from ..engine.expect import Expect
from .test_docs import named

SOURCE = "Behind a Proxy › Mounting a sub-application"


@check(
    "mount.sub_application",
    title="A mounted application knows its root_path",
    entrypoints=EVERYWHERE,
    level="broken",
    source=SOURCE,
    statement=(
        "A mounted application is reached under the prefix, and its root_path is the prefix with the mount "
        "path."
    ),
    fix=(
        "Use Uvicorn's --root-path, and no root_path= in the mounted application. Mounts need the prefix in "
        "path as well as in root_path, and FastAPI(root_path=), Gunicorn's and Hypercorn's own --root-path "
        "set only the latter (Kludex/uvicorn#2213, fastapi/fastapi#14238)."
    ),
    needs=("sub",),
)
def test_the_sub_application_answers_under_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    answer = expect.json(entrypoint.get("/sub/app"))
    expect("root_path", answer.get("root_path"), f"{entrypoint.prefix}/sub")


@check(
    "mount.sub_docs",
    title="The sub-application's docs name its own schema",
    entrypoints=EVERYWHERE,
    level="broken",
    source=SOURCE,
    statement="The docs of a mounted application name the schema under prefix and mount path.",
    fix=(
        "Use Uvicorn's --root-path. Mounts need the prefix in path as well as in root_path, and "
        "FastAPI(root_path=), Gunicorn's and Hypercorn's own --root-path set only the latter "
        "(Kludex/uvicorn#2213, fastapi/fastapi#14238)."
    ),
    needs=("sub", "docs"),
)
def test_the_sub_applications_docs_name_its_schema(entrypoint: Entrypoint, expect: Expect) -> None:
    page = expect.html(entrypoint.get("/sub/docs"))
    expect("schema named by /sub/docs", named(SCHEMA_URL, page), f"{entrypoint.prefix}/sub/openapi.json")


@check(
    "mount.sub_servers",
    title="The sub-application's schema has prefix/sub as its server",
    entrypoints=EVERYWHERE,
    level="broken",
    source=SOURCE,
    statement="The schema of a mounted application has prefix and mount path as its server.",
    fix=(
        "Use Uvicorn's --root-path. Mounts need the prefix in path as well as in root_path, and "
        "FastAPI(root_path=), Gunicorn's and Hypercorn's own --root-path set only the latter "
        "(Kludex/uvicorn#2213, fastapi/fastapi#14238)."
    ),
    needs=("sub", "openapi"),
)
def test_the_sub_applications_server_is_prefix_and_mount(entrypoint: Entrypoint, expect: Expect) -> None:
    schema = expect.json(entrypoint.get("/sub/openapi.json"))
    expect("servers", schema.get("servers"), [{"url": f"{entrypoint.prefix}/sub"}])


@check(
    "mount.sub_redirect",
    title="The sub-application's redirects stay inside it",
    entrypoints=EVERYWHERE,
    level="broken",
    source=SOURCE,
    statement="A slash redirect of a mounted application leads back into it.",
    fix=(
        "Use Uvicorn's --root-path. Mounts need the prefix in path as well as in root_path, and "
        "FastAPI(root_path=), Gunicorn's and Hypercorn's own --root-path set only the latter "
        "(Kludex/uvicorn#2213, fastapi/fastapi#14238)."
    ),
    needs=("sub",),
)
def test_a_redirect_of_the_sub_application_stays_in_it(entrypoint: Entrypoint, expect: Expect) -> None:
    answer = entrypoint.get("/sub/items")
    expect("status", answer.status_code, 307)
    expect("Location", answer.headers.get("location"), entrypoint.public("/sub/items/"))


@check(
    "mount.sub_websocket",
    title="The sub-application's WebSocket opens and echoes",
    entrypoints=EVERYWHERE,
    level="broken",
    source=SOURCE,
    statement="WebSockets of a mounted application work under the prefix.",
    fix=(
        "Use Uvicorn's --root-path. Mounts need the prefix in path as well as in root_path, and "
        "FastAPI(root_path=), Gunicorn's and Hypercorn's own --root-path set only the latter "
        "(Kludex/uvicorn#2213, fastapi/fastapi#14238)."
    ),
    needs=("sub", "ws"),
    unsafe=True,
)
def test_a_websocket_of_the_sub_application_echoes(entrypoint: Entrypoint, expect: Expect) -> None:
    with entrypoint.ws("/sub/ws") as connection:
        connection.send("through the mount")
        expect("echo", connection.recv(), "through the mount")


@check(
    "static.file",
    title="A static file is served under the prefix",
    entrypoints=EVERYWHERE,
    level="broken",
    source="Kludex/starlette#2400",
    statement="StaticFiles finds its files although the proxy stripped the prefix.",
    fix=(
        "Use Uvicorn's --root-path. Mounts need the prefix in path as well as in root_path, and "
        "FastAPI(root_path=), Gunicorn's and Hypercorn's own --root-path set only the latter "
        "(Kludex/uvicorn#2213, fastapi/fastapi#14238)."
    ),
    needs=("static",),
)
def test_a_static_file_is_served(entrypoint: Entrypoint, expect: Expect) -> None:
    answer = entrypoint.get("/static/hello.txt")
    expect("status", answer.status_code, 200)
    expect.that("Hello" in answer.text, "body", observed=answer.text[:200], expected="text with Hello")


@check(
    "static.directory_redirect",
    title="A directory redirect keeps the prefix",
    entrypoints=EVERYWHERE,
    level="broken",
    source="Kludex/starlette#2400; Behind a Proxy › Redirects with HTTPS",
    statement=(
        "StaticFiles redirects a directory to the path with a slash and keeps prefix, scheme and host."
    ),
    fix=(
        "Use Uvicorn's --root-path. Mounts need the prefix in path as well as in root_path, and "
        "FastAPI(root_path=), Gunicorn's and Hypercorn's own --root-path set only the latter "
        "(Kludex/uvicorn#2213, fastapi/fastapi#14238)."
    ),
    needs=("static",),
)
def test_a_directory_redirect_keeps_the_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    answer = entrypoint.get("/static/dir")
    expect("status", answer.status_code, 307)
    expect("Location", answer.headers.get("location"), entrypoint.public("/static/dir/"))
    expect.html(entrypoint.get("/static/dir/"))
