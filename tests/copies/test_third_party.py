"""Published applications that nobody here wrote, behind a prefix of two segments."""

import re

import httpx
import pytest

DATASETTE = """import os

from datasette.app import Datasette

app = Datasette(memory=True, settings={"base_url": os.environ["API_PREFIX"] + "/"}).app()
"""
UNTOLD = """from datasette.app import Datasette

app = Datasette(memory=True).app()
"""
# FastAPI's "Behind a Proxy", word for word, in the layout of its documentation.
PAGE = """from fastapi import FastAPI, Request

app = FastAPI()


@app.get("/app")
def read_main(request: Request):
    return {"message": "Hello World", "root_path": request.scope.get("root_path")}
"""
# It adds X-Forwarded-Prefix to root_path, and the server has that already.
NICEGUI = """from fastapi import FastAPI
from nicegui import ui

app = FastAPI()


@ui.page("/")
def index() -> None:
    ui.label("hello")


ui.run_with(app, storage_secret="for tests only")
"""
# Its Link header has base_url twice where the server has a root path too.
ACCEPTED = """[[accept]]
id = "links.prefix"
reason = "Datasette writes base_url twice into rel=alternate"
"""
APPLICATIONS = {
    "datasette": (
        {"requirements.txt": "datasette\n", "catalog.py": DATASETTE, "behindproxy.toml": ACCEPTED},
        "catalog:app",
    ),
    "titiler": ({"requirements.txt": "titiler.application\n"}, "titiler.application.main:app"),
}


@pytest.mark.parametrize("name", APPLICATIONS)
def test_it_is_proved_behind_a_prefix(source, project, name):
    files, module = APPLICATIONS[name]
    theirs = project(name, files)
    code, output = source.new(theirs, APP_MODULE=module, API_PREFIX=f"/shop/{name}")
    assert code == 0, output
    code, output = theirs.verify(source)
    assert code == 0, output
    assert theirs.red() == set()
    assert int(output.splitlines()[-1].split()[0]) > 80  # passed


def loaded(page: httpx.Response) -> dict[str, int]:
    """Return the status of each script and style sheet of a page, where a browser looks for it."""
    names = re.findall(r"""<(?:script|link)[^>]*?(?:src|href)=["']([^"']+\.(?:m?js|css))["'?]""", page.text)
    urls = {name: page.url.join(name) for name in names}
    assert urls
    return {name: httpx.get(url, trust_env=False).status_code for name, url in urls.items()}


def test_nicegui_has_the_prefix_once_where_it_is_not_told_it(source, project):
    theirs = project("nicegui", {"requirements.txt": "nicegui\n", "pages.py": NICEGUI})
    assert source.new(theirs, APP_MODULE="pages:app", API_PREFIX="/shop/ui")[0] == 0
    theirs.verify(source, CHECKS="app.answers")  # brings it up
    page = httpx.get(f"http://127.0.0.1:{theirs.http}/shop/ui/", trust_env=False)
    assert "/shop/ui/shop/ui/" in page.text
    theirs.must("up", FORWARD_PREFIX="false")
    page = httpx.get(page.url, trust_env=False)
    assert "/shop/ui/shop/ui/" not in page.text
    assert set(loaded(page).values()) == {200}


def test_a_fault_of_theirs_is_called_theirs_with_the_line(source, project):
    theirs = project("untold", {"requirements.txt": "datasette\n", "catalog.py": UNTOLD})
    assert source.new(theirs, APP_MODULE="catalog:app", API_PREFIX="/shop/data")[0] == 0
    code, output = theirs.verify(source, CHECKS="application.redirects")
    assert code != 0
    assert theirs.red() == {"application.redirects"}
    diagnosis = next(line for line in output.splitlines() if line.startswith("diagnosis:"))
    assert "the application's own fault" in diagnosis
    assert "catalog.py:3: app = Datasette(memory=True).app()" in diagnosis
    assert 'Datasette(settings={"base_url": "/shop/data/"})' in diagnosis


@pytest.mark.parametrize("target", ["local", "remote"])
def test_fastapi_s_page_as_app_main_is_not_the_demonstration(source, project, target):
    files = {"requirements.txt": "fastapi\n", "app/__init__.py": "", "app/main.py": PAGE}
    theirs = project("page", files)
    assert source.new(theirs, APP_MODULE="app.main:app")[0] == 0
    settings = {}
    if target == "remote":
        assert theirs.verify(source, CHECKS="app.answers")[0] == 0  # brings it up
        settings = {
            "PROXY_URL": f"http://127.0.0.1:{theirs.http}/api/v1",
            "TLS_URL": f"https://127.0.0.1:{theirs.https}/api/v1",
            "DIRECT_URL": f"http://127.0.0.1:{theirs.direct}",
            "CA_FILE": ".behindproxy/tls/ca.pem",
        }
    code, output = theirs.verify(source, **settings)
    assert theirs.red() == set()
    assert code == 0, output
    assert int(output.splitlines()[-1].split()[0]) > 70  # passed
    # What Traefik refused itself stands in its log too.
    logs = theirs.must("logs", FOLLOW=0)
    methods = set(re.findall(r'"(?:RequestMethod|method)": ?"([^"]*)"', logs))
    assert "GET" in methods and methods <= {"GET", "HEAD", "OPTIONS", "WEBSOCKET"}
