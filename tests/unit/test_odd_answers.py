"""What a third party's application or proxy answers that no well-behaved one does: judged, or left out with a
reason, and never in the way of the rest. Each response comes over a real socket."""

import json
import sys
import threading
import time
import zlib
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from starlette.testclient import TestClient

from behindproxy.contract.advice.source import Source
from behindproxy.contract.checks import (
    test_answers,
    test_app,
    test_application,
    test_delivery,
    test_docs,
    test_fuzz,
    test_headers,
    test_hosts,
    test_links,
    test_logs,
    test_paths,
    test_prefix,
    test_redirects,
    test_spoofing,
    test_websocket,
)
from behindproxy.contract.engine import answers, discovery, exchange
from behindproxy.contract.engine.entrypoint import RateLimited
from behindproxy.contract.engine.expect import Expect, Unexpected
from behindproxy.contract.engine.inventory import Answer, Docs, Inventory, Redirect
from behindproxy.contract.engine.raw import RawAnswer
from behindproxy.contract.engine.target import Unreachable
from behindproxy_serve.middleware.health import Health

from .targets import target

HTML, JSON, TEXT = ({"content-type": kind} for kind in ("text/html", "application/json", "text/plain"))
NO_URL = "http://[::1"
LIMIT = "<html>\n<center><h1>503 Service Temporarily Unavailable</h1></center>\n<hr><center>nginx</center>"
SCHEMA = {"openapi": "3.1.0", "paths": {"/orders": {"get": {}}}}
UNKNOWN = 404, JSON, "{}"


class Served:
    """An application behind a prefix: `answer(path)` returns status, headers and text."""

    def __init__(self, answer, port):
        self.url, self.answer, self.came = f"http://127.0.0.1:{port}/shop", answer, Counter()

    def target(self, **fields):
        result = target(self.url, application="other")
        result.inventory = Inventory(**fields)
        return result


@contextmanager
def served(answer):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            app.came[self.path] += 1
            status, headers, text = app.answer(self.path.removeprefix("/shop"))
            self.send_response(status)
            length = {"content-length": str(len(text))} if isinstance(text, str) else {}
            for name, value in {**headers, **length, "connection": "close"}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for piece in [text] if isinstance(text, str) else text:
                    self.wfile.write(piece.encode())
            except ConnectionError:
                pass

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    app = Served(answer, server.server_port)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield app
    finally:
        server.shutdown()
        server.server_close()


def found(*paths: str, kind: str = "application/json", text: str = "{}", **more) -> dict:
    """Of discovery: these paths answer 200."""
    return {"answers": {path: Answer(path, 200, kind, text, "", **more) for path in paths}}


def run(check, target, name="http"):
    """Run a check; return what it expects, or what is wrong."""
    expect = Expect()
    try:
        check(target.open(name, expect), expect)
    except Unexpected as wrong:
        return wrong.observed
    return ""


# Location


def test_a_location_that_is_no_url_is_an_answer_and_a_finding():
    leads = {"/": (307, {"location": NO_URL}, "")}
    with served(lambda path: leads.get(path, UNKNOWN)) as app:
        target = app.target()
        target.connect()
        assert not target.dead
        assert target.open("http", Expect()).get("/").headers["location"] == NO_URL
        target.inventory = Inventory(answers={"/": Answer("/", 307, "", "", NO_URL)})
        text = run(test_application.test_no_route_redirects_out_of_the_prefix, target)
        assert "redirects outside" in text and f"{NO_URL}, which is not a URL" in text


@pytest.mark.parametrize(
    ("urls", "wrong"), [(["/token"], '["/token"]'), ([NO_URL], f'["{NO_URL}"]'), (["token", "", 7, None], "")]
)
def test_a_token_url_is_judged_whatever_it_is(urls, wrong):
    flows = [{"flows": {"password": {"tokenUrl": url}}} for url in urls]
    schema = SCHEMA | {"components": {"securitySchemes": {str(n): one for n, one in enumerate(flows)}}}
    with served(lambda path: (200, JSON, json.dumps(schema))) as app:
        target = app.target(schema=schema, schema_path="/openapi.json")
        text = run(test_application.test_the_schema_s_own_addresses_keep_the_prefix, target)
        assert text == (f"addresses outside: {wrong}" if wrong else "")


def test_a_schema_without_such_an_address_is_skipped():
    with served(lambda path: (200, JSON, json.dumps(SCHEMA))) as app, pytest.raises(pytest.skip.Exception):
        run(
            test_application.test_the_schema_s_own_addresses_keep_the_prefix,
            app.target(schema=SCHEMA, schema_path="/openapi.json"),
        )


# limits


@pytest.mark.parametrize("status", [429, 503])
def test_a_limit_is_no_answer(status):
    numbers = count(-1, -1)
    with served(lambda path: (200, JSON, "{}") if next(numbers) == -1 else (status, HTML, LIMIT)) as app:
        one = app.target().open("http", Expect())
        assert one.get("/orders").status_code == 200
        with pytest.raises(RateLimited, match=f"limits how many requests it takes .{status}"):
            one.get("/orders")
        with pytest.raises(RateLimited):
            one.raw("GET /shop/orders HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        with pytest.raises(RateLimited), one.ws("/orders"):
            pass


def test_a_503_to_everything_is_a_deployment_that_does_not_answer():
    with served(lambda path: (503, HTML, LIMIT)) as app:
        target = app.target()
        assert target.open("http", Expect()).get("/orders").status_code == 503
        target.connect()
        assert "answers 503 to everything" in target.dead["http"]


@pytest.mark.parametrize("prefix", ["/shop", ""])
@pytest.mark.parametrize(
    ("leads", "text"),
    [
        ({"/": "/login", "/login": "/"}, "/ -> {}/"),
        ({"/": "/login", "/login": "/a", "/a": "/b"}, ""),
        ({"/": "/1", **{f"/{n}": f"/{n + 1}" for n in range(1, 20)}}, "{}/6, and on"),
    ],
    ids=["a circle", "a way with an end", "a way without an end"],
)
def test_redirects_that_do_not_end_are_a_finding(leads, text, prefix):
    def answer(path):
        return (307, {"location": prefix + leads[path]}, "") if path in leads else (200, TEXT, "here")

    with served(answer) as app:
        app.url = app.url.removesuffix("/shop") + prefix
        origin = app.url.removesuffix(prefix) if prefix else app.url
        one = app.target(answers={"/": Answer("/", 307, "", "", leads["/"])})
        observed = run(test_application.test_no_route_redirects_out_of_the_prefix, one)
        assert text.format(origin + prefix) in observed and bool(observed) == bool(text)


def test_an_answer_that_breaks_off_is_no_silence():
    with served(lambda path: (200, {**JSON, "content-length": "99"}, iter("{"))) as app:
        with pytest.raises(Unreachable, match="no response that can be read comes at"):
            app.target().connect()


# what is long, or slow


def endless():
    while True:
        yield "a line of the log\n" * 1000


def test_of_a_text_without_an_end_the_beginning_is_read():
    with served(lambda path: (200, TEXT, endless())) as app:
        one = app.target().open("http", Expect())
        assert exchange.TEXT_BYTES < len(one.get("/tail").content) < 2 * exchange.TEXT_BYTES
        assert exchange.TEXT_BYTES < len(one.look("/tail").text) < 2 * exchange.TEXT_BYTES


def test_of_a_text_that_is_cut_off_no_address_is_cut_through():
    def line():
        while True:
            yield f'{{"self": "{app.url}/orders/1"}},' * 999

    with served(lambda path: (200, JSON, line())) as app:
        one = app.target().open("http", Expect())
        assert set(answers.urls({}, one.look("/dump").text)) == {f"{app.url}/orders/1"}
    with served(lambda path: (200, TEXT, line())) as app:
        assert set(answers.urls({}, app.target().open("http", Expect()).get("/dump").text)) == {
            f"{app.url}/orders/1"
        }


def packed(body: bytes, coding: str) -> bytes:
    for one in filter(None, coding.split(", ")):
        squeezer = zlib.compressobj(9, zlib.DEFLATED, {"gzip": 31, "deflate": 15, "raw": -15}[one])
        body = squeezer.compress(body) + squeezer.flush()
    return body


def body_of(body: bytes, coding: str, kind: str = "application/json") -> list[bytes]:
    """The pieces in which a response's body is read."""
    headers = {"content-type": kind, "content-encoding": coding.replace("raw", "deflate")}
    answer = httpx.MockTransport(
        lambda request: httpx.Response(200, headers=headers, stream=httpx.ByteStream(packed(body, coding)))
    )
    with httpx.Client(transport=answer, event_hooks={"response": [exchange.bound]}) as client:
        with client.stream("GET", "http://127.0.0.1/") as response:
            return list(response.iter_bytes())


@pytest.mark.parametrize("coding", ["", "gzip", "deflate", "raw", "deflate, gzip", "gzip, gzip"])
def test_a_packed_body_is_unpacked_piece_by_piece(coding):
    body = bytes(range(256)) * 4000
    pieces = body_of(body, coding)
    assert b"".join(pieces) == body
    if coding:
        assert max(map(len, pieces)) <= exchange.PIECE_BYTES


@pytest.mark.parametrize("coding", ["gzip", "gzip, gzip"])
def test_a_packed_body_is_cut_before_it_is_unpacked_whole(coding):
    pieces = body_of(b"0" * 64_000_000, coding, "text/plain")
    assert sum(map(len, pieces)) < 2 * exchange.TEXT_BYTES


def test_a_body_that_does_not_unpack_is_an_answer_that_cannot_be_read():
    headers = {**JSON, "content-encoding": "gzip"}
    with served(lambda path: (200, headers, "no gzip")) as app:
        with pytest.raises(Unreachable, match="no response that can be read comes at"):
            app.target().connect()


HARD = {
    "links in a header": lambda text: answers.urls({"link": text("<")}, ""),
    "spaces behind a call": lambda text: answers.requests(["fetch" + text(" ")]),
    "a client's name, repeated": lambda text: client_of(text("socket.io")),
    "a client without a call": lambda text: client_of(text("socket.io.js ")),
    "tags that stay open": lambda text: test_docs.ASSET.findall(text("<script ")),
    "one long word": lambda text: test_hosts.injected_in(text("a")),
    "one long address": lambda text: test_hosts.injected_in(text("http://")),
    "a schema's path of many parameters": lambda text: Inventory(
        schema={"paths": {"/" + "{a}" * 40 + "/x": {}, "/" + "{a}b" * 40 + "/x": {}}}
    ).matches("/" + text("b")),
}


def client_of(text):
    search = discovery.Discovery(target("http://127.0.0.1/shop"), "http")
    return search._client_paths(Answer("/", 200, "text/html", text, ""))


@pytest.mark.parametrize("name", HARD)
def test_no_answer_takes_long_to_read(name):
    began = time.process_time()
    HARD[name](lambda piece: piece * (90_000 // len(piece)))
    assert time.process_time() - began < 1


def test_of_a_page_with_many_links_some_are_looked_at():
    page = "".join(f'<a href="/other/{number}">x</a>' for number in range(5000))
    with served(lambda path: (200, HTML, page) if path == "/" else UNKNOWN) as app:
        target = app.target(**found("/", kind="text/html"))
        text = run(test_application.test_no_answer_links_past_the_prefix, target)
        assert "/other/0" in text
        assert sum(app.came.values()) <= 1 + 2 * test_links.MAX_OUTSIDE


def test_a_plain_get_is_sent_once_for_all_the_checks_that_judge_it():
    page = '<a href="/shop/">x</a><script src="/shop/a.js"></script>'
    answers = {"/": (200, HTML, page), "/a.js": (200, {"content-type": "text/javascript"}, "fetch('x')")}
    with served(lambda path: answers.get(path, UNKNOWN)) as app:
        target = app.target(**found("/", kind="text/html", addresses=(app.url,)))
        for check in (
            test_application.test_no_route_redirects_out_of_the_prefix,
            test_application.test_no_answer_links_past_the_prefix,
            test_application.test_what_a_page_loads_answers,
            test_application.test_what_a_script_sends_stays_under_the_prefix,
        ):
            assert run(check, target) == ""
        assert app.came["/shop/"] == app.came["/shop/a.js"] == 1
        assert target.request_counts == {("http", path): times for path, times in app.came.items()}


def test_what_is_slow_is_given_more_time(monkeypatch):
    paths = {f"/orders/{number}": {"get": {}} for number in range(40)}
    schema = json.dumps({"openapi": "3.1.0", "paths": paths})
    wait = threading.Event()

    def slow(path):
        wait.wait(0.2)
        return (200, JSON, schema if path == "/openapi.json" else "{}") if path.startswith("/o") else UNKNOWN

    monkeypatch.setattr(discovery, "SECONDS", 0.5)
    with served(slow) as app:
        target = app.target()
        inventory = discovery.Discovery(target, "http").run()
        assert len(inventory.routes) >= 40, inventory.notes
        monkeypatch.setattr(discovery, "MAX_SECONDS", 0.5)
        inventory = discovery.Discovery(target, "http").run()
        assert len(inventory.routes) < 40
        assert "the application is slow (0 s for a response): not all was looked at" in inventory.notes[-1]
        monkeypatch.setattr(discovery, "SLOW_SECONDS", 0.1)
        inventory = discovery.Discovery(target, "http").run()
        assert "a response takes 0 s, and a run sends some hundred requests" in inventory.notes[-1]


# checks that could not fail


def test_a_route_whose_answer_changes_is_no_measure():
    numbers = count()

    def answer(path):
        return 200, JSON, json.dumps(next(numbers)) if path == "/now" else "[]"

    with served(answer) as app:
        expect = Expect()
        one = app.target(**found("/now", "/orders")).open("http", expect)
        assert test_prefix.route_of(one, expect)[0] == "/orders"
        one = app.target(**found("/now")).open("http", expect)
        with pytest.raises(pytest.skip.Exception, match="twice with the same text"):
            test_prefix.route_of(one, expect)


def test_a_path_that_refuses_everybody_shows_nothing_of_a_host():
    with served(lambda path: UNKNOWN) as app:
        target = app.target(redirects=[Redirect("/orders/", "/orders")])
        checks = test_hosts.test_a_malformed_host_is_refused, test_hosts.test_two_hosts_and_none_are_refused
        for check in checks:
            with pytest.raises(pytest.skip.Exception, match="does not redirect here"):
                run(check, target)


def test_a_redirect_that_names_no_host_is_an_answer_to_a_foreign_host():
    with served(lambda path: (307, {"location": "/shop/orders"}, "")) as app:
        target = app.target(answers={"/orders/": Answer("/orders/", 307, "", "", "/shop/orders")})
        assert "evil.example -> answered" in run(test_hosts.test_a_foreign_host_is_not_answered, target)


def test_a_redirect_to_the_own_name_is_a_refusal_of_a_foreign_host():
    with served(lambda path: (307, {"location": f"{app.url}/orders"}, "")) as app:
        target = app.target(answers={"/orders/": Answer("/orders/", 307, "", "", f"{app.url}/orders")})
        assert run(test_hosts.test_a_foreign_host_is_not_answered, target) == ""


def test_an_answer_that_differs_each_time_shows_no_refusal_of_a_foreign_host():
    numbers = count()
    with served(lambda path: (200, JSON, json.dumps(next(numbers)))) as app:
        target = app.target(**found("/now"))
        for check in (
            test_hosts.test_a_foreign_host_is_not_answered,
            test_hosts.test_an_absolute_form_target_with_a_foreign_host_is_not_answered,
        ):
            with pytest.raises(pytest.skip.Exception, match="each response of /now differs"):
                run(check, target)


@pytest.mark.parametrize("remembers", [False, True])
def test_a_token_in_a_docs_page_is_no_invented_prefix(remembers):
    numbers = count()

    def answer(path):
        number = next(numbers)
        page = f"<script nonce='{number}'>ui()</script>"
        line = "\n<a href='/evil/openapi.json'>" if remembers and number > 2 else ""
        return (200, HTML, page + line) if path == "/docs" else (200, JSON, json.dumps(SCHEMA))

    with served(answer) as app:
        docs = [Docs("/docs", "swagger", "/openapi.json")]
        target = app.target(schema=SCHEMA, schema_path="/openapi.json", docs=docs)
        wrong = run(test_spoofing.test_an_invented_prefix_does_not_reach_the_docs, target)
        assert ("/evil/openapi.json" in wrong) is remembers
        assert remembers or wrong == ""


def test_an_application_that_sets_no_policy_header_shows_nothing_of_the_proxy():
    with served(lambda path: (200, JSON | policy, "{}")) as app:
        policy = {}
        one = target(app.url, direct_url=app.url.removesuffix("/shop"), application="other")
        one.inventory = Inventory(**found("/orders"))
        with pytest.raises(pytest.skip.Exception, match="/orders set no such header"):
            run(test_headers.test_the_applications_own_headers_arrive, one)
        policy = {"referrer-policy": "no-referrer"}
        assert run(test_headers.test_the_applications_own_headers_arrive, one) == ""


def test_a_socket_that_opens_at_the_server_alone_is_refused_on_the_way(monkeypatch):
    statuses = {"http": 403, "direct": 403}
    monkeypatch.setattr(test_websocket, "handshake", lambda entrypoint, path: statuses[entrypoint.name])
    one = target("http://127.0.0.1:9/shop", direct_url="http://127.0.0.1:9", application="other")
    one.inventory = Inventory(sockets=["/chat"])
    with pytest.raises(pytest.skip.Exception, match="does not exist, or needs credentials"):
        run(test_websocket.test_a_websocket_opens, one)
    statuses["direct"] = 101
    assert run(test_websocket.test_a_websocket_opens, one) == "handshake with /chat: 403"


def test_private_documentation_is_not_judged_at_the_server():
    with served(lambda path: UNKNOWN) as app:
        direct = app.url.removesuffix("/shop")
        one = target(app.url, direct_url=direct, application="other", docs="private")
        with pytest.raises(pytest.skip.Exception, match="may see it"):
            run(test_docs.test_hidden_documentation_is_not_shown, one, "direct")


@pytest.mark.parametrize("unknown", [(404, TEXT, "404"), (200, {}, "")])
def test_a_proxy_s_empty_200_is_no_file_and_no_other_application(unknown):
    page = "<script type=module>import {draw} from '/assets/a.js'</script><img src='/assets/a.png'>"

    def answer(path):
        return (200, HTML, page) if path == "/gallery" else unknown

    with served(answer) as app:
        one = app.target(answers={"/gallery": Answer("/gallery", 200, "text/html", page, "")})
        wrong = run(test_application.test_what_a_page_loads_answers, one)
        assert '["/assets/a.js", "/assets/a.png"]' in wrong
        assert not test_links.leads_elsewhere(one.open("http", Expect()), "/orders")


def test_a_redirect_to_a_proxy_s_empty_200_does_not_arrive():
    place = "/orders/"

    def answer(path):
        answers = {"/orders": (307, {"location": place}, ""), "/other/": (200, JSON, "[]")}
        return answers.get(path, (200, {}, ""))

    with served(answer) as app:
        there = Answer("/orders/", 200, "application/json", "[]", "")
        one = app.target(answers={"/orders/": there}, redirects=[Redirect("/orders", "/orders/")])
        assert run(test_redirects.test_the_redirect_arrives, one) == "status of its target: 200 and nothing"
        place = "/other/"  # another application's
        assert run(test_redirects.test_the_redirect_arrives, one) == ""


def test_an_application_without_a_usual_path_is_no_broken_deployment():
    check = test_app.test_the_application_answers_at_this_entrypoint
    with served(lambda path: UNKNOWN) as server, served(lambda path: UNKNOWN) as proxy:

        def deployed(**more):
            direct = server.url.removesuffix("/shop")
            return target(proxy.url, direct_url=direct, application="other", **more)

        assert "--path names one" in discovery.Discovery(deployed(), "direct").run().notes[-1]
        for name in ("http", "direct"):
            with pytest.raises(pytest.skip.Exception, match="no path is known"):
                run(check, deployed(), name)
        assert "/orders -> 404" in run(check, deployed(answers=["/orders"]))
        assert "/docs -> 404" in run(check, target(proxy.url, application="other"))  # nothing to compare with
        proxy.answer = lambda path: (404, HTML, "nginx")
        assert "/docs -> 404" in run(check, deployed())


@pytest.mark.parametrize(
    ("line", "red"),
    [('app = FastAPI(root_path="/other")', True), ("app = FastAPI(openapi_url=None)", False), ("", False)],
)
def test_where_the_health_of_what_serves_it_alone_answers_the_source_says_whether_it_is_broken(
    line, red, tmp_path
):
    """FastAPI(root_path="/other"): every route is a 404, through the proxy and at the server. So are the
    usual paths of an application that hides its docs."""
    check = test_app.test_the_application_answers_at_this_entrypoint
    health = {path: (200, JSON, text) for path, text in discovery.HEALTH.items()}
    (tmp_path / "shop.py").write_text(f"from fastapi import FastAPI\n\n{line}\n")

    def answer(path):
        return health.get(path, UNKNOWN)

    with served(answer) as server, served(answer) as proxy:
        one = target(proxy.url, direct_url=server.url.removesuffix("/shop"), application="other")
        one.source = Source("shop:app", tmp_path / "shop.py", "/shop") if line else None
        one.inventory = discovery.Discovery(one, "direct").run()
        assert not one.inventory.present
        if red:
            assert "/docs -> 404" in run(check, one)
        else:
            with pytest.raises(pytest.skip.Exception, match="no path is known"):
                run(check, one)


def test_the_health_of_what_serves_it_is_as_it_is_there():
    async def nothing(scope, receive, send):
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def app(scope, receive, send):  # outermost, a layer would be taken for an ASGI 2 application
        await Health(nothing, "", Path("no-such-file"))(scope, receive, send)

    health = TestClient(app)
    assert {path: health.get(path).text for path in discovery.HEALTH} == discovery.HEALTH


def test_a_response_that_fails_once_is_what_is_said_and_not_that_the_next_one_did_not():
    pytest.importorskip("schemathesis")
    schema = SCHEMA | {"info": {"title": "Shop", "version": "1"}}
    schema["paths"] = {"/orders": {"get": {"responses": {"200": {"description": "orders"}}}}}
    calls = count(1)

    def answer(path):
        if path == "/openapi.json":
            return 200, JSON, json.dumps(schema)
        return 500 if next(calls) == 3 else 200, JSON, "{}"

    with served(answer) as app:
        finding = run(test_fuzz.test_no_answer_is_outside_the_schema, app.target())
    assert "Server error" in finding and next(calls) <= 6


def test_an_address_that_is_new_each_time_is_no_measure():
    def answer(path):
        back = quote(f"{app.url}/callback")
        return 302, {"location": f"https://login.example/?redirect_uri={back}&state={next(number)}"}, ""

    number = count()
    with served(answer) as app:
        inventory = Inventory(
            answers={"/login": Answer("/login", 302, "", "", "", addresses=(f"{app.url}/callback",))}
        )
        target = app.target()
        target.inventory = inventory
        assert run(test_spoofing.test_invented_headers_steer_no_address, target) == ""


def test_a_mounted_application_is_found_with_its_schema():
    inner = {"openapi": "3.1.0", "paths": {"/sales/": {"get": {}}, "/{one}": {"get": {}}}}
    pages = {
        "/": (200, HTML, '<a href="/shop/reports/latest">x</a>'),
        "/openapi.json": (200, JSON, json.dumps(SCHEMA)),
        "/reports/latest": (200, JSON, "{}"),
        "/reports/openapi.json": (200, JSON, json.dumps(inner)),
        "/reports/sales": (307, {"location": "/shop/reports/sales/"}, ""),
        "/reports/sales/": (200, JSON, "[]"),
        "/v1/openapi.json": (200, JSON, "[]"),
    }
    with served(lambda path: pages.get(path, UNKNOWN)) as app:
        inventory = discovery.Discovery(app.target(), "http").run()
        assert inventory.mounts == ["/reports"] and "/reports/sales/" in inventory.routes
        assert Redirect("/reports/sales", "/reports/sales/") in inventory.redirects
        assert "mounted applications /reports" in inventory.summary()[0]


def mounted(server: str, *, at: str):
    """The schema at /v1/openapi.json, its one path below `at`."""
    schema = {**SCHEMA, "servers": [{"url": server}]}
    pages = {"/v1/openapi.json": (200, JSON, json.dumps(schema)), f"{at}/orders": (200, JSON, "[]")}
    return lambda path: pages.get(path, UNKNOWN)


@pytest.mark.parametrize(
    ("at", "server", "right"),
    [
        ("/v1", "/shop/v1", True),  # the only schema is that of an application mounted at /v1
        ("/v1", "/shop", False),
        ("/v1", "/v1", False),  # the server does not know the prefix
        ("", "/shop", True),  # openapi_url="/v1/openapi.json"
        ("", "/shop/v1", False),
    ],
)
def test_a_server_of_the_only_schema_is_where_its_application_is(at, server, right):
    with served(mounted(server, at=at)) as app:
        target = app.target()
        target.inventory = discovery.Discovery(target, "http").run()
        assert f"{at}/orders" in target.inventory.routes, target.inventory.routes
        assert bool(run(test_docs.test_the_schemas_servers_begin_with_the_prefix, target)) != right


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("basket=2; Path=/shop", "basket"),
        ("basket=2; Path=/shop; Secure", ""),
        ("basket=; Path=/shop; Max-Age=0", ""),  # it is being deleted
    ],
)
def test_a_cookie_without_secure_is_a_finding(line, text):
    with served(lambda path: (200, {**JSON, "set-cookie": line}, "{}")) as app:
        target = app.target(**found("/basket", cookies=(line,)))
        assert text in run(test_application.test_a_cookie_that_https_sets_is_secure, target)
        assert bool(text) == bool(run(test_application.test_a_cookie_that_https_sets_is_secure, target))


# Streams


def pieces(*texts):
    """Each text a while after the one before."""
    for text in texts:
        yield text
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("texts", "text"),
    [
        (("data: 1\n\n", "data: 2\n\n"), ""),
        (("data: 1\r\n\r", "\ndata: 2\r\n\r\n"), ""),
        (("data:", " 1", " 2"), "no whole event within"),
    ],
    ids=["events", "across pieces", "none ends"],
)
def test_events_one_by_one_are_whole_events(texts, text, monkeypatch):
    monkeypatch.setattr(test_delivery, "STREAM_SECONDS", 0.5)
    with served(lambda path: (200, {"content-type": "text/event-stream"}, pieces(*texts, *texts))) as app:
        target = app.target(streams=["/s"])
        assert text in run(test_delivery.test_server_sent_events_arrive_one_by_one, target)


def test_a_stream_without_an_event_shows_nothing(monkeypatch):
    monkeypatch.setattr(test_delivery, "STREAM_SECONDS", 0.3)

    def silent():
        time.sleep(1)
        yield ""

    with served(lambda path: (200, {"content-type": "text/event-stream"}, silent())) as app:
        with pytest.raises(pytest.skip.Exception, match="too slow to tell"):
            run(test_delivery.test_server_sent_events_arrive_one_by_one, app.target(streams=["/s"]))


def test_the_applications_own_problem_is_not_the_proxys_refusal(monkeypatch):
    with served(lambda path: UNKNOWN) as app:
        target = app.target()
        target.runtime = "native"
        one = target.open("http", Expect())
        problem = RawAnswer(404, [("content-type", "application/problem+json")], "{}")
        monkeypatch.setattr(test_paths, "get", lambda entrypoint, path: problem)
        assert test_paths.stopped_by(one, "/shop/app%5c") == "the application"
        answer = one.get("/orders")
        answer.headers["content-type"] = "application/problem+json"
        assert test_prefix.refused_by(one, answer) == "404 from the application"


def test_docs_that_answer_nobody_show_nothing_of_an_invented_prefix():
    answers = {"/openapi.json": (200, JSON, json.dumps(SCHEMA))}
    with served(lambda path: answers.get(path, UNKNOWN)) as app:
        docs = [Docs("/docs", "swagger", "/openapi.json")]
        target = app.target(schema=SCHEMA, schema_path="/openapi.json", docs=docs)
        text = run(test_spoofing.test_an_invented_prefix_does_not_reach_the_docs, target)
        assert text == "status of /docs: 404"


def test_a_page_that_stands_for_every_path_is_not_where_the_docs_requests_arrive():
    schema = SCHEMA | {"servers": [{"url": "/wrong"}]}
    page = "<html>the application</html>"
    answers = {"/openapi.json": (200, JSON, json.dumps(schema)), "/orders": (200, JSON, "[]")}
    with served(lambda path: answers.get(path, (200, HTML, page))) as app:
        target = app.target(schema=schema, schema_path="/openapi.json", fallback=page, **found("/orders"))
        text = run(test_answers.test_the_first_server_and_a_path_are_an_address, target)
        assert "/orders -> 200, as any unknown path does" in text


def test_paths_of_the_schema_that_the_application_has_not_are_not_the_first_server_s_fault():
    # As Prefect's: its schema names its mounted API's paths without where it is mounted.
    schema = SCHEMA | {"paths": SCHEMA["paths"] | {"/runs": {"get": {}}}, "servers": [{"url": "/shop"}]}
    answers = {"/openapi.json": (200, JSON, json.dumps(schema)), "/orders": (200, JSON, "[]")}
    with served(lambda path: answers.get(path, UNKNOWN)) as app:
        fields = {"schema": schema, "schema_path": "/openapi.json"}
        check = test_answers.test_the_first_server_and_a_path_are_an_address
        assert run(check, app.target(**fields, **found("/orders"))) == ""
        with pytest.raises(pytest.skip.Exception, match="no operation of the schema"):
            run(check, app.target(**fields | {"answers": {"/orders": Answer("/orders", 404, "", "", "")}}))
        assert run(check, app.target(**fields)) == ""  # of those that discovery did not ask for


def test_a_proxy_s_empty_200_is_not_where_the_docs_requests_arrive():
    schema = SCHEMA | {"servers": [{"url": "/elsewhere"}]}
    app_answers = {"/openapi.json": (200, JSON, json.dumps(schema)), "/orders": (200, JSON, "[]")}
    with served(lambda path: app_answers.get(path, (200, {}, ""))) as app:
        fields = {"schema": schema, "schema_path": "/openapi.json"} | found("/orders", text="[]")
        check = test_answers.test_the_first_server_and_a_path_are_an_address
        assert "200 and nothing" in run(check, app.target(**fields))
        schema["servers"] = [{"url": "/shop"}]
        app_answers["/openapi.json"] = (200, JSON, json.dumps(schema))
        assert run(check, app.target(**fields)) == ""


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("The `root_path` parameter is deprecated. Configure the server's root path instead", True),
        ("DeprecationWarning: pkg_resources is deprecated as an API", False),
        ("on_event is deprecated, use lifespan event handlers instead; root path /api/v1", False),
    ],
)
def test_only_a_warning_about_root_path_is_one(line, is_one):
    assert bool(test_logs.DEPRECATED.search(line)) == is_one


def answering_with(show):
    """A server whose response is `show(client's address, Host)`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            kind, text = show(self.client_address[0], self.headers["Host"])
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    return Handler


LISTENING = "listening on 127.0.0.1:8000, "


@pytest.mark.skipif(sys.platform != "linux", reason="one loopback address alone")
@pytest.mark.parametrize(
    ("kind", "show", "wrong"),
    [
        ("application/json", lambda client, host: json.dumps({"client": client, "host": host}), ""),
        ("application/json", lambda client, host: json.dumps({"client": [client, 1], "at": "127.0.0.1"}), ""),
        ("application/json", lambda client, host: json.dumps(client), ""),
        ("application/json", lambda client, host: json.dumps({"client": "127.0.0.1", "x": host}), "client"),
        (
            "application/json",
            lambda client, host: json.dumps({"remote": "127.0.0.1", "x-real-ip": client}),
            "remote -> 127.0.0.1",
        ),
        ("text/plain", lambda client, host: client, ""),
        ("text/plain", lambda client, host: "127.0.0.1", "127.0.0.1"),
        ("text/plain", lambda client, host: f"{LISTENING}your address: {client}", ""),
        ("text/plain", lambda client, host: f"{LISTENING}your IP: 127.0.0.1", "your IP"),
        ("text/plain", lambda client, host: LISTENING, None),
        ("text/html", lambda client, host: "<p>client: 127.0.0.1</p>", None),
        ("text/html", lambda client, host: f"<p>your IP is <b>{client}</b> at {host}</p>", ""),
    ],
)
def test_an_address_that_is_not_the_client_s_is_told_from_one_that_should_be(kind, show, wrong):
    handler = answering_with(lambda client, host: (kind, show(client, host)))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/shop"
        one = target(url, application="other")
        one.inventory = Inventory(answers={"/who": Answer("/who", 200, kind, show("127.0.0.1", "x"), "")})
        check = test_application.test_the_application_sees_its_clients_own_address
        if wrong is None:
            with pytest.raises(pytest.skip.Exception):
                run(check, one)
        elif wrong:
            assert wrong in run(check, one)
        else:
            assert run(check, one) == ""
    finally:
        server.shutdown()
        server.server_close()
