"""A check's request and response as text: a failure is read without repeating it."""

import time
from collections.abc import Iterable, Iterator

import httpx

BODY_CHARACTERS = 2000
BODY_BYTES = 64 * 1024 * 1024  # unpacked
BODY_SECONDS = 30


def bound(response: httpx.Response) -> None:
    """Make the body an error where it does not end."""
    whole = response.iter_bytes

    def iter_bytes(chunk_size: int | None = None) -> Iterator[bytes]:
        size, end = 0, time.monotonic() + BODY_SECONDS
        for piece in whole(chunk_size):
            size += len(piece)
            if size > BODY_BYTES or time.monotonic() > end:
                seen = f"after {BODY_SECONDS} seconds or {BODY_BYTES} bytes"
                raise httpx.ReadError(f"the body did not end {seen}", request=response.request)
            yield piece

    response.iter_bytes = iter_bytes  # type: ignore[method-assign]


def headers_text(headers: Iterable[tuple[str, str]]) -> str:
    """Return the lines of a head, without the credentials of a request: the reports are passed on."""
    return "".join(
        f"{name}: {'***' if name.lower() == 'authorization' else value}\n" for name, value in headers
    )


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
