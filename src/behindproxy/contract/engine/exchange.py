"""A check's request and response as text: a failure is read without repeating it."""

import re
import time
import zlib
from collections.abc import Iterable, Iterator

import httpx

BODY_CHARACTERS = 2000
BODY_BYTES = 64 * 1024 * 1024  # unpacked
BODY_SECONDS = 30
# Of a text that nothing has to parse whole, the beginning: a log may be long, or never end.
TEXT_BYTES = 1_000_000
TEXT_SECONDS = 3
PIECE_BYTES = 65536
# The two that need no further package; the first number is zlib's, of the format.
PACKED = {"gzip": 31, "x-gzip": 31, "deflate": 15}
ENCODINGS = "gzip, deflate"
TEXT = re.compile(r"text/|json|javascript|xml")
STREAM = "text/event-stream"


class Unfollowed(httpx.Response):
    """A response that nobody follows: httpx raises an error for a Location that is not a URL."""

    @property
    def has_redirect_location(self) -> bool:
        return False


def kind(headers: httpx.Headers) -> str:
    """Return the content type, without parameters."""
    return str(headers.get("content-type", "")).partition(";")[0].strip().lower()


def is_text(kind: str) -> bool:
    """Say whether it is worth reading: text that ends, or is meant to."""
    return bool(TEXT.search(kind)) and kind != STREAM


def bound(response: httpx.Response) -> None:
    """Make the body an error where it does not end, and cut it off where it is text."""
    response.__class__ = Unfollowed
    cut = kind(response.headers).startswith("text/") and kind(response.headers) != STREAM
    most, seconds = (TEXT_BYTES, TEXT_SECONDS) if cut else (BODY_BYTES, BODY_SECONDS)

    def iter_bytes(_: int | None = None) -> Iterator[bytes]:
        size, end = 0, time.monotonic() + seconds
        for piece in unpacked(response):
            size += len(piece)
            over = size > most or time.monotonic() > end
            if over and not cut:
                limit = f"after {seconds} seconds or {most} bytes"
                raise httpx.ReadError(f"the body did not end {limit}", request=response.request)
            yield uncut(piece) if over else piece
            if over:
                return

    response.iter_bytes = iter_bytes  # type: ignore[method-assign, assignment]


def unpacked(response: httpx.Response) -> Iterator[bytes]:
    """Yield the body in small pieces, however much a few packed bytes hold: httpx unpacks all that came."""
    if hasattr(response, "_content"):
        yield response.content
        return
    codings = [one.strip().lower() for one in response.headers.get("content-encoding", "").split(",")]
    pieces: Iterable[bytes] = response.iter_raw()
    for coding in reversed(codings):
        if coding in PACKED:
            pieces = inflated(pieces, PACKED[coding])
    try:
        yield from pieces
    except zlib.error as error:
        raise httpx.DecodingError(str(error), request=response.request) from error


def inflated(pieces: Iterable[bytes], form: int) -> Iterator[bytes]:
    inflater = zlib.decompressobj(form)
    for number, packed in enumerate(filter(None, pieces)):
        rest = packed
        while rest and not inflater.eof:
            try:
                piece = inflater.decompress(rest, PIECE_BYTES)
            except zlib.error:
                if number or form != PACKED["deflate"] or rest is not packed:
                    raise
                inflater = zlib.decompressobj(-form)  # without zlib's head, as some send "deflate"
                piece = inflater.decompress(rest, PIECE_BYTES)
            rest = inflater.unconsumed_tail
            if piece:
                yield piece
    if tail := inflater.flush():
        yield tail


def beginning(response: httpx.Response) -> tuple[bytes, bool]:
    """Return the body as far as it is looked at, and whether that is all of it."""
    body, end = bytearray(), time.monotonic() + TEXT_SECONDS
    for piece in response.iter_bytes():
        body += piece
        if len(body) > TEXT_BYTES or time.monotonic() > end:
            return uncut(bytes(body)), False
    return bytes(body), True


def uncut(body: bytes) -> bytes:
    """Return the beginning of a text without its last word: an address that was cut off is another one."""
    end = max(body.rfind(sign) for sign in (b'"', b"'", b"<", b">", b" ", b"\n"))
    return body[: end + 1] or body


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
