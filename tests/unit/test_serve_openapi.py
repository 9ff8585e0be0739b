"""`behindproxy-serve openapi`: the schema of an application that does not serve it."""

import json
import os
import subprocess
import sys

import pytest

from behindproxy.stack.paths import ROOT

APPLICATION = """from fastapi import FastAPI

app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
bare = object()


async def asgi(scope, receive, send): ...


@app.get("/orders")
def orders():
    return []
"""


def openapi(folder, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "behindproxy_serve", "openapi", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")} | environ,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "shop.py").write_text(APPLICATION)
    return tmp_path


@pytest.mark.parametrize(("arguments", "environ"), [(["shop:app"], {}), ([], {"APP_MODULE": "shop:app"})])
def test_it_prints_the_schema_that_the_application_hides(folder, arguments, environ):
    process = openapi(folder, *arguments, **environ)
    assert process.returncode == 0, process.stderr
    assert list(json.loads(process.stdout)["paths"]) == ["/orders"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["shop"], "for example openapi app.main:app"),
        (["shop:app", "more"], "for example openapi app.main:app"),
        (["shop:none"], "AttributeError"),
        (["nowhere:app"], "No module named 'nowhere'"),
        (["shop:bare"], "bare is object, and no ASGI application"),
        (["shop:asgi"], "is a function, which has no schema"),
    ],
)
def test_what_has_none_is_one_line(folder, arguments, words):
    process = openapi(folder, *arguments)
    assert process.returncode == 2 and process.stdout == ""
    assert words in process.stderr and process.stderr.count("\n") == 1
