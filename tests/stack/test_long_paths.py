"""What a client may write into the logs."""

import socket
import subprocess
from contextlib import suppress

import pytest

from behindproxy.stack import trim
from tests.checkout import wait_for

MARK = "looked-for"
REQUESTS = 600


def send(stack, path: str, *headers: str) -> str:
    """Return the status."""
    lines = [f"GET /api/v1/{path} HTTP/1.1", "Connection: close", *headers]
    with socket.create_connection(("127.0.0.1", stack.http), timeout=30) as connection:
        try:
            connection.sendall("\r\n".join([*lines, "", ""]).encode())
            return connection.recv(12).decode().partition(" ")[2]
        except OSError:  # it does not read all of what it refuses
            return "reset"


def lines_of(stack) -> list[str]:
    if stack.runtime == "docker":
        container = stack.container("traefik")
        return subprocess.run(
            ["docker", "logs", container], capture_output=True, text=True
        ).stdout.splitlines()
    lines = []
    # The newest first: what is moved on meanwhile is read twice then, and nothing is left out.
    for name in ("traefik.log", *(f"traefik.log.{number}" for number in range(1, trim.OLDER + 1))):
        with suppress(FileNotFoundError):
            text = (stack.path / "build" / "native" / name).read_text(errors="replace")
            lines += text.splitlines()
    return lines


@pytest.mark.parametrize("kilobytes, status", [(60, "431"), (30, "404")])
def test_many_long_paths_do_not_wash_a_line_away(running, kilobytes, status):
    assert send(running, f"{MARK}-{kilobytes}", "Host: localhost") == "404"
    answers = {send(running, kilobytes * 1000 * "a", "Host: localhost") for _ in range(REQUESTS)}
    assert answers - {"reset"} == {status}
    assert [line for line in lines_of(running) if f"/{MARK}-{kilobytes}" in line]


@pytest.mark.parametrize(
    "header", ["Host: {}", "X-Request-Id: {}", "Authorization: Basic {}", "User-Agent: {}", "Referer: {}"]
)
def test_no_header_makes_a_line_of_the_log_longer_than_the_headers_may_be(running, header):
    line = header.format("a" * 31_000)
    send(running, "app", *(["Host: localhost"] if "Host" not in header else []), line)
    longest = max(map(len, lines_of(running)))
    assert longest < 40_000


def test_a_user_name_that_a_client_writes_is_in_no_line(running):
    with socket.create_connection(("127.0.0.1", running.http), timeout=30) as connection:
        url = f"http://invented-user@localhost:{running.http}/api/v1/{MARK}-user"
        connection.sendall(f"GET {url} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert connection.recv(12).endswith(b"404")
    wait_for(lambda: any(f"{MARK}-user" in line for line in lines_of(running)))
    assert not [line for line in lines_of(running) if "invented-user" in line]


def test_what_json_escapes_makes_a_line_six_times_as_long_and_no_longer(running):
    send(running, 31_000 * "&", "Host: localhost")
    send(running, "app", "Host: localhost", f"X-Request-Id: {31_000 * '<'}")
    assert max(map(len, lines_of(running))) < 6 * 32_768 + 2_000
