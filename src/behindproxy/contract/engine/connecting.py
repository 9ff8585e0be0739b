"""Connections to a host that may have a dead address, or have died: a wait that was in vain is made short."""

import socket
import time
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import httpcore

SLOW_SECONDS = 1.0  # a refusal comes before
PATIENCE = 3  # waits in vain, one after the other
IMPATIENT_SECONDS = 0.5  # for each attempt from then on

Connection = TypeVar("Connection")
waits: Counter[tuple[str, int]] = Counter()  # in vain, of an address and port, since it last connected


def to(host: str, port: int, seconds: float, source: tuple[str, int] | None = None) -> socket.socket:
    """As socket.create_connection."""
    return first(host, port, seconds, lambda at, wait: socket.create_connection((at, port), wait, source))


def first(
    host: str, port: int, seconds: float | None, attempt: Callable[[str, float | None], Connection]
) -> Connection:
    """Return the first connection that `attempt` makes to an address of `host`, the last error if it makes
    none. Addresses that kept somebody waiting come last."""
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = sorted(dict.fromkeys(str(row[4][0]) for row in rows), key=lambda at: waits[at, port] > 0)
    for address in addresses:
        is_short = waits[address, port] >= PATIENCE
        began = time.monotonic()
        try:
            connection = attempt(address, IMPATIENT_SECONDS if is_short else seconds)
        except (OSError, httpcore.NetworkError, httpcore.TimeoutException):
            if is_short or time.monotonic() - began > SLOW_SECONDS:
                waits[address, port] += 1
            if address == addresses[-1]:
                raise
        else:
            del waits[address, port]
            return connection
    raise OSError(f"{host} has no address")
