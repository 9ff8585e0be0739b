"""Three machines with an engine each and a switch between them, as network namespaces of this one."""

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.checkout import must, wait_for
from tests.hosts import Host, missing

# For benchmarks of networks (RFC 2544): no machine's own.
NETWORK = "198.18.77"
HERE = f"{NETWORK}.1"
# Where no engine is installed, a command that runs one: `.ci/engine inside 28 dockerd`.
DOCKERD = shlex.split(os.environ.get("SWARM_DOCKERD", "dockerd"))


def lacking() -> str:
    """Why no such machines can be made here; empty where they can."""
    if reason := missing("ip", "nsenter", "unshare", "iptables", "docker", DOCKERD[0]):
        return reason
    if subprocess.run(["docker", "version"], capture_output=True).returncode:
        return "no engine answers that could build the image"
    return ""


class Switch(Host):
    """What the machines are plugged into; this machine too, at HERE."""

    def __init__(self, folder: Path) -> None:
        super().__init__("switch", folder)
        self.must("ip", "link", "add", "switch", "type", "bridge")
        self.must("ip", "link", "set", "switch", "up")
        self.cable = f"swarm-{os.getpid()}"[:15]
        must("ip", "link", "add", self.cable, "type", "veth", "peer", "name", "here", "netns", self.namespace)
        self._plug("here")
        must("ip", "address", "add", f"{HERE}/24", "dev", self.cable)
        must("ip", "link", "set", self.cable, "up")

    def _plug(self, port: str) -> None:
        self.must("ip", "link", "set", port, "master", "switch")
        self.must("ip", "link", "set", port, "up")

    def connect(self, node: "Node") -> None:
        must(
            "ip",
            "link",
            "add",
            "eth0",
            "netns",
            node.namespace,
            "type",
            "veth",
            "peer",
            "name",
            node.name,
            "netns",
            self.namespace,
        )
        self._plug(node.name)
        node.must("ip", "address", "add", f"{node.address}/24", "dev", "eth0")
        node.must("ip", "link", "set", "eth0", "up")

    def lacks_esp(self) -> str:
        """Why overlays cannot be encrypted here; empty where they can."""
        result = self.run(
            "ip",
            "xfrm",
            "state",
            "add",
            "src",
            "127.0.0.1",
            "dst",
            "127.0.0.2",
            "proto",
            "esp",
            "spi",
            "0x1",
            "mode",
            "transport",
            "aead",
            "rfc4106(gcm(aes))",
            "0x" + "01" * 20,
            "64",
        )
        self.run("ip", "xfrm", "state", "flush")
        if result.returncode == 0:
            return ""
        return (
            "this kernel has no ESP with AES-GCM (CONFIG_INET_ESP, CONFIG_CRYPTO_GCM), which an encrypted "
            f"overlay needs; ip xfrm said: {result.stderr.strip()}"
        )

    def cut(self, node: "Node") -> None:
        self.must("ip", "link", "set", node.name, "down")

    def mend(self, node: "Node") -> None:
        self.must("ip", "link", "set", node.name, "up")


class Node(Host):
    """A machine with an engine of its own."""

    def __init__(self, number: int, folder: Path) -> None:
        super().__init__(f"node-{number}", folder)
        self.address = f"{NETWORK}.{10 + number}"
        self.data = folder / self.name
        # A socket's path has 107 bytes at most, and a checkout's may be longer.
        self.sockets = Path(tempfile.mkdtemp(prefix="swarm-"))
        self.engine_socket = self.sockets / "docker.sock"

    def start_engine(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        # nsenter and not `ip netns exec`, which hides the cgroups from the engine.
        # A /run of its own hides this machine's containerd: each engine starts one for itself.
        command = [
            "nsenter",
            f"--net=/var/run/netns/{self.namespace}",
            "unshare",
            "--uts",
            "--mount",
            "sh",
            "-c",
            'hostname "$0" && mount -t tmpfs run /run && exec "$@"',
            self.name,
            *DOCKERD,
            "--data-root",
            str(self.data),
            "--exec-root",
            f"/run/{self.namespace}",
            "--pidfile",
            str(self.sockets / "pid"),
            "-H",
            f"unix://{self.engine_socket}",
        ]
        log = (self.folder / f"{self.name}.log").open("a")
        environ = {k: v for k, v in os.environ.items() if k != "DOCKER_HOST"}
        self.engine = subprocess.Popen(
            command, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        self.processes.append(self.engine)
        wait_for(lambda: self.engine.poll() is not None or self._answers(), 60)
        assert self.engine.poll() is None, Path(log.name).read_text()[-2000:]

    def _answers(self) -> bool:
        return self.ask("version").returncode == 0

    @property
    def engine_environ(self) -> dict[str, str]:
        return os.environ | {"DOCKER_HOST": f"unix://{self.engine_socket}"}

    def ask(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["docker", *arguments], env=self.engine_environ, timeout=120, capture_output=True, text=True
        )

    def docker(self, *arguments: str) -> str:
        process = self.ask(*arguments)
        assert process.returncode == 0, f"{self.name}: docker {' '.join(arguments)}: {process.stderr}"
        return process.stdout.strip()

    def close(self) -> None:
        super().close()
        shutil.rmtree(self.sockets, ignore_errors=True)
        shutil.rmtree(self.data, ignore_errors=True)
