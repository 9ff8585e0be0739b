"""A copy of this checkout with ports of its own, driven with make as a person drives it."""

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STEERS = (
    "RUNTIME",
    "API_",
    "APP_",
    "HTTP",
    "DIRECT_",
    "OPS_",
    "MAKE",
    "MFLAGS",
    "BIND_",
    "PUBLIC_",
)

MAKE_SECONDS = 300


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def free_pair() -> int:
    """A free port whose neighbour is free too."""
    for _ in range(100):
        (port,) = free_ports(1)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise OSError("no two free ports beside each other")


class Checkout:
    """`make` in the copy at `path`, in the runtime that RUNTIME names (native without it)."""

    def __init__(self, path: Path, runtime: str = "") -> None:
        self.path = path
        self.runtime = runtime or os.environ.get("RUNTIME") or "native"
        self.http, self.https, self.direct = free_ports(3)
        self.ops = free_pair()  # Traefik's metrics, and the application's
        self.environ = {k: v for k, v in os.environ.items() if not k.startswith(STEERS)} | {
            "RUNTIME": self.runtime, "HTTP_PORT": str(self.http), "HTTPS_PORT": str(self.https),
            "DIRECT_PORT": str(self.direct), "OPS_PORT": str(self.ops), "SUBNET": "172.30.97",
        }  # fmt: skip

    def fill(self) -> None:
        """What git lists here, and a link to the environment that is installed already."""
        shutil.rmtree(self.path, ignore_errors=True)
        listed = subprocess.check_output(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            text=True,
        )
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).exists():
                (self.path / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.path / name)
        (self.path / "build").mkdir()
        (self.path / "build" / "venv").symlink_to(ROOT / "build" / "venv")

    def start(self, target: str, **settings: object) -> subprocess.Popen:
        values = [f"{key}={value}" for key, value in settings.items()]
        return subprocess.Popen(
            ["make", "--no-print-directory", target, *values], cwd=self.path, env=self.environ,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip

    def make(self, target: str, **settings: object) -> tuple[int, str]:
        """The exit code and the output, standard error included."""
        process = self.start(target, **settings)
        try:
            output, _ = process.communicate(timeout=MAKE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        return process.returncode, output

    def answers(self, path: str = "/api/v1/app", port: int | None = None) -> str:
        return subprocess.run(
            ["curl", "-q", "--noproxy", "*", "-s", f"http://127.0.0.1:{port or self.http}{path}"],
            capture_output=True, text=True, timeout=30,
        ).stdout  # fmt: skip

    def nothing_left(self) -> bool:
        found = subprocess.run(["pgrep", "-f", str(self.path)], capture_output=True, text=True)
        labels = f"label=com.docker.compose.project.working_dir={self.path}"
        if self.runtime == "docker":
            ids = subprocess.check_output(["docker", "ps", "-aq", "--filter", labels], text=True)
            return not ids.strip()
        return not found.stdout.strip()
