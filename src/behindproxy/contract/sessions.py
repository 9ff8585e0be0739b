"""Sessions that live in one process: what the application gave to one request, the next one does not know."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx

from .entrypoint import Entrypoint

TIMES = 8  # by chance, all of two processes' answers are of the same one in 1 of 128 runs
SECONDS = 2.0  # a session that is known may have nothing to say, and waits
SOCKET_IO = "/socket.io/?EIO=4&transport=polling"
OPENED = re.compile(r'\A\d?\{"sid":"([^"]+)"')
MCP, MCP_HEADER = "/mcp", "Mcp-Session-Id"
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "verify", "version": "1"},
    },
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


def lost(entrypoint: Entrypoint, unsafe: bool) -> Iterator[str]:
    """Yield a note for each kind of session that not every process knows."""
    opened = _socket_io(entrypoint)
    if opened:
        yield from _note("Socket.IO", opened)
    opened = _mcp(entrypoint) if unsafe else None
    if opened:
        yield from _note("MCP", opened)


def _note(kind: str, unknown: Callable[[int], bool]) -> Iterator[str]:
    with ThreadPoolExecutor(TIMES) as pool:
        times = sum(pool.map(unknown, range(TIMES)))
    if times:
        yield (
            f"{kind}: {times} of {TIMES} requests met a process that does not know the session: state in "
            "memory, and more than one process; take one, or sticky sessions, or keep the state elsewhere"
        )


def _socket_io(entrypoint: Entrypoint) -> Callable[[int], bool] | None:
    answer = entrypoint.get(SOCKET_IO)
    if answer.status_code != 200 or not (opened := OPENED.match(answer.text)):
        return None
    headers = _again(answer)

    def unknown(_: int) -> bool:
        try:
            path = f"{SOCKET_IO}&sid={opened[1]}"
            return entrypoint.get(path, headers=headers, timeout=SECONDS).status_code in (400, 404)
        except httpx.TimeoutException:
            return False

    return unknown


def _mcp(entrypoint: Entrypoint) -> Callable[[int], bool] | None:
    path = entrypoint.path(MCP)
    with entrypoint.stream("POST", path, json=INITIALIZE, headers=ACCEPT) as answer:
        session = answer.headers.get(MCP_HEADER, "")
        headers = {**ACCEPT, MCP_HEADER: session, **_again(answer)}
    if not session:
        return None

    def unknown(number: int) -> bool:
        ping = {"jsonrpc": "2.0", "id": number + 2, "method": "ping"}
        try:
            with entrypoint.stream("POST", path, json=ping, headers=headers, timeout=SECONDS) as answer:
                return answer.status_code in (400, 404)
        except httpx.TimeoutException:
            return False

    return unknown


def _again(answer: httpx.Response) -> dict[str, str]:
    """Return the headers of the same client's next request, on a connection of its own: a kept one leads
    to the same process again."""
    cookies = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
    return {"Connection": "close", **({"Cookie": cookies} if cookies else {})}
