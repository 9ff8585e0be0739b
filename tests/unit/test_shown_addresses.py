"""What a response shows: addresses, what a page needs, what its scripts open and send."""

import httpx
import pytest

from behindproxy.contract.engine import answers
from behindproxy.contract.engine.inventory import Answer, Inventory, path_in

HTML = {"content-type": "text/html; charset=utf-8"}
JSON = {"content-type": "application/json"}
EXAMPLES = {
    "a Location": ({"location": "http://a.example/x"}, "", ["http://a.example/x"]),
    "a Link": ({"link": '<https://a.example/2>; rel="next"'}, "", ["https://a.example/2"]),
    "JSON": (JSON, '{"self": "http://a.example/1", "n": 1}', ["http://a.example/1"]),
    "JSON with escaped slashes": (JSON, '{"self": "http:\\/\\/a.example\\/1"}', ["http://a.example/1"]),
    "HTML with entities": (HTML, '<a href="http://a.example/?a=1&amp;b=2">', ["http://a.example/?a=1&b=2"]),
    "a redirect_uri": (
        {"location": "https://login.example/o?redirect_uri=http%3A%2F%2Fa.example%2Fback&x=1"},
        "",
        ["https://login.example/o?redirect_uri=http%3A%2F%2Fa.example%2Fback&x=1", "http://a.example/back"],
    ),
    "a WebSocket": (HTML, '<body data-live="wss://a.example/live">', ["wss://a.example/live"]),
    "the end of a sentence": (
        {"content-type": "text/plain"},
        "See http://a.example/x.",
        ["http://a.example/x"],
    ),
    "no URL": (JSON, '{"path": "/x", "bad": "http://a.example:99999/"}', []),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_absolute_address_of_an_answer_is_found(name):
    headers, text, addresses = EXAMPLES[name]
    assert answers.urls(httpx.Headers(headers), text) == addresses


def test_a_page_s_links_assets_and_scripts_are_told_apart():
    page = answers.page_of(
        '<base href="/shop/"><link rel="stylesheet" href="a.css"><link rel="canonical" href="/c">'
        '<script src="a.js"></script><script>fetch("/api/x")</script><img src="i.png"><a href="next">n</a>'
        '<form method="post" action="/post"></form><form action="/search"></form>'
    )
    assert page.assets == ["a.css", "a.js", "i.png"]
    assert page.links == ["/c", "next", "/search"]
    assert answers.requests(page.scripts) == ["/api/x"]
    assert page.resolve("http://a.example/other/page", "next") == "http://a.example/shop/next"
    assert answers.page_of('<a href="/a">a</a>' + "<!--" * 200_000).links == ["/a"]


@pytest.mark.parametrize(
    ("script", "path"),
    [
        ('new WebSocket("wss://a.example/live/1")', "wss://a.example/live/1"),
        ("new WebSocket(`ws://${location.host}/ws/x`)", "/ws/x"),
        ("new WebSocket(location.href.replace(/^http/, 'ws') + 'api/chat/ws')", "api/chat/ws"),
        ("const url = new URL('/ws', location)\nurl.protocol = 'ws:'\nnew WebSocket(url)", "/ws"),
        ("let at = `${scheme}://${location.host}/live/ws`; s = new WebSocket(at, ['v1'])", "/live/ws"),
        ("const u = new URL('./ws', location.href); new WebSocket(u.href)", "./ws"),
        ("new WebSocket(`ws://${location.host}/ws/${client_id}?token=${token}`)", "/ws/1?token=1"),
    ],
)
def test_the_socket_that_a_script_opens_is_found(script, path):
    assert answers.sockets([script]) == [path]


@pytest.mark.parametrize(
    ("script", "path"),
    [
        ('new EventSource("/events")', "/events"),
        ("es = new EventSource(`${location.origin}/feed/1`, {withCredentials: true})", "/feed/1"),
        ("const at = base + 'api/stream'\nnew EventSource(at)", "api/stream"),
    ],
)
def test_the_stream_that_a_script_opens_is_found(script, path):
    assert answers.streams([script]) == [path]


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("session=1; Path=/", True),
        ("session=; Max-Age=0; Path=/", False),
        ("session=null; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT", False),
        ("session=1; expires=Thu, 01 Jan 2099 00:00:00 GMT", True),
    ],
)
def test_a_cookie_that_is_being_deleted_is_no_cookie(line, counts):
    assert bool(answers.cookies(httpx.Headers([("set-cookie", line)]))) == counts


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://a.example/shop/x?y=1", "/x"),
        ("http://a.example/shop", "/"),
        ("http://a.example/shopping", "/shopping"),
        ("/shop/shop/x", "/shop/x"),
        ("http://a.example", "/"),
    ],
)
def test_the_prefix_ends_at_a_boundary(url, path):
    assert path_in(url, "/shop") == path


def test_a_page_for_every_unknown_path_proves_no_path():
    inventory = Inventory(fallback="<html>one page</html>")
    inventory.answers = {
        "/a": Answer("/a", 200, "text/html", "<html>one page</html>", ""),
        "/b": Answer("/b", 200, "application/json", "{}", ""),
        "/c": Answer("/c", 404, "application/json", "{}", ""),
    }
    assert inventory.routes == ["/b"] and inventory.route == "/b"


def test_a_route_with_parameters_is_known_by_its_shape():
    inventory = Inventory(schema={"openapi": "3.1.0", "paths": {"/books/{number}": {}, "/": {}}})
    assert inventory.matches("/books/7") and not inventory.matches("/books") and not inventory.matches("/")
