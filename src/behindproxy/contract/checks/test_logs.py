"""What the logs record of a request, if the suite can read them."""

import json
import re
import subprocess
import time
import uuid
from collections.abc import Callable

from ..engine.check import EVERYWHERE, PUBLIC, check
from ..engine.entrypoint import Entrypoint
from ..engine.expect import Expect
from ..engine.seen import client_host, header_values
from .test_websocket import handshake

SECONDS_UNTIL_LOGGED = 10
# Of FastAPI alone: what else is deprecated is no fault of this.
DEPRECATED = re.compile(r"root_path\W.*deprecated|deprecated.*\Wroot_path", re.IGNORECASE)
EXEC = re.compile(r'\| (\{"message":")?exec ')


def lines_of(entrypoint: Entrypoint, part: str) -> list[str]:
    """Return the lines of the part `traefik` or `app`, which stands before each of them."""
    process = subprocess.run(
        entrypoint.target.logs_command, capture_output=True, text=True, timeout=60, check=False
    )
    entrypoint.request_text = f"# {' '.join(entrypoint.target.logs_command)}"
    if process.returncode or not process.stdout:
        raise RuntimeError(f"no logs: {process.stderr[-300:]}")
    return [line for line in process.stdout.splitlines() if line.startswith(part)]


def found(entrypoint: Entrypoint, part: str, holds: Callable[[str], bool]) -> str:
    """Return the first line that `holds`, waited for: a log is written behind the response."""
    deadline = time.monotonic() + SECONDS_UNTIL_LOGGED
    while True:
        lines = lines_of(entrypoint, part)
        if line := next(filter(holds, lines), ""):
            return line
        if time.monotonic() > deadline:
            entrypoint.response_text = "\n".join(lines[-5:])
            return ""
        time.sleep(0.2)


@check(
    "logs.proxy_names_the_request",
    title="The proxy's log has the client and the public path",
    entrypoints=PUBLIC,
    level="hardening",
    source="Behind a Proxy › Check the responses",
    statement=(
        "Traefik's access log has the client and the path with its prefix, without the query, which may "
        "contain tokens."
    ),
    fix="Turn on the proxy's access log, without the query.",
    needs=("logs", "probe"),
)
def test_the_proxys_log_names_client_and_public_path(entrypoint: Entrypoint, expect: Expect) -> None:
    mark, token = uuid.uuid4().hex[:8], uuid.uuid4().hex[:8]
    client = client_host(entrypoint.probe(mark, params={"token": token}))
    path = f'"RequestPath":"{entrypoint.prefix}/_probe/{mark}'
    line = found(entrypoint, "traefik", lambda line: path in line)
    expect.that(bool(line), "access log", observed="no such line", expected=path)
    expect.that(f'"ClientHost":"{client}"' in line, "client", observed=line, expected=f"ClientHost {client}")
    expect.that(token not in line, "query", observed=line, expected="not in the log")


@check(
    "logs.app_names_the_request",
    title="The server's log has the client and the public path",
    entrypoints=PUBLIC,
    level="hardening",
    source="Behind a Proxy › How Proxy Forwarded Headers Work",
    statement=(
        "The server's access log has the forwarded client, not the proxy, and the path with its prefix."
    ),
    fix=(
        "Check scope.client and scope.path: the server does not trust the proxy, or the path lacks root_path."
    ),
    needs=("logs", "probe"),
)
def test_the_servers_log_names_client_and_public_path(entrypoint: Entrypoint, expect: Expect) -> None:
    mark = uuid.uuid4().hex[:8]
    forwarded = header_values(entrypoint.probe(mark), "x-forwarded-for")
    expect("X-Forwarded-For lines", len(forwarded), 1)
    # Port 0 tells a forwarded address from a peer's own, also where both are 127.0.0.1.
    client = f"{forwarded[0].split(',')[-1].strip()}:0"
    line = found(entrypoint, "app", lambda line: f"/_probe/{mark}" in line)
    expect.that(bool(line), "access log", observed="no such line", expected=f"/_probe/{mark}")
    contents = {"client": client in line, "path": f'"{entrypoint.prefix}/_probe/{mark}"' in line}
    expect.that(
        all(contents.values()),
        "access log",
        observed=line,
        expected=f"{client} and {entrypoint.prefix}/_probe/{mark}",
    )


@check(
    "logs.no_query",
    title="No line of the application's log has a query",
    entrypoints=EVERYWHERE,
    level="exposed",
    source="CWE-532",
    statement=(
        "No line of the application's log has the query of a request or of a WebSocket, accepted or "
        "refused: it may contain tokens. Each line is JSON."
    ),
    fix=(
        "Drop the query in the logging configuration: Uvicorn writes the full path of a WebSocket to "
        "uvicorn.error, which --no-access-log does not silence."
    ),
    needs=("logs", "ws"),
)
def test_no_line_of_the_applications_log_has_a_query(entrypoint: Entrypoint, expect: Expect) -> None:
    token, mark = uuid.uuid4().hex, uuid.uuid4().hex[:8]
    query = f"?token={token}"
    with entrypoint.ws(f"/ws{query}") as connection:
        connection.send("one")
        expect("echo", connection.recv(), "one")
    status = handshake(entrypoint, f"/no/such/socket{query}")
    expect.that(status >= 400, "handshake with no socket", observed=status, expected="a refusal")
    entrypoint.get(f"/app{query}")
    entrypoint.get(f"/{mark}{query}")
    line = found(entrypoint, "app", lambda line: f"/{mark}" in line)
    expect.that(bool(line), "access log", observed="no such line", expected=mark)
    lines = since_the_start(entrypoint)
    leaks = [line for line in lines if token in line]
    expect.that(not leaks, "lines with the query", observed=leaks, expected="none")
    plain = [line for line in lines if not is_json(line.partition("| ")[2])]
    expect.that(not plain, "lines that are no JSON", observed=plain[-3:], expected="none")


def is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def since_the_start(entrypoint: Entrypoint) -> list[str]:
    """Return the application's lines. Each start says the command that the process becomes; what stands
    before was another start."""
    lines = lines_of(entrypoint, "app")
    starts = [number for number, line in enumerate(lines) if EXEC.search(line)]
    return lines[starts[-1] :] if starts else lines


@check(
    "logs.no_deprecation",
    title="The application starts without a warning about root_path",
    entrypoints=("http",),
    level="hardening",
    source="Behind a Proxy › Setting the root_path in the FastAPI app",
    statement=(
        "root_path comes from the server: the application's log has no warning that FastAPI(root_path=) is "
        "deprecated."
    ),
    fix="Remove FastAPI(root_path=), which is deprecated: the server's --root-path sets root_path.",
    needs=("logs",),
)
def test_nothing_in_the_applications_log_is_deprecated(entrypoint: Entrypoint, expect: Expect) -> None:
    lines = since_the_start(entrypoint)
    expect.that(bool(lines), "log", observed="empty", expected="the application's")
    warnings = [line for line in lines if DEPRECATED.search(line)]
    expect.that(not warnings, "deprecations", observed=warnings, expected="none")
