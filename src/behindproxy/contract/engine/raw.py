"""Requests that a well-behaved client refuses to send: byte for byte over a socket."""

import http.client
import io
import json
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Any

from . import connecting
from .exchange import BODY_BYTES, BODY_SECONDS

ANSWER_SECONDS = 10
CLOSE_SECONDS = 3
MAX_ANSWERS = 20  # to one request


@dataclass(frozen=True)
class RawAnswer:
    status_code: int
    headers: list[tuple[str, str]]
    text: str

    def json(self) -> Any:
        return json.loads(self.text)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class _Replay(io.BufferedReader):
    # http.client closes its file after one response, but a smuggled second one may follow it.
    def close(self) -> None:
        pass


class _Response(http.client.HTTPResponse):
    """A response that is here already: http.client reads from a socket only."""

    def __init__(self, stream: _Replay) -> None:
        with socket.socket() as unused:
            super().__init__(unused)
        self.fp.close()
        self.fp = stream


def exchange(
    host: str, port: int, context: ssl.SSLContext | None, request: bytes, source: str = ""
) -> tuple[bytes, bool]:
    """Send `request` and return what came back, and whether the other side closed the connection."""
    own = (source, 0) if source else None
    with connecting.to(host, port, ANSWER_SECONDS, own) as plain:
        with context.wrap_socket(plain, server_hostname=host) if context else plain as connection:
            connection.sendall(request)
            data, end = bytearray(), time.monotonic() + BODY_SECONDS
            try:
                while chunk := connection.recv(65536):
                    data += chunk
                    if len(data) > BODY_BYTES or time.monotonic() > end:
                        return bytes(data), False
                    connection.settimeout(CLOSE_SECONDS)
            except (TimeoutError, ConnectionResetError) as error:
                if not data:
                    raise
                return bytes(data), isinstance(error, ConnectionResetError)
            return bytes(data), True


def answers(data: bytes) -> list[RawAnswer]:
    """Every response in the stream: the second one is what request smuggling looks like."""
    stream = _Replay(io.BytesIO(data))
    responses: list[RawAnswer] = []
    while stream.tell() < len(data) and len(responses) < MAX_ANSWERS:
        response = _Response(stream)
        try:
            response.begin()
        except (http.client.HTTPException, ValueError):  # none that can be read, as one of 101 headers
            responses.append(RawAnswer(0, [], data[stream.tell() :].decode("utf-8", "replace")))
            break
        try:
            body = response.read()
        except http.client.IncompleteRead as cut:  # what did not end was not waited for
            body = cut.partial
        responses.append(RawAnswer(response.status, response.getheaders(), body.decode("utf-8", "replace")))
    return responses
