"""A copy of this checkout with ports of its own, driven with make as a person drives it."""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Collection
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STEERS = ("RUNTIME", "API_", "APP_", "HTTP", "DIRECT_", "OPS_", "MAKE", "MFLAGS", "BIND_", "PUBLIC_")

MAKE_SECONDS = 300


def free_block(count: int) -> int:
    """The first of `count` free ports in a row, below those that the kernel gives to clients."""
    for _ in range(100):
        first = random.randrange(20000, 32000, 10)
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise OSError(f"no {count} free ports in a row")


def must(*command: str) -> str:
    """What it prints. Raises AssertionError with what it complains of."""
    process = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, f"{' '.join(command)}: {process.stderr}"
    return process.stdout.strip()


def docker(*arguments: str) -> str:
    return must("docker", *arguments)


def wait_for(condition: Callable[[], object], seconds: float = 10) -> float:
    """The seconds until `condition` came true. Raises AssertionError when it does not."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() < began + seconds, f"not true within {seconds} s"
        time.sleep(0.1)
    return time.monotonic() - began


class Checkout:
    """`make` in the copy at `path`, in the runtime that RUNTIME names (native without it)."""

    def __init__(self, path: Path, runtime: str = "") -> None:
        self.path = path
        self.runtime = runtime or os.environ.get("RUNTIME") or "native"
        # The fifth is for the application's metrics, beside Traefik's.
        self.http, self.https, self.direct, self.ops, _ = range(first := free_block(5), first + 5)
        self.environ = {k: v for k, v in os.environ.items() if not k.startswith(STEERS)} | {
            "RUNTIME": self.runtime,
            "HTTP_PORT": str(self.http),
            "HTTPS_PORT": str(self.https),
            "DIRECT_PORT": str(self.direct),
            "OPS_PORT": str(self.ops),
            "SUBNET": "172.30.97",
            # One of its own: several checkouts, and the clone's own stack, run on one engine.
            "COMPOSE_PROJECT_NAME": path.name.lower(),
        }

    def fill(self) -> None:
        """What git lists here, and a link to the environment that is installed already."""
        shutil.rmtree(self.path, ignore_errors=True)
        names = subprocess.check_output(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True
        )
        for name in filter(None, names.split("\0")):
            if (ROOT / name).exists():
                (self.path / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.path / name, follow_symlinks=False)
        self.link_environment()

    def link_environment(self) -> None:
        """The tools' packages are installed already: their pins are the same."""
        (self.path / "build").mkdir(exist_ok=True)
        (self.path / "build" / "venv").symlink_to(ROOT / "build" / "venv")

    def start(self, target: str, **settings: object) -> subprocess.Popen:
        values = [f"{key}={value}" for key, value in settings.items()]
        return self._start(["make", "--no-print-directory", target, *values], {})

    def _start(self, command: list[str], environ: dict[str, str]) -> subprocess.Popen:
        return subprocess.Popen(
            command,
            cwd=self.path,
            env=self.environ | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def make(self, target: str, **settings: object) -> tuple[int, str]:
        """The exit code and the output, standard error included."""
        return self._ended(self.start(target, **settings))

    def run(self, command: str, **settings: object) -> tuple[int, str]:
        """As `make`, without what a target does before the command, and the curl commands of `verify`."""
        environ = {key: str(value) for key, value in settings.items()} | {"PYTHONPATH": "src"}
        return self._ended(self._start(["build/venv/bin/python", "-m", "behindproxy", command], environ))

    def _ended(self, process: subprocess.Popen) -> tuple[int, str]:
        try:
            output, _ = process.communicate(timeout=MAKE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        return process.returncode, output

    def must(self, target: str, **settings: object) -> str:
        code, output = self.make(target, **settings)
        assert code == 0, output
        return output

    def container(self, service: str) -> str:
        """The id of the one container of `service`."""
        ids = self.containers(service)
        assert len(ids) == 1, f"{service}: {ids}"
        return ids[0]

    def containers(self, service: str = "") -> list[str]:
        """The ids of the containers of `service`, or of all; not of another file's in this folder."""
        labels = [f"label=com.docker.compose.project.working_dir={self.path}"]
        labels += [f"label=com.docker.compose.service={service}"] if service else []
        filters = [part for label in labels for part in ("--filter", label)]
        files = '{{.ID}} {{.Label "com.docker.compose.project.config_files"}}'
        rows = docker("ps", "-a", "--no-trunc", *filters, "--format", files).splitlines()
        return [row.split()[0] for row in rows if f"{self.path}/docker-compose.yml" in row]

    def answers(self, path: str = "/api/v1/app", port: int | None = None) -> str:
        return subprocess.run(
            ["curl", "-q", "--noproxy", "*", "-s", f"http://127.0.0.1:{port or self.http}{path}"],
            capture_output=True,
            text=True,
            timeout=30,
        ).stdout

    def nothing_left(self, besides: Collection[str] = ()) -> bool:
        """Whether no process, or no container but those with the ids `besides`, is there."""
        if self.runtime == "docker":
            labels = f"label=com.docker.compose.project.working_dir={self.path}"
            ids = docker("ps", "-aq", "--no-trunc", "--filter", labels).split()
            return set(ids) <= set(besides)
        process = subprocess.run(["pgrep", "-f", str(self.path)], capture_output=True, text=True)
        return not process.stdout.strip()
