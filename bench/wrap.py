"""What the middlewares round an application cost a request, in the process alone."""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from behindproxy.stack.paths import ROOT

ROUNDS, REQUESTS = 15, 1_000
TURN = 15  # in one turn of the event loop: what 32 connections send, by the application's writes per request
# As Traefik sends a browser's request natively; the token's value is the settings'.
HEADERS = {
    "host": "localhost:9999",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "accept-encoding": "gzip, deflate, br, zstd",
    "accept-language": "en-US,en;q=0.5",
    "cookie": "session=0123456789abcdef",
    "x-forwarded-for": "192.0.2.10",
    "x-forwarded-host": "localhost:9999",
    "x-forwarded-port": "9999",
    "x-forwarded-prefix": "/api/v1",
    "x-forwarded-proto": "http",
    "x-forwarded-server": "proxy",
    "x-real-ip": "192.0.2.10",
    "x-proxy-token": "token",
}


def wrap(progress: Callable[[str], None]) -> dict[str, str]:
    """Microseconds of a request by layer: the median of rounds that take turns, and their range."""
    progress("wrap: microseconds of each layer")
    process = subprocess.run(
        [sys.executable, "-m", "bench.wrap"],
        cwd=ROOT,
        env=os.environ
        | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "PROBE": "0", "PROXY_TOKEN": "token"},
        stdout=subprocess.DEVNULL,  # the access lines go where a container engine would read them
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=300,
    )
    if process.returncode:
        raise RuntimeError(process.stderr)
    return dict(line.split("\t") for line in process.stderr.splitlines() if "\t" in line)


async def _measure() -> None:
    from behindproxy_serve.load import load
    from behindproxy_serve.order import ORDER
    from behindproxy_serve.settings import Settings

    settings = Settings()
    app = load(settings.app_module)
    names, apps = ["the bare application"], [app]
    for layer in reversed(ORDER):
        if layer.when(settings):
            app = layer.put(app, settings)
            names.append(type(app).__name__)
            apps.append(app)
    headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

    async def receive() -> dict:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict) -> None:
        pass

    async def one(app: Callable) -> float:
        began = time.thread_time()  # of the processor: what else runs here takes none of it
        for number in range(REQUESTS):
            await app(
                {
                    "type": "http",
                    "asgi": {"version": "3.0", "spec_version": "2.4"},
                    "http_version": "1.1",
                    "method": "GET",
                    "scheme": "http",
                    "path": "/api/v1/app",
                    "raw_path": b"/api/v1/app",
                    "query_string": b"",
                    "root_path": "/api/v1",
                    "client": ("127.0.0.1", 50000),
                    "server": ("127.0.0.1", 8000),
                    "headers": list(headers),
                    "state": {},
                },
                receive,
                send,
            )
            if number % TURN == 0:
                await asyncio.sleep(0)
        return (time.thread_time() - began) / REQUESTS * 1e6

    for each in apps:
        await one(each)
    rounds = [[await one(each) for each in apps] for _ in range(ROUNDS)]
    for index, name in enumerate(names):
        cost = [moments[index] - (moments[index - 1] if index else 0) for moments in rounds]
        print(f"{name}\t{_said(cost)}", file=sys.stderr)
    print(
        f"all that is wrapped round it\t{_said([moments[-1] - moments[0] for moments in rounds])}",
        file=sys.stderr,
    )


def _said(microseconds: list[float]) -> str:
    low, _, high = statistics.quantiles(microseconds, n=4)
    return f"{statistics.median(microseconds):.1f} µs ({low:.1f} to {high:.1f})"


if __name__ == "__main__":
    import uvloop

    uvloop.run(_measure())
