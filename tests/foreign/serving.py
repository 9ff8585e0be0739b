"""The processes of a deployment: an application server and a proxy, on ports that are free."""

import os
import random
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import trustme

from behindproxy.stack.paths import BUILD, ROOT
from tests.packages import install

from .entry import HERE, Entry, fill

APPLICATIONS = HERE / "applications"
SOURCE = HERE.parents[1] / "src"
HOST = "127.0.0.1"
START_SECONDS, STOP_SECONDS = 30, 5
INSTALL = {
    "nginx": "apt-get install nginx-light",
    "haproxy": "apt-get install haproxy",
    "caddy": "src/behindproxy/make/environment.sh foreign",
    "traefik": "src/behindproxy/make/environment.sh verify",
}
# What applications import.
PACKAGES = {"stac": "stac_fastapi", "published": "datasette", "tools": "mcp", "chat": "socketio"}
BIND = {"uvicorn": "--host {host} --port {port}", "fastapi": "--host {host} --port {port}"}


running: set[subprocess.Popen] = set()


class Missing(Exception):
    """What is not installed, and how to install it."""


def check(entry: Entry) -> None:
    """Raises Missing where the entry cannot run on this machine."""
    binary(entry.proxy)
    for name in {entry.application, *dict(entry.environ).values()} & PACKAGES.keys():
        if not find_spec(PACKAGES[name]):
            raise Missing(f"{PACKAGES[name]} is not installed: {INSTALL['caddy']}")


class DidNotStart(Exception):
    """Its text has the end of the log."""


def binary(name: str) -> str:
    beside = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    if path := shutil.which(name, path=beside):
        return path
    raise Missing(
        f"{name} is not installed: {INSTALL.get(name, 'src/behindproxy/make/environment.sh verify')}"
    )


class Ports:
    """Free ports below those that the kernel gives to clients, each given to one part only."""

    def __init__(self) -> None:
        self._ports: set[int] = set()
        self._lock = threading.Lock()

    def __call__(self) -> str:
        with self._lock:
            for _ in range(200):
                port = random.randrange(20000, 32000)
                if port not in self._ports and bindable(port):
                    self._ports.add(port)
                    return str(port)
        raise OSError("no free port between 20000 and 32000")


def bindable(port: int) -> bool:
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True


def listening(port: str) -> bool:
    try:
        socket.create_connection((HOST, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def certificate(home: Path) -> dict[str, str]:
    """Write an authority and a certificate for localhost; return the names that configurations use."""
    home.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost", "shop.test", HOST)
    pem = leaf.private_key_pem.bytes() + b"".join(one.bytes() for one in leaf.cert_chain_pems)
    (home / "cert.pem").write_bytes(pem)  # HAProxy wants both in one file
    authority.cert_pem.write_to_path(home / "ca.pem")
    return {"CERT": str(home / "cert.pem"), "CA": str(home / "ca.pem")}


class Servers:
    """Application servers, shared by the entries that start the same; each ends with the last of them."""

    def __init__(self, entries: list[Entry], ports: Ports, home: Path) -> None:
        served = [*entries, *(one.neighbour for one in entries if one.neighbour)]
        self._counts = Counter(map(self._key, served))
        self._locks = {key: threading.Lock() for key in self._counts}
        self._running: dict[tuple, tuple[str, ExitStack]] = {}
        self._ports, self._home = ports, home

    @staticmethod
    def _key(entry: Entry) -> tuple:
        return entry.application, entry.server, entry.environ, entry.prefix, entry.packages

    @contextmanager
    def of(self, entry: Entry) -> Iterator[str]:
        """The port at which the entry's application is served."""
        key = self._key(entry)
        try:
            with self._locks[key]:
                if key not in self._running:
                    stack = ExitStack()
                    port = stack.enter_context(self._served(entry))
                    self._running[key] = port, stack
                port = self._running[key][0]
            yield port
        finally:
            with self._locks[key]:
                self._counts[key] -= 1
                if not self._counts[key] and key in self._running:
                    self._running.pop(key)[1].close()

    @contextmanager
    def _served(self, entry: Entry) -> Iterator[str]:
        port = self._ports()
        texts = {"PREFIX": entry.prefix, "APP": port, "MODULE": f"{entry.application}:app"}
        program, *arguments = shlex.split(fill(entry.server, texts))
        if "@APP@" not in entry.server:
            arguments += BIND.get(program, "--bind {host}:{port}").format(host=HOST, port=port).split()
        home = self._home / f"server-{port}"
        home.mkdir(parents=True)
        own = dict(entry.environ) | {"HOME": str(home)}
        own["PYTHONPATH"] = str(APPLICATIONS)
        if entry.application == "probed":  # the others know nothing of this repository
            own["PYTHONPATH"] += f":{SOURCE}"
        if entry.packages:
            own["PYTHONPATH"] += f":{old(entry.packages)}"
        with started([binary(program), *arguments], home, lambda: listening(port), own):
            yield port

    def close(self) -> None:
        for _, stack in self._running.values():
            stack.close()


def old(packages: str) -> Path:
    """Return the folder that has what a lock names; the server finds it before what is pinned."""
    folder = BUILD / Path(packages).stem
    try:
        install(ROOT / packages, folder)
    except ValueError as error:
        raise Missing(str(error)) from None
    return folder


@contextmanager
def started(
    command: list[str],
    home: Path,
    ready: Callable[[], bool],
    environ: dict[str, str],
    *,
    folder: Path = APPLICATIONS,
    seconds: float = START_SECONDS,
) -> Iterator[None]:
    """Run `command` in `folder` until the block ends; enter it when it is ready."""
    log = home / "log"
    passed = {key: os.environ[key] for key in ("PATH", "LANG", "TMPDIR") if key in os.environ}
    own = {"PYTHONPATH": str(APPLICATIONS), "PYTHONDONTWRITEBYTECODE": "1"}
    folder = home if "nginx" in command[0] else folder
    with log.open("wb") as output, group(command, folder, passed | own | environ, output) as process:
        deadline = time.monotonic() + seconds
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise DidNotStart(f"{' '.join(command)}:\n{tail(log)}")
            time.sleep(0.05)
        yield


@contextmanager
def group(
    command: list[str], folder: Path, environ: dict[str, str], output: IO
) -> Iterator[subprocess.Popen]:
    """A process that takes its children along when the block ends, however it ends."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    running.add(process)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass  # Caddy waits for streams without an end
        kill(process)
        process.wait(STOP_SECONDS)
        running.discard(process)


def kill(process: subprocess.Popen) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def kill_all() -> None:
    """End what other threads wait for, so that an interrupted run ends at once."""
    for process in list(running):
        kill(process)


def tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
