"""The load generators of the field, and what they say: wrk, and h2load for HTTP/2."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from behindproxy.stack.paths import ROOT

REPORT = Path(__file__).with_name("report.lua")
PACKAGES = {"wrk": "wrk", "h2load": "nghttp2-client"}


@dataclass(frozen=True)
class Load:
    """What is asked for, and how. `rate` is requests per second in all; 0 is as many as there can be."""

    path: str = "/app"
    entrypoint: str = "http"
    connections: int = 32
    keep_alive: bool = True
    http2: bool = False
    rate: int = 0
    # Instead of `rate`: this part of what the stack reaches, proxied, when it is warm.
    share: float = 0
    body: int = 0  # bytes that each request posts
    compressed: bool = False  # asks for gzip
    sockets: bool = False  # each connection is a WebSocket, each request an echo


@dataclass(frozen=True)
class Sample:
    """One round of one load."""

    requests: int
    failed: int
    seconds: float
    p50: float  # seconds
    p99: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


def missing(load: Load) -> str:
    """The package that this load needs and that is not installed; empty where all is there."""
    name = _tool(load)
    return "" if name == "python" or shutil.which(name) else PACKAGES[name]


def run(url: str, load: Load, seconds: float) -> Sample:
    """Raises RuntimeError where the generator itself fails."""
    tool = {"wrk": _wrk, "h2load": _h2load, "python": _sockets}[_tool(load)]
    return tool(url + load.path, load, seconds)


def _tool(load: Load) -> str:
    if load.sockets:
        return "python"
    return "h2load" if load.http2 else "wrk"


def _sockets(url: str, load: Load, seconds: float) -> Sample:
    """A process of its own, whose time is not the server's."""
    url = url.replace("http", "ws", 1)
    sample = json.loads(
        _output(
            [sys.executable, "-m", "bench.sockets", url, str(load.connections), f"{seconds:g}"],
            {"PYTHONPATH": str(ROOT)},
            seconds,
        )
    )
    return Sample(**sample)


def _wrk(url: str, load: Load, seconds: float) -> Sample:
    command = [
        "wrk",
        "-t1",
        f"-c{load.connections}",
        f"-d{seconds:g}s",
        "--timeout",
        "30s",
        "-s",
        str(REPORT),
        url,
    ]
    command[-1:-1] = ["-H", "Accept-Encoding: gzip"] if load.compressed else []
    pause = round(load.connections / load.rate * 1000) if load.rate else 0
    environ = {"CLOSE": "" if load.keep_alive else "1", "BODY": str(load.body), "PAUSE_MS": str(pause)}
    output = _output(command, environ, seconds)
    report = json.loads(output.rpartition("REPORT ")[2])
    return Sample(
        report["requests"], report["failed"], report["us"] / 1e6, report["p50"] / 1e6, report["p99"] / 1e6
    )


def _h2load(url: str, load: Load, seconds: float) -> Sample:
    with tempfile.NamedTemporaryFile("r") as log:
        command = ["h2load", "-t1", f"-c{load.connections}", "-D", f"{seconds:g}", f"--log-file={log.name}"]
        _output([*command, url], {}, seconds)
        rows = [line.split() for line in log]
    took = sorted(int(row[2]) / 1e6 for row in rows if row[1] == "200")
    if len(took) < 2:
        raise RuntimeError(f"h2load: {len(rows)} requests to {url}, {len(took)} answered with 200")
    cuts = quantiles(took, n=100)
    return Sample(len(took), len(rows) - len(took), seconds, cuts[49], cuts[98])


def _output(command: list[str], environ: dict[str, str], seconds: float) -> str:
    process = subprocess.run(
        command,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", **environ},
        capture_output=True,
        text=True,
        timeout=seconds + 60,
    )
    if process.returncode:
        raise RuntimeError(f"{command[0]}: {(process.stderr or process.stdout).strip()[-300:]}")
    return process.stdout


def version(tool: str) -> str:
    process = subprocess.run([tool, "--version"], capture_output=True, text=True)
    match = re.search(r"\d+\.\d+\S*", process.stdout + process.stderr)
    return match[0] if match else "?"
