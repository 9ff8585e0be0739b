"""Real servers on free loopback ports, for as long as a test module runs."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from behindproxy.stack.paths import ROOT
from behindproxy_serve.server import environment
from tests.hosts import free_port

PREFIX = "/api/v1"
ROOT_PATH = ("--root-path", PREFIX)
START_SECONDS = 30
# Each with what it takes to serve quietly at an address.
COMMANDS = {
    "uvicorn": ["uvicorn", "--host", "127.0.0.1", "--port", "{port}"],
    "gunicorn": ["gunicorn", "--worker-class", "asgi", "--no-control-socket", "--bind", "127.0.0.1:{port}"],
    "hypercorn": ["hypercorn", "--bind", "127.0.0.1:{port}"],
}
PROXY_SAYS = {"Host": "mysuperapp.com", "X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"}


@dataclass
class Served:
    url: str
    log: Path
    pid: int

    def get(self, path: str, caller: str = "127.0.0.1", **headers: str) -> httpx.Response:
        """The response to a caller at the loopback address `caller`; _ stands for - in a header."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        transport = httpx.HTTPTransport(local_address=caller, verify=False)
        with httpx.Client(transport=transport, trust_env=False, timeout=10) as client:
            return client.get(self.url + path, headers=names)

    def forwarded(self, path: str, caller: str = "127.0.0.1", **more: str) -> httpx.Response:
        """As a proxy at `caller` asks for a client that came to https://mysuperapp.com."""
        return self.get(path, caller, **PROXY_SAYS, **more)

    def seen(self, caller: str = "127.0.0.1", **more: str) -> dict[str, str]:
        return self.forwarded("/seen", caller, **more).json()


def location(answer: httpx.Response) -> str:
    assert answer.status_code == 307, answer
    return answer.headers["location"]


@contextmanager
def process(command: list[str], port: int, log: Path) -> Iterator[Served]:
    """Runs until it answers, and stops it at the end. Its output goes to `log`."""
    with log.open("w") as output:
        running = subprocess.Popen(
            command, cwd=ROOT, env=environment(dict(os.environ)), stdout=output, stderr=output
        )
    try:
        wait_until(lambda: running.poll() is not None or listens(port))
        assert running.poll() is None, f"{command} ended: {log.read_text()}"
        yield Served(f"http://127.0.0.1:{port}", log, running.pid)
    finally:
        running.terminate()
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "the server did not start in time"
        time.sleep(0.05)


def listens(port: int) -> bool:
    with socket.socket() as attempt:
        if attempt.connect_ex(("127.0.0.1", port)):
            return False
        # Where nobody listens the kernel may connect from the port itself, and so to itself.
        return attempt.getsockname() != attempt.getpeername()


def server(name: str, app: str, options: tuple[str, ...], log: Path):
    port = free_port()
    module, *rest = (part.format(port=port) for part in COMMANDS[name])
    command = [sys.executable, "-m", module, f"tests.experiments.apps:{app}", *rest, *options]
    return process(command, port, log)
