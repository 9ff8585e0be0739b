"""The tool of a copy from a package index, once one has its version: one command, and back."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from behindproxy.stack.index import fetch

from .projects import Tool, commit, git, later, theirs

MODULE = {"APP_MODULE": "their.module:app", "API_PREFIX": "/shop/api"}
WHEELS = [f"deployment/{name}-0.1.0-py3-none-any.whl" for name in ("behindproxy", "behindproxy_serve")]
REST = """import sys
from pip._internal.commands import create_command
options, _ = create_command("download").parse_args([])
sys.stdout.write(options.index_url)
"""


class Index:
    """A package index on loopback: it has the wheels that were added, and leads to pip's own for the rest."""

    def __init__(self) -> None:
        self.wheels: dict[str, bytes] = {}
        process = subprocess.run([sys.executable, "-c", REST], capture_output=True, text=True, check=True)
        self.rest = process.stdout.rstrip("/")
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def add(self, tool: Tool) -> None:
        self.wheels |= {path.name: path.read_bytes() for path in (tool.venv / "wheels").iterdir()}

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        name = request.path.strip("/").rpartition("/")[2]
        ours = [one for one in self.wheels if one.split("-")[0].replace("_", "-") == name]
        page = "".join(f'<a href="/files/{one}">{one}</a>' for one in ours).encode()
        data = self.wheels.get(name, page)
        if not data and not name.startswith("behindproxy"):
            request.send_response(302)
            request.send_header("Location", f"{self.rest}/{name}/")
        else:
            request.send_response(200 if data else 404)
            request.send_header("Content-Type", "text/html" if data == page else "application/zip")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)


@pytest.fixture
def index() -> Iterator[Index]:
    server = Index()
    thread = Thread(target=server.server.serve_forever)
    thread.start()
    yield server
    server.server.shutdown()
    thread.join()
    server.server.server_close()


def copied(source: Tool, project, name: str):
    shop = project(name, theirs(**{"requirements.txt": "fastapi\n"}))
    assert source.new(shop, **MODULE)[0] == 0
    commit(shop.path)
    return shop


def test_one_command_takes_the_tool_from_the_index_that_has_it(source, project, index):
    shop = copied(source, project, "indexed")
    pip = {"PIP_INDEX_URL": index.url, "PIP_NO_CACHE_DIR": "1"}
    code, output = source.run("update", shop.path, "--index", **pip)
    assert code == 2 and len(output.splitlines()) == 1, output
    assert "no index has behindproxy==0.1.0 and behindproxy-serve==0.1.0" in output
    assert "nothing was changed" in output and git(shop.path, "status", "--porcelain") == ""

    index.add(source)
    code, output = source.run("update", shop.path, "--index", **pip)
    assert code == 0, output
    changed = git(shop.path, "diff", "--name-only").splitlines()
    names = [".dockerignore", "deployment/behindproxy.toml", "deployment/tool.lock"]
    assert sorted(changed) == sorted([*names, *WHEELS])
    assert not list((shop.path / "deployment").glob("*.whl"))
    lock = (shop.path / "deployment/tool.lock").read_text()
    for name in WHEELS:
        data = index.wheels[Path(name).name]
        required = Path(name).name.split("-")[0].replace("_", "-")
        assert f"{required}==0.1.0 \\\n    --hash=sha256:{sha256(data).hexdigest()}\n" in lock
    assert "./deployment" not in lock
    commit(shop.path)
    assert "has everything already" in source.run("update", shop.path)[1]  # without an index, too
    routes = shop.path / "traefik/dynamic/routes.toml"
    routes.write_text(routes.read_text() + "# ours\n")
    commit(shop.path)

    second = later(source, "0.2.0", {"traefik/dynamic/routes.toml": ('interval = "1s"', 'interval = "2s"')})
    code, output = second.run("update", shop.path, **pip)
    assert code == 2 and "no index has behindproxy==0.2.0" in output, output
    index.add(second)
    code, output = second.run("update", shop.path, **pip)
    assert code == 0 and "from 0.1.0 to 0.2.0" in output, output
    assert 'interval = "2s"' in routes.read_text() and routes.read_text().endswith("# ours\n")
    assert "behindproxy-serve==0.2.0" in (shop.path / "deployment/tool.lock").read_text()
    commit(shop.path)
    code, output = second.run("update", shop.path, "--no-index")
    assert code == 0, output
    assert len(list((shop.path / "deployment").glob("*-0.2.0-py3-none-any.whl"))) == 2
    assert "index = false" in (shop.path / "deployment/behindproxy.toml").read_text()


def test_another_file_of_the_same_name_is_refused(index, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", index.url)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    index.wheels["behindproxy-0.1.0-py3-none-any.whl"] = b"somebody's"
    with pytest.raises(SystemExit, match="no index has behindproxy==0.1.0 with the hash that is expected"):
        fetch({"behindproxy==0.1.0": "0" * 64})


def test_such_a_copy_proves_itself_and_its_image_gets_the_same_wheel(source, project, index, tmp_path):
    index.add(source)
    shop = project("from-index", theirs(**{"requirements.txt": "fastapi\n"}))
    code, output = source.run("new", shop.path, "--index", PIP_INDEX_URL=index.url, **MODULE)
    assert code == 0, output
    assert not list((shop.path / "deployment").glob("*.whl"))
    assert "!deployment/tool.lock" in (shop.path / ".dockerignore").read_text()
    # What the image's first stage runs before anything is installed.
    dockerfile = (shop.path / "Dockerfile").read_text().replace("\\\n", " ")
    (command,) = re.findall(r"(?m)^RUN (ls .*? }) && +PYTHONPATH=", dockerfile)
    (tmp_path / "tool.lock").write_text((shop.path / "deployment/tool.lock").read_text())
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environ = os.environ | {"PIP_INDEX_URL": index.url, "PATH": path}
    subprocess.run(["sh", "-ec", command], cwd=tmp_path, env=environ, check=True)
    name = Path(WHEELS[1]).name
    assert (tmp_path / name).read_bytes() == index.wheels[name]
    shop.environ["PIP_INDEX_URL"] = index.url
    code, output = shop.verify(source, CHECKS="app.answers")
    assert code == 0, output
    assert "installing requirements.txt, and what serves it, into .behindproxy/app" in output
