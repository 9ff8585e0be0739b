"""Three nodes that are a swarm, with the images on each, and a copy of this checkout to deploy from."""

import concurrent.futures
import shutil
import subprocess

import pytest
import yaml

from behindproxy.stack import compose_file
from tests import load
from tests.checkout import ROOT, Checkout, docker

from .nodes import Node, Switch, lacking

FOLDER = ROOT / "build" / "swarm"
RECORD = ROOT / "build" / "swarm.json"
TESTED = """FROM service-app
USER root
COPY tests/ tests/
RUN chmod -R a+rX tests && echo {version} >app/static/version.txt{more}
USER 65532:65532
"""
BROKEN = " && echo 'raise RuntimeError(\"this version cannot start\")' >>tests/routes.py"
VERSIONS = {"1": "", "2": "", "broken": BROKEN}


class Cluster(Checkout):
    """`make stack-…` on the first node."""

    def __init__(self, switch: Switch, nodes: list[Node]) -> None:
        super().__init__(FOLDER / "service", "docker")
        self.switch, self.nodes = switch, nodes
        self.environ["DOCKER_HOST"] = f"unix://{nodes[0].engine_socket}"
        self.no_esp = switch.lacks_esp()

    @property
    def urls(self) -> list[str]:
        return [self.url(node) for node in self.nodes]

    def url(self, node: Node, entrypoint: str = "http") -> str:
        return f"{entrypoint}://{node.address}:{self.http if entrypoint == 'http' else self.https}/api/v1"

    def start(self, target: str, **settings: object) -> subprocess.Popen:
        hosts = ",".join(["localhost", "127.0.0.1", *(node.address for node in self.nodes)])
        values = {
            "APP_IMAGE": "service-app:1",
            "APP_MODULE": "tests.routes:app",
            "APP_REPLICAS": 3,
            "PROBE": 1,
            "BIND_ADDRESS": "0.0.0.0",
            "PUBLIC_HOSTS": hosts,
            **settings,
        }
        return super().start(target, **values)

    def docker(self, *arguments: str) -> str:
        """A manager's answer."""
        return self.nodes[0].docker(*arguments)

    def images(self) -> None:
        """The versions, built by this machine's engine and loaded on every node, as a registry would."""
        docker("build", "-q", "-t", "service-app", str(self.path))
        context = FOLDER / "context"
        shutil.copytree(ROOT / "tests", context / "tests", ignore=shutil.ignore_patterns("__pycache__"))
        for version, more in VERSIONS.items():
            (context / "Dockerfile").write_text(TESTED.format(version=version, more=more))
            docker("build", "-q", "-t", f"service-app:{version}", str(context))
        stack = compose_file.load(self.path / "deploy" / "swarm" / "stack.yml")
        traefik = stack["services"]["traefik"]["image"]
        names = [traefik, *(f"service-app:{version}" for version in VERSIONS)]
        archive = FOLDER / "images.tar"
        docker("save", "-o", str(archive), *names)
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda node: node.docker("load", "-q", "-i", str(archive)), self.nodes))
        archive.unlink()

    def where(self, service: str = "app") -> dict[str, int]:
        """How many tasks of the service run on each node."""
        rows = self.docker(
            "service",
            "ps",
            "--filter",
            "desired-state=running",
            "--format",
            "{{.Node}} {{.CurrentState}}",
            f"service_{service}",
        ).splitlines()
        running = [row.split()[0] for row in rows if " Running" in row]
        return {node.name: running.count(node.name) for node in self.nodes}

    def spread(self) -> None:
        """Until a replica runs on the last node. Swarm leaves running ones where they are, and places
        each new one where the fewest are at that moment."""
        for _ in range(5):
            if self.where()[self.nodes[-1].name]:
                return
            self.docker("service", "update", "--force", "--quiet", "service_app")
        raise AssertionError(f"no replica on the last node: {self.where()}")


@pytest.fixture(scope="session")
def cluster():
    if reason := lacking():
        pytest.skip(reason)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    hosts = [Switch(FOLDER)]
    try:
        for number in (1, 2, 3):
            hosts.append(Node(number, FOLDER))
            hosts[0].connect(hosts[-1])
        nodes = hosts[1:]
        for node in nodes:
            node.start_engine()
        manager = nodes[0]
        manager.docker("swarm", "init", "--advertise-addr", manager.address)
        token = manager.docker("swarm", "join-token", "-q", "worker")
        for node in nodes[1:]:
            node.docker("swarm", "join", "--token", token, "--advertise-addr", node.address, manager.address)
        own = Cluster(hosts[0], nodes)
        own.fill()
        if own.no_esp:
            stack = own.path / "deploy" / "swarm" / "stack.yml"
            content = compose_file.load(stack)
            del content["networks"]["internal"]["driver_opts"]
            stack.write_text(yaml.safe_dump(content, sort_keys=False))
        own.images()
        yield own
    finally:
        for host in reversed(hosts):
            host.close()
        names = subprocess.run(["docker", "image", "ls", "-q", "service-app"], capture_output=True, text=True)
        if names.stdout.split():
            subprocess.run(["docker", "image", "rm", "-f", *set(names.stdout.split())], capture_output=True)
        shutil.rmtree(FOLDER, ignore_errors=True)


@pytest.fixture(scope="session")
def deployed(cluster):
    cluster.must("swarm-deploy")
    yield cluster
    cluster.must("swarm-rm")


@pytest.fixture
def stack(deployed):
    """Three replicas, one of them at least on the last node."""
    if (
        deployed.docker(
            "stack", "services", "--format", "{{.Replicas}}", "--filter", "name=service_app", "service"
        )
        != "3/3"
    ):
        deployed.must("swarm-deploy")
    deployed.spread()
    return deployed


@pytest.fixture
def record(request):
    return load.recorder(RECORD, request.node.name)


def pytest_sessionstart():
    RECORD.unlink(missing_ok=True)


def pytest_terminal_summary(terminalreporter):
    load.report(RECORD, terminalreporter)
