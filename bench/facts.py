"""What is measured once and not in rounds: memory, what is held open, times to the first response, sizes."""

import asyncio
import resource
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack

from tests.checkout import Checkout, docker

from . import generators
from .generators import Load
from .profile import traefik
from .subjects import FOLDER, Running, bare, ours, wrapped
from .wrap import wrap

IDLE, SOCKETS = 10_000, 1_000
MIB = 2**20


def memory(progress: Callable[[str], None]) -> dict[str, str]:
    """At rest, under load, and with connections held open. Bytes that processes share count once."""
    with ours("memory", PROBE=0, APP_MODULE="tests.routes:app") as stack:
        rows = {"at rest": _mib(stack)}
        progress("memory: under load")
        generators.run(stack.urls["http"], Load(connections=64), 4)
        rows["after 64 connections at full load"] = _mib(stack)
        progress("memory: holding connections")
        with_sockets, answered = asyncio.run(_hold(stack.urls["http"], lambda: _mib(stack)))
        rows[f"{IDLE} idle keep-alive connections and {SOCKETS} WebSockets"] = with_sockets
        rows["of which answered when asked again"] = str(answered)
    progress("memory: one route, and the same in the middlewares")
    for name, subject in (
        ("the route under Uvicorn", bare("--no-access-log")),
        ("the same, wrapped", wrapped()),
    ):
        with subject as server:
            generators.run(server.urls["direct"], Load(connections=64), 4)
            rows[name] = _mib(server)
    return rows


def _mib(stack: Running) -> str:
    return ", ".join(f"{part} {size / MIB:.0f} MiB" for part, size in stack.memory().items())


async def _hold(url: str, measure: Callable[[], str]) -> tuple[str, int]:
    """What `measure` says while all are open, and how many of them answered then."""
    from websockets.asyncio.client import connect

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    host, _, path = url.removeprefix("http://").partition("/")
    address, _, port = host.partition(":")
    request = f"GET /{path}/app HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    limit = asyncio.Semaphore(200)

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        async with limit:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(
                next(
                    line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
                ).split()[1]
            )
            return b" 200 " in head and len(await reader.readexactly(length)) == length

    async def opened() -> tuple:
        async with limit:
            return await asyncio.open_connection(address, int(port))

    async def echoes(socket) -> bool:
        await socket.send("echo")
        return await socket.recv() == "echo"

    async def websocket():
        async with limit:
            return await connect(
                f"ws://{host}/{path}/ws", proxy=None, compression=None, ping_interval=None, open_timeout=60
            )

    idle = await asyncio.gather(*(opened() for _ in range(IDLE)))
    sockets = await asyncio.gather(*(websocket() for _ in range(SOCKETS)))
    await asyncio.gather(*(answers(*pair) for pair in idle))
    await asyncio.sleep(5)
    measured = measure()
    good = sum(await asyncio.gather(*(answers(*pair) for pair in idle)))
    good += sum(await asyncio.gather(*(echoes(socket) for socket in sockets)))
    await asyncio.gather(*(socket.close() for socket in sockets))
    for _, writer in idle:
        writer.close()
    return measured, good


def start(progress: Callable[[str], None]) -> dict[str, str]:
    """From `make up` to the first good response, and the image."""
    rows = {}
    for runtime in ("native", "docker"):
        if runtime == "docker" and (
            not shutil.which("docker")
            or subprocess.run(["docker", "version"], capture_output=True).returncode
        ):
            rows["docker"] = "no engine answers"
            continue
        with ExitStack() as after:
            copy = Checkout(FOLDER / f"start-{runtime}", runtime)
            copy.fill()
            after.callback(shutil.rmtree, copy.path, ignore_errors=True)
            after.callback(copy.make, "clean")
            for name in ("cold", "warm"):
                progress(f"start: {runtime}, {name}")
                rows[f"{runtime}, {name}"] = f"{_first_answer(copy):.1f} s"
                if name == "cold":
                    copy.must("down")
            if runtime == "docker":
                rows |= _image(copy)
    return rows


def _first_answer(copy: Checkout) -> float:
    began = time.monotonic()
    process = copy.start("up")
    while "Hello" not in copy.answers() and time.monotonic() < began + 300:
        time.sleep(0.02)
    took = time.monotonic() - began
    process.communicate()
    return took


def _image(copy: Checkout) -> dict[str, str]:
    image = f"{copy.path.name}-app"
    base = next(
        line.split()[1]
        for line in (copy.path / "Dockerfile").read_text().splitlines()[::-1]
        if line.startswith("FROM")
    )
    sizes = {name: int(docker("image", "inspect", "--format", "{{.Size}}", name)) for name in (image, base)}
    inside = docker(
        "run",
        "--rm",
        image,
        "sh",
        "-c",
        "command -v cc gcc make ld; python -c 'import pip' && echo pip; true",
    )
    began = time.monotonic()
    docker("build", "-q", "--no-cache", "-t", f"{image}:fresh", str(copy.path))
    took = time.monotonic() - began
    docker("image", "rm", f"{image}:fresh")
    return {
        "image above its base": f"{(sizes[image] - sizes[base]) / 1e6:.0f} MB",
        "image built from nothing": f"{took:.0f} s",
        "pip or a compiler in it": inside.replace("\n", ", ") or "none",
    }


FACTS = {"memory": memory, "start": start, "traefik": traefik, "wrap": wrap}
