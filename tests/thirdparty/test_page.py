"""What a page of a third party's sends by itself while a check has it open, in a real Chromium."""

import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from behindproxy.contract.engine.browser import Page
from behindproxy.contract.engine.chromium import Chromium, NoBrowser
from behindproxy.contract.engine.expect import Expect
from behindproxy.contract.engine.target import Target

PAGE = """<!doctype html><title>waiting</title><script>
const post = (name) => `fetch("${location.origin}/${name}", {method: "POST", body: "x", keepalive: true})`;
const socket = (name) => `new WebSocket("${location.origin.replace("http", "ws")}/${name}")`;
const blob = (code) => URL.createObjectURL(new Blob([code]));
const tried = (act) => { try { act() } catch (error) {} };
tried(() => new SharedWorker(blob(`${post("shared")}; ${socket("shared-socket")}`)));
tried(() => new Worker(blob(`try { ${socket("worker-socket")} } catch (error) {}; ${post("worker")}`)));
tried(() => eval(post("page")));
tried(() => eval(socket("page-socket")));
for (const name of ["pagehide", "beforeunload", "unload", "visibilitychange", "freeze"])
  for (const on of [window, document])
    on.addEventListener(name, () => {
      tried(() => navigator.sendBeacon("/beacon", "x"));
      tried(() => eval(post("hidden")));
    });
const worker = new Worker(blob("postMessage('a worker works')"));
worker.onmessage = (message) => { document.title = message.data };
tried(() => navigator.sendBeacon("/early-beacon", "x"));
// Without an end, so that something is under way at every moment, the last one too.
const frame = document.createElement("iframe"), form = document.createElement("form");
Object.assign(frame, {name: "form"});
Object.assign(form, {method: "POST", action: "/form", target: "form"});
document.documentElement.append(frame, form);
new Worker(blob(`setInterval(() => ${post("worker-loop")}, 5)`));
const sends = [
  () => eval(post("loop")),
  () => fetch("/polled", {keepalive: true}),
  () => frame.contentWindow.fetch("/frame", {method: "PUT", body: "x", keepalive: true}),
  () => { const request = new XMLHttpRequest(); request.open("post", "/xhr"); request.send("x") },
  () => form.submit(),
];
let turn = 0;
setInterval(() => tried(sends[turn++ % sends.length]), 5);
</script>"""


@pytest.fixture
def counting():
    arrivals: Counter[str] = Counter()

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            arrivals[
                "socket" if "upgrade" in self.headers.get("Connection", "").lower() else self.command
            ] += 1
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(PAGE)))
            self.end_headers()
            self.wfile.write(PAGE.encode())

        do_GET = do_POST = do_PUT = do_OPTIONS = answer

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", arrivals
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("unsafe", [False, True], ids=["restricted", "unsafe"])
def test_a_page_s_own_scripts_send_safe_requests_only(counting, unsafe):
    url, arrivals = counting
    target = Target(
        http_url=f"{url}/api/v1",
        https_url="",
        direct_url="",
        runtime="remote",
        server="",
        given_strip=True,
        fast=False,
        unsafe=unsafe,
        probe="off",
        application="auto",
        ca_file="",
        root_path_in_servers=True,
        extra_servers=None,
        trusted_proxies=[],
        versions={},
    )
    try:
        chromium = Chromium(target)
    except NoBrowser as reason:
        pytest.skip(str(reason))
    try:
        entrypoint = target.open("http", Expect())
        page = Page(chromium, entrypoint, Expect())
        page.page.goto(f"{url}/page")
        page.page.wait_for_function("document.title == 'a worker works'")
        page.page.goto(f"{url}/next")
        page.page.wait_for_function("document.title == 'a worker works'")
        complaints = page.complaints
        page.context.close()
        last, deadline = arrivals.total(), time.monotonic() + 10
        while time.monotonic() < deadline:  # until nothing more has come for a second
            time.sleep(1)
            if last == (last := arrivals.total()):
                break
    finally:
        chromium.close()
    if unsafe:  # so that the page is seen to try
        assert arrivals["POST"] > 2 and arrivals["PUT"] and arrivals["socket"]
    else:
        assert set(arrivals) <= {"GET", "HEAD", "OPTIONS"}, arrivals
        assert complaints == []  # what was kept from the page is no fault of it
