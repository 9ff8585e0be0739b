"""A request's headers by name (behindproxy_serve/headers.py)."""

from behindproxy_serve.headers import by_name, may_have_body, put, take, values

HOST, COOKIE = (b"host", b"localhost"), (b"cookie", b"a=1")


def test_every_value_of_a_name_is_found():
    scope = {"headers": [HOST, COOKIE, (b"cookie", b"b=2")]}
    assert values(scope, b"cookie") == [b"a=1", b"b=2"]
    assert values(scope, b"host") == [b"localhost"]
    assert values(scope, b"accept") == []


def test_one_value_is_found_where_no_name_is_there_twice():
    assert values({"headers": [HOST, COOKIE]}, b"cookie") == [b"a=1"]


def test_what_is_deleted_and_set_is_seen_by_name_and_in_the_list():
    scope = {"headers": [HOST, COOKIE, (b"cookie", b"b=2")]}
    assert take(scope, b"cookie") == [b"a=1", b"b=2"] and take(scope, b"accept") == []
    assert scope["headers"] == [HOST] and by_name(scope) == {b"host": b"localhost"}
    put(scope, b"host", b"example.com")
    put(scope, b"accept", b"*/*")
    assert scope["headers"] == [(b"host", b"example.com"), (b"accept", b"*/*")]
    assert values(scope, b"host") == [b"example.com"] and values(scope, b"accept") == [b"*/*"]


def test_what_is_deleted_from_a_copy_is_still_in_the_scope_that_was_copied():
    scope = {"headers": [HOST, COOKIE]}
    assert values(scope, b"cookie") == [b"a=1"]
    take(dict(scope), b"cookie")
    assert values(scope, b"cookie") == [b"a=1"] and scope["headers"] == [HOST, COOKIE]


def test_a_body_may_follow_where_one_is_announced_or_the_version_needs_no_word_of_it():
    for headers, version, may in (
        ([], "1.1", False),
        ([(b"content-length", b"0")], "1.1", False),
        ([(b"content-length", b"1")], "1.1", True),
        ([(b"transfer-encoding", b"chunked")], "1.1", True),
        ([], "2", True),
    ):
        assert may_have_body({"headers": headers, "http_version": version}) is may


def test_a_list_that_somebody_else_put_there_is_read_anew():
    scope = {"headers": [HOST]}
    assert by_name(scope) == {b"host": b"localhost"}
    scope["headers"] = [COOKIE]
    assert by_name(scope) == {b"cookie": b"a=1"}
