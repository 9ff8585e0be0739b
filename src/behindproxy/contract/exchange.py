"""A check's request and response as text: a failure is read without repeating it."""

from collections.abc import Iterable

import httpx

BODY_CHARACTERS = 2000


def headers_text(headers: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{name}: {value}\n" for name, value in headers)


def body_text(body: str) -> str:
    return body if len(body) <= BODY_CHARACTERS else f"{body[:BODY_CHARACTERS]}… ({len(body)} characters)"


def decoded(pairs: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]


def request_text(request: httpx.Request) -> str:
    target = request.url.raw_path.decode("ascii")
    at = f"# to {request.url.scheme}://{request.url.netloc.decode('ascii')}\n"
    return f"{at}{request.method} {target} HTTP/1.1\n{headers_text(decoded(request.headers.raw))}"


def response_text(response: httpx.Response, body: str) -> str:
    line = f"{response.http_version} {response.status_code} {response.reason_phrase}\n"
    return f"{line}{headers_text(decoded(response.headers.raw))}\n{body_text(body)}"
