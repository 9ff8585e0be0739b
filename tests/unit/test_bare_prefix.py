"""The prefix without its slash: a page leads to the one with it, anything else is answered as it is."""

import pytest

from behindproxy_serve.asgi import wrap
from behindproxy_serve.settings import Settings

from .asgi import request

BARE = [("host", "localhost"), ("x-replaced-path", "/api/v1")]
SLASH = [("host", "localhost")]


def page(kind="text/html; charset=utf-8", status=200):
    async def app(scope, receive, send):
        app.headers = dict(scope["headers"])
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"Content-Type", kind.encode())]}
        )
        await send({"type": "http.response.body", "body": b"<p>one", "more_body": True})
        await send({"type": "http.response.body", "body": b"</p>"})

    return app


def answer(app, path="/", method="GET", headers=BARE, query=b"", **settings):
    wrapped = wrap(app, Settings(**settings))

    async def with_query(scope, receive, send):
        await wrapped({**scope, "query_string": query}, receive, send)

    _, messages = request(with_query, path, method, headers=headers)
    body = b"".join(message.get("body", b"") for message in messages[1:])
    assert sum(message["type"] == "http.response.start" for message in messages) == 1
    return messages[0]["status"], dict(messages[0]["headers"]).get(b"location", b"").decode(), body


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("status", [200, 401, 404])
def test_a_page_at_the_bare_prefix_leads_to_the_slash(method, status):
    assert answer(page(status=status), method=method) == (307, "/api/v1/", b"")
    assert answer(page(), query=b"tab=2&x=%2F") == (307, "/api/v1/?tab=2&x=%2F", b"")


@pytest.mark.parametrize(
    ("app", "method", "headers"),
    [
        (page("application/json"), "GET", BARE),
        (page(), "POST", BARE),
        (page(), "GET", SLASH),
        (page(status=302), "GET", BARE),
        (page(status=503), "GET", BARE),
        (page(), "GET", [("host", "localhost"), ("x-replaced-path", "/api/v2")]),
        (page(), "GET", [*BARE, ("x-replaced-path", "/api/v1")]),
    ],
    ids=["json", "post", "slash", "redirect", "failure", "another path", "said twice"],
)
def test_anything_else_is_answered_as_it_is(app, method, headers):
    status, location, body = answer(app, method=method, headers=headers)
    assert location == "" and body == b"<p>one</p>"


def test_unstripped_the_path_itself_tells():
    assert answer(page(), "/api/v1", headers=SLASH, strip_prefix=False) == (307, "/api/v1/", b"")
    assert answer(page(), "/api/v1/", headers=SLASH, strip_prefix=False)[0] == 200


def test_the_application_sees_nothing_of_it():
    app = page()
    answer(app)
    assert b"x-replaced-path" not in app.headers
