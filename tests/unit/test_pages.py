"""What fails in a browser is the prefix's fault, or the application's own; each answer over a real socket."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from behindproxy.contract.checks.test_pages import failing, refused, refused_socket
from behindproxy.contract.engine import discovery
from behindproxy.contract.engine.expect import Expect

from .targets import target

LEADS = {"/": '<a href="admin/">Admin</a>', "/login": '<script src="/assets/page.js"></script>'}


class Application(BaseHTTPRequestHandler):
    """Below /shop; /tools refuses an Origin, /admin/ leads to the sign-in, and /other is another one's."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.partition("?")[0].removeprefix("/shop") if self.path.startswith("/shop") else ""
        status, text = (200, LEADS[path]) if path in LEADS else (404, "")
        if path in ("/tools", "/live"):
            status = 403 if self.headers.get("Origin") else 406
        if path == "/admin/":
            status = 302
        if self.path == "/other":
            status = 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/shop/login?next=/shop/admin/")
        self.send_header("Connection", "close")
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def entrypoint():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Application)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield target(f"http://127.0.0.1:{server.server_port}/shop", application="other").open("http", Expect())
    server.shutdown()
    server.server_close()


def test_a_page_behind_a_redirect_is_found(entrypoint):
    inventory = discovery.Discovery(entrypoint.target, "http").run()
    assert [one.path for one in inventory.pages] == ["/", "/login"]


@pytest.mark.parametrize(
    ("url", "status", "wrong"),
    [
        ("/assets/page.js", 404, "GET /assets/page.js: 404"),
        ("/assets/page.css", 0, "GET /assets/page.css: 404"),
        ("/shop/shop/page.js", 404, "GET /shop/shop/page.js: 404"),
        ("/shop/missing.js", 404, ""),  # without the direct entrypoint it may be the application's own fault
        ("/shop/me", 401, ""),
        ("/other", 404, ""),
    ],
)
def test_a_request_that_fails_is_the_prefix_s_fault_or_not(entrypoint, url, status, wrong):
    whole = entrypoint.origin + url
    assert failing(SimpleNamespace(entrypoint=entrypoint, failed_urls={whole: status}), whole) == wrong


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("/tools", "POST /tools: outside the prefix"),
        ("/shop/shop/tools", "POST /shop/shop/tools: the prefix is there twice"),
        ("/shop/tools", "POST /shop/tools: 403 with Origin: @"),
        ("/shop/missing", ""),
        ("/shop/delete", ""),
    ],
)
def test_what_was_not_sent_is_judged_by_its_address_and_its_origin(entrypoint, url, wrong):
    text = refused(entrypoint, "POST", entrypoint.origin + url)
    assert text == wrong.replace("@", entrypoint.origin)


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("/live", "WebSocket /live: outside the prefix"),
        ("/shop/missing", "WebSocket /shop/missing: HTTP 404"),
        ("/shop/live", ""),  # refused without an Origin too: it wants more than is known here
    ],
)
def test_a_socket_is_judged_by_its_handshake(entrypoint, url, wrong):
    assert refused_socket(entrypoint, entrypoint.origin.replace("http", "ws") + url) == wrong
