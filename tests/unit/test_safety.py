"""What the contract suite lets pass to an application that is not the demonstration."""

import ast
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from app.demonstration import add_demonstration
from app.main import create_app
from app.marker import MARKER, DemonstrationMarker

from behindproxy.contract.engine import safety
from behindproxy.contract.engine.check import Check
from behindproxy.contract.engine.expect import Expect
from behindproxy.stack import settings
from behindproxy.stack.paths import ROOT

from . import targets

CONTRACT = ROOT / "src/behindproxy/contract/checks"
# What opens connections, and the checks that may: a handshake alone, and the logs' own command.
CLIENTS = {
    "asyncio",
    "http",
    "httpx",
    "requests",
    "socket",
    "ssl",
    "subprocess",
    "urllib.request",
    "websockets",
}
ALLOWED = {
    "test_tls.py": {"socket", "ssl"},  # a handshake
    "test_delivery.py": {"ssl", "httpx"},  # a context for the target's own client, the name of an exception
    "test_logs.py": {"subprocess"},
    "test_containers.py": {"subprocess"},  # docker; its one request is a GET to the probe
    "test_fuzz.py": {"httpx", "requests"},  # names of types, and a request that is only prepared
    **dict.fromkeys(
        (
            "test_application.py",
            "test_docs.py",
            "test_headers.py",
            "test_links.py",
            "test_operation.py",
            "test_pages.py",
            "test_prefix.py",
            "test_protected.py",
            "test_redirects.py",
        ),
        {"httpx"},
    ),  # the name of a type
}


@pytest.fixture
def third_party():
    """One that does not run: a request that is let through is an error of the connection."""
    return targets.target("http://127.0.0.1:1/api/v1", direct_url="http://127.0.0.1:2")


@pytest.mark.parametrize("method", ["POST", "DELETE", "TRACE", "CONNECT", "PROPFIND", "get", ""])
def test_other_methods_are_harm(method):
    assert safety.harm(method, "/app", [])


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/app?_method=DELETE", []),
        ("/app?x=1&_Method", []),
        ("/app?%5fmethod=put", []),
        ("/app?x=1;X-HTTP-Method-Override=PUT", []),
        ("/app", [("X-HTTP-Method-Override", "DELETE")]),
        ("/app", [("x_http_method", "DELETE")]),
        ("/app", [("Content-Length", "1")]),
        ("/app", [("Transfer-Encoding", "chunked")]),
    ],
)
def test_a_body_or_another_method_is_harm_under_get(target, headers):
    assert safety.harm("GET", target, headers)


@pytest.mark.parametrize(
    "data",
    [
        "POST /app HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /app HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        "GET /app HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello",
        "GET /app HTTP/1.1\r\nHost: a\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n",
        "GET /app HTTP/1.1\r\nHost: a\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n",
        "GET /app HTTP/1.1\r\nHost: a\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n",
        "GET /app HTTP/1.1\r\nHost: a\r\n\r\nGET /app HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /app HTTP/1.1\r\nHost: a\r\n",
        "GET  /app HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_what_can_be_read_in_two_ways_is_harm(data):
    assert safety.harm_in(data)


def test_a_safe_request_passes_with_any_host_and_any_path():
    for host in ("evil.example:99", "user@a", "a x", ""):
        assert not safety.harm_in(f"GET //x/%2f HTTP/1.1\r\nHost: {host}\r\n\r\n")
    assert not safety.harm("OPTIONS", "/app?x=_method", [("Content-Length", "0")])


def test_every_client_of_a_check_refuses_before_it_connects(third_party):
    one = third_party.open("http", Expect())
    with pytest.raises(safety.Refused, match="method POST"):
        one.request("POST", "/app")
    with pytest.raises(safety.Refused, match="a body"):
        one.get("/app", headers={"Content-Length": "3"})
    with pytest.raises(safety.Refused, match="two ways"):
        one.raw("GET /app HTTP/1.1\r\nX: y\nHost: a\r\n\r\n")
    with third_party.new_client() as client, pytest.raises(safety.Refused):
        client.delete("http://127.0.0.1:1/api/v1/app")
    with third_party.new_client() as client, pytest.raises(safety.Refused):
        client.post("http://127.0.0.1:3/elsewhere")
    with pytest.raises(httpx.ConnectError):
        one.get("/app")


def test_only_the_entrypoint_with_the_marker_gets_the_rest(third_party):
    third_party.marked.add("direct")
    with pytest.raises(httpx.ConnectError):
        third_party.open("direct", Expect()).request("POST", "/app")
    with pytest.raises(safety.Refused):
        third_party.open("http", Expect()).request("POST", "/app")
    third_party.unsafe = True
    with pytest.raises(httpx.ConnectError):
        third_party.open("http", Expect()).request("POST", "/app")


def test_a_check_that_needs_more_is_skipped_with_the_reason(third_party):
    needs_more = Check(
        id="a.b",
        title="",
        entrypoints=("http",),
        level="broken",
        source="",
        statement="",
        fix="",
        unsafe=True,
    )
    assert third_party.reason_to_skip(needs_more, "http") == safety.REASON
    third_party.marked.add("http")
    assert third_party.reason_to_skip(needs_more, "http") is None


@contextmanager
def serving(document: dict):
    """A server whose responses have the marker, and this schema."""

    class Marked(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header(*safety.MARKER)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Marked) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("operations", "application", "marked"),
    [
        ({"get": {}}, "auto", {"http", "direct"}),
        ({"get": {}, "delete": {}}, "auto", set()),  # made of the demonstration, the marker left in
        ({"get": {}}, "other", set()),
    ],
)
def test_the_marker_counts_where_nothing_documented_changes_anything(operations, application, marked):
    with serving({"paths": {"/app": operations, "/items/": {"get": {}}}}) as url:
        target = targets.target(f"{url}/api/v1", direct_url=url, application=application)
        target.connect()
    assert target.marked == marked
    assert target.demo == bool(marked)


@pytest.mark.parametrize("path", sorted(CONTRACT.glob("test_*.py")), ids=lambda path: path.name)
def test_no_check_opens_a_connection_of_its_own(path):
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names |= {node.module, node.module.partition(".")[0]}
    names -= {"websockets.exceptions", "urllib", "http"}
    assert names & CLIENTS <= ALLOWED.get(path.name, set())


def test_the_marker_is_the_same_everywhere():
    name, value = (part.decode() for part in MARKER)
    assert safety.MARKER == (name, value)
    assert f"marker='{name}: {value}'" in (ROOT / "src/behindproxy/curl.sh").read_text()
    assert settings.MARKER == add_demonstration.__name__
    assert settings.StackSettings().demonstration
    assert settings.StackSettings(app_module="tests.mutants.demonstration:hidden_schema").demonstration
    assert not settings.StackSettings(app_module="tests.mutants.faulty:trusted_host").demonstration
    assert any(one.cls is DemonstrationMarker for one in create_app().user_middleware)


def test_a_module_s_name_does_not_make_it_the_demonstration(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    monkeypatch.setattr(settings, "COPY", False)
    stack = settings.StackSettings()
    assert not stack.demonstration
    (tmp_path / "app").mkdir()
    for text in ("app = FastAPI()\n", f"# without {settings.MARKER}(app)\napp = FastAPI()\n", "def app(:\n"):
        (tmp_path / "app" / "main.py").write_text(text)
        assert not stack.demonstration, text
    for text in (f"{settings.MARKER}(app)\n", f"def create_app():\n    {settings.MARKER}(FastAPI())\n"):
        (tmp_path / "app" / "main.py").write_text(text)
        assert stack.demonstration, text
    monkeypatch.setattr(settings, "COPY", True)
    assert not stack.demonstration
