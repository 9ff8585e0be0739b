"""Hosts in network namespaces of this machine, and what runs on them."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tests.checkout import ROOT, must, wait_for

START_SECONDS = 60  # for a server to listen, on a machine whose every core is busy
PYTHON = str(ROOT / "build" / "venv" / "bin" / "python")
# What would tell the doctor of the session in which the tests themselves run.
SESSION = ("SSH_", "VSCODE_", "TERM_PROGRAM", "CODESPACES", "REMOTE_CONTAINERS", "WSL_", "BROWSER")


def missing(*needs: str) -> str:
    """Why no such hosts can be made here, with the commands in `needs`; empty where they can."""
    if sys.platform != "linux":
        return "network namespaces are Linux's"
    if os.geteuid() != 0:
        return "network namespaces need root"
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    lacking = [name for name in needs if not shutil.which(name, path=path)]
    return f"not installed: {', '.join(lacking)}" if lacking else ""


class Host:
    """One namespace. What is started in it ends with `close`."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.namespace = f"tests-{os.getpid()}-{name}"
        self.processes: list[subprocess.Popen] = []
        must("ip", "netns", "add", self.namespace)
        self.must("ip", "link", "set", "lo", "up")
        self.must(
            "sysctl", "-qw", "net.ipv4.ip_forward=0"
        )  # a host is no router, whatever an engine set here
        self.environ = {k: v for k, v in os.environ.items() if not k.startswith(SESSION)} | {
            "PATH": f"{ROOT}/build/venv/bin:{os.environ['PATH']}:/usr/sbin:/sbin",
            "PYTHONUNBUFFERED": "1",
            "NO_COLOR": "1",
            "PYTHONPATH": f"{ROOT}/src:{ROOT}",
            # Not the engine of the machine that lends the namespaces: a host of its own has none.
            "DOCKER_HOST": "unix:///nonexistent/docker.sock",
        }

    def _inside(self, command: tuple[str, ...]) -> list[str]:
        return ["ip", "netns", "exec", self.namespace, *command]

    def run(self, *command: str, seconds: float = 60, **environ: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            self._inside(command),
            env=self.environ | environ,
            cwd=ROOT,
            timeout=seconds,
            capture_output=True,
            text=True,
            check=False,
        )

    def must(self, *command: str) -> str:
        return must("ip", "netns", "exec", self.namespace, *command)

    def start(self, *command: str, port: int = 0, at: str = "127.0.0.1", **environ: str) -> subprocess.Popen:
        """Runs it in the background; returns once `port` takes connections at `at`."""
        log = (self.folder / f"{self.name}-{len(self.processes)}.log").open("w")
        process = subprocess.Popen(
            self._inside(command),
            env=self.environ | environ,
            cwd=ROOT,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        log.close()
        self.processes.append(process)
        if port:
            wait_for(lambda: process.poll() is not None or self.listens(at, port), START_SECONDS)
            assert process.poll() is None, Path(log.name).read_text()
        return process

    def listens(self, address: str, port: int) -> bool:
        lines = self.run("cat", "/proc/net/tcp", "/proc/net/tcp6").stdout.splitlines()
        return any(
            line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
            for line in lines
            if ":" in line and "local" not in line
        )

    def get(self, url: str, seconds: float = 3) -> str:
        """The body, or curl's word for why there is none."""
        result = self.run("curl", "-gsS", "--noproxy", "*", "--max-time", str(seconds), url)
        return result.stdout if result.returncode == 0 else result.stderr.strip()

    def until(self, url: str, words: str) -> None:
        """Wait until the response has these words."""
        wait_for(lambda: words in self.get(url), START_SECONDS)

    def doctor(self, url: str = "", as_nobody: bool = False, **environ: str) -> dict:
        user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if as_nobody else []
        result = self.run(
            *user, PYTHON, "-m", "behindproxy", "doctor", "--json", *filter(None, [url]), **environ
        )
        assert result.returncode in (0, 1), result.stderr
        return json.loads(result.stdout) | {"exit": result.returncode}

    def end(self, process: subprocess.Popen) -> None:
        self.processes.remove(process)
        for how in (signal.SIGCONT, signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, how)
            except ProcessLookupError:
                break
            if how != signal.SIGCONT:
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    continue
        process.wait(10)

    def close(self) -> None:
        for process in list(self.processes):
            self.end(process)
        pids = must("ip", "netns", "pids", self.namespace).split()
        for pid in pids:  # all in this namespace were started here
            os.kill(int(pid), signal.SIGKILL)
        must("ip", "netns", "del", self.namespace)


def connect(one: Host, its: str, other: Host, others: str) -> None:
    """A cable between two hosts, with an address at each end."""
    must(
        "ip",
        "link",
        "add",
        "eth0",
        "netns",
        one.namespace,
        "type",
        "veth",
        "peer",
        "name",
        "eth0",
        "netns",
        other.namespace,
    )
    for host, address in ((one, its), (other, others)):
        host.must("ip", "address", "add", address, "dev", "eth0")
        host.must("ip", "link", "set", "eth0", "up")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
