"""How long a response may take, however slowly its bytes come: each of httpx's times is one wait's."""

import math
import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

from . import connecting

ANSWER_SECONDS = 60
NOT_CHECKED = "not checked: "  # what came when the run had no time left
NO_ANSWER = "could not check: "  # what came where no response did
# What an entrypoint without a response does.
SILENCES = ("nothing answers", "no response ends in time", "no response that can be read comes")


class OutOfTime(RuntimeError):
    """Nothing was checked: the run has taken as long as it may."""


class Stream(httpcore.NetworkStream):
    """A connection on which each response ends within ANSWER_SECONDS of the last byte sent, and before the
    run's `end`."""

    def __init__(self, inner: httpcore.NetworkStream, end: float) -> None:
        self.inner, self.end, self.until = inner, end, time.monotonic() + ANSWER_SECONDS

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if time.monotonic() > self.until:
            raise httpcore.ReadTimeout(f"the response did not end within {ANSWER_SECONDS} s")
        return self.inner.read(max_bytes, before(self.end, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.inner.write(buffer, timeout)
        self.until = time.monotonic() + ANSWER_SECONDS

    def close(self) -> None:
        self.inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        own = before(self.end, timeout)
        return Stream(self.inner.start_tls(ssl_context, server_hostname, own), self.end)

    def get_extra_info(self, info: str) -> Any:
        return self.inner.get_extra_info(info)


class Backend(httpcore.SyncBackend):
    """httpcore's own connections, each with a deadline."""

    def __init__(self, end: float) -> None:
        self.end = end

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        own = before(self.end, timeout)
        try:
            inner = connecting.first(
                host,
                port,
                own,
                lambda at, wait: super(Backend, self).connect_tcp(
                    at, port, wait, local_address, socket_options
                ),
            )
        except OSError as error:  # the name has no address
            raise httpcore.ConnectError(str(error)) from error
        return Stream(inner, self.end)


def before(end: float, timeout: float | None) -> float | None:
    """Return the seconds that a wait may take, so that it ends before the run does."""
    remaining = max(end - time.monotonic(), 0.001)
    return timeout if math.isinf(remaining) else min(remaining, timeout or remaining)


def bound(client: httpx.Client, end: float = math.inf) -> httpx.Client:
    """Give `client` the deadline, and return it. httpx has no option for httpcore's network backend."""
    transport = client._transport
    assert isinstance(transport, httpx.HTTPTransport)
    pool = transport._pool
    assert isinstance(pool, httpcore.ConnectionPool)
    pool._network_backend = Backend(end)
    return client
