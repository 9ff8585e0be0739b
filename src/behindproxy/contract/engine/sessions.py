"""Sessions that live in one process: what the application gave to one request, the next one does not know."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx

from .entrypoint import Entrypoint

TIMES = 8  # by chance, all of two processes' responses are of the same one in 1 of 128 runs
SECONDS = 2.0  # a session that is known may have nothing to say, and waits
SOCKET_IO = "/socket.io/"
OPEN = "?EIO=4&transport=polling"
SESSION_ID = re.compile(r'\A\d?\{"sid":"([^"]+)"')
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


def lost(entrypoint: Entrypoint, unsafe: bool, socket_io: str = "") -> Iterator[str]:
    """Yield a note for each kind of session that not every process knows; `socket_io` is the path of its
    server."""
    session = _socket_io(entrypoint, socket_io) if socket_io else None
    if session:
        yield from _note("Socket.IO", session)
    session = _mcp(entrypoint) if unsafe else None
    if session:
        yield from _note("MCP", session)


def _note(kind: str, unknown: Callable[[int], bool]) -> Iterator[str]:
    with ThreadPoolExecutor(TIMES) as pool:
        times = sum(pool.map(unknown, range(TIMES)))
    if times:
        yield (
            f"{kind}: {times} of {TIMES} requests met a process that does not know the session: state in "
            "memory, and more than one process; use one process or sticky sessions, or keep the state "
            "elsewhere"
        )


def session_of(answer: httpx.Response) -> str:
    """Return the session that a Socket.IO server opened; empty where the response is another's."""
    return opened_in(answer.text) if answer.status_code == 200 else ""


def opened_in(text: str) -> str:
    """Return the session that a packet of a Socket.IO server opens; empty where it is none."""
    match = SESSION_ID.match(text)
    return match[1] if match else ""


def _socket_io(entrypoint: Entrypoint, path: str) -> Callable[[int], bool] | None:
    answer = entrypoint.get(path + OPEN)
    if not (session := session_of(answer)):
        return None
    headers = _again(answer)

    def unknown(_: int) -> bool:
        try:
            url = f"{path}{OPEN}&sid={session}"
            return entrypoint.get(url, headers=headers, timeout=SECONDS).status_code in (400, 404)
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
