"""A request's headers by name, read once for all the middlewares round an application."""

from starlette.types import Scope

KEY = "behindproxy.headers"  # in the scope: the list that was read, and the last value of each name in it
FRAMING = (b"content-length", b"transfer-encoding")


def by_name(scope: Scope) -> dict[bytes, bytes]:
    """Return the last value of each header. Whoever changes headers puts a new list into the scope."""
    headers = scope["headers"]
    index = scope.get(KEY)
    if index is None or index[0] is not headers:
        index = scope[KEY] = (headers, dict(headers))
    last: dict[bytes, bytes] = index[1]
    return last


def values(scope: Scope, name: bytes) -> list[bytes]:
    """Return every value of one header."""
    return _values(scope, by_name(scope), name)


def _values(scope: Scope, last: dict[bytes, bytes], name: bytes) -> list[bytes]:
    if name not in last:
        return []
    if len(last) == len(scope["headers"]):  # no header is there twice
        return [last[name]]
    return [value for one, value in scope["headers"] if one == name]


def take(scope: Scope, name: bytes) -> list[bytes]:
    """Delete every header of that name, and return their values."""
    last = by_name(scope)
    every = _values(scope, last, name)
    if every:
        remaining = last.copy()
        del remaining[name]
        _replace(scope, [pair for pair in scope["headers"] if pair[0] != name], remaining)
    return every


def put(scope: Scope, name: bytes, value: bytes) -> None:
    """Set one header, in place of all that have its name."""
    last = by_name(scope)
    headers = [pair for pair in scope["headers"] if pair[0] != name] if name in last else scope["headers"]
    _replace(scope, [*headers, (name, value)], {**last, name: value})


def _replace(scope: Scope, headers: list[tuple[bytes, bytes]], last: dict[bytes, bytes]) -> None:
    """Set a new list, and what is known of it: a copy of the scope goes on with the one that it has."""
    scope["headers"] = headers
    scope[KEY] = (headers, last)


def framing(scope: Scope) -> list[bytes]:
    """Return what says how a body ends."""
    return [value for name in FRAMING for value in values(scope, name)]


def may_have_body(scope: Scope) -> bool:
    """Return False where none can follow: HTTP/1.1 announces a body (RFC 9112, 6.3)."""
    last = by_name(scope)
    if b"content-length" in last or b"transfer-encoding" in last:
        return any(value != b"0" for value in framing(scope)) or scope["http_version"] >= "2"
    return bool(scope["http_version"] >= "2")
