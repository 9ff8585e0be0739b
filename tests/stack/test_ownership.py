"""The stack's commands change nothing that another compose file started, in the same folder or under
the same project name."""

import subprocess

import pytest

from tests.checkout import docker

# A project's own services; its database, and one that has the name of one of the stack's.
DB = "  db: {image: 'python:3.13-slim-trixie', init: true, command: [sleep, infinity]}\n"
APP = DB.replace("db:", "app:")
HELLO = '{"message":"Hello World","root_path":"/api/v1"}'
FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml")


class Theirs:
    """Their compose file beside the stack's, and what it started."""

    def __init__(self, stack, name: str, services: str) -> None:
        self.file = stack.path / name
        self.stack = stack
        self.file.write_text(f"services:\n{services}")
        self.compose("up", "--detach")
        self.before = self.ids()
        assert self.before

    def compose(self, *arguments: str) -> str:
        # With Compose's defaults for it: the project has the folder's name.
        project = self.stack.path.name
        command = ["docker", "compose", "-p", project, "-f", str(self.file), *arguments]
        process = subprocess.run(
            command, cwd=self.stack.path, env=self.stack.environ, capture_output=True, text=True
        )
        assert process.returncode == 0, process.stderr
        return process.stdout

    def ids(self) -> set[str]:
        return set(self.compose("ps", "--quiet").split())

    def untouched(self) -> bool:
        return self.before <= set(docker("ps", "-q", "--no-trunc").split())


@pytest.fixture
def folder(stopped, monkeypatch):
    """The stopped stack, with the project name that it has by itself."""
    if stopped.runtime != "docker":
        pytest.skip("RUNTIME is not docker: there are no containers")
    monkeypatch.delitem(stopped.environ, "COMPOSE_PROJECT_NAME", raising=False)
    yield stopped
    stopped.make("down")


@pytest.fixture
def theirs(folder):
    projects = []

    def start(services: str, name: str = "compose.yaml") -> Theirs:
        projects.append(Theirs(folder, name, services))
        return projects[-1]

    yield start
    for one in projects:
        if one.file.name in FILES:
            one.compose("down", "--timeout", "0")
            one.file.unlink()


@pytest.mark.parametrize("name", FILES)
def test_their_containers_outlive_each_command(folder, theirs, name):
    own = theirs(DB + APP, name)
    output = folder.must("up")
    assert own.untouched()
    assert f"{name} is not this stack's" in output
    assert folder.answers() == HELLO
    if name != FILES[0]:
        return  # the name is what differs, and it is said
    folder.must("deploy")
    assert own.untouched() and folder.answers() == HELLO
    assert "db" not in folder.must("ps")
    folder.must("down")
    assert own.untouched()
    assert folder.nothing_left(besides=own.before)
    folder.must("clean")
    folder.link_environment()
    assert own.untouched()


def test_their_containers_outlive_an_up_that_fails(folder, theirs):
    own = theirs(DB + APP)
    code, output = folder.make("up", APP_MODULE="app.main:nothing")
    assert code != 0, output
    assert own.untouched()
    assert folder.nothing_left(besides=own.before)


def test_a_project_name_that_is_theirs_too_is_kept_and_so_is_their_database(folder, theirs):
    own = theirs(DB)
    folder.must("up", COMPOSE_PROJECT_NAME=folder.path.name)
    assert own.untouched() and folder.answers() == HELLO
    labels = docker("inspect", "--format", "{{json .Config.Labels}}", folder.container("traefik"))
    assert f'"com.docker.compose.project":"{folder.path.name}"' in labels
    folder.must("down")
    assert own.untouched()


def test_a_service_of_theirs_under_the_same_name_is_not_replaced(folder, theirs):
    own = theirs(DB + APP)
    code, output = folder.make("up", COMPOSE_PROJECT_NAME=folder.path.name)
    assert code != 0, output
    reasons = [line for line in output.splitlines() if "COMPOSE_PROJECT_NAME=" in line]
    assert len(reasons) == 1 and "compose.yaml" in reasons[0] and "app" in reasons[0], output
    assert own.untouched()
    assert folder.nothing_left(besides=own.before)


def test_a_docker_compose_yml_of_theirs_is_refused_and_its_containers_stay(folder, theirs):
    ours = folder.path / "docker-compose.yml"
    text = ours.read_text()
    try:
        own = theirs(DB + APP, "docker-compose.yml")
        code, output = folder.make("up")
        assert code != 0 and "docker-compose.yml is not this stack's" in output, output
        for target in ("down", "clean"):
            folder.make(target)
            assert own.untouched(), target
        folder.link_environment()
        own.compose("down", "--timeout", "0")
    finally:
        ours.write_text(text)


def test_containers_of_the_docker_compose_yml_before_ours_stay(folder, theirs):
    """As after `make new OVERWRITE=1`: their file was replaced by the stack's while it ran."""
    ours = folder.path / "docker-compose.yml"
    text = ours.read_text()
    try:
        own = theirs(DB + APP, "docker-compose.yml")
        ours.write_text(text)
        folder.must("up")
        folder.must("down")
        ours.write_text(f"services:\n{DB}{APP}")
        assert own.untouched()
    finally:
        ours.write_text(f"services:\n{DB}{APP}")
        own.compose("down", "--timeout", "0")
        ours.write_text(text)


def test_their_compose_file_in_the_environment_is_not_run(folder, theirs):
    own = theirs(DB)
    output = folder.must("up", COMPOSE_FILE="compose.yaml")
    assert "COMPOSE_FILE=compose.yaml does not have docker-compose.yml" in output
    assert folder.answers() == HELLO
    folder.must("down", COMPOSE_FILE="compose.yaml")
    assert own.untouched()


def test_what_an_override_adds_is_the_stack_s(folder):
    override = folder.path / "docker-compose.override.yml"
    override.write_text(f"services:\n  app: {{depends_on: [cache]}}\n{DB.replace('db:', 'cache:')}")
    try:
        folder.must("up")
        assert folder.container("cache")
        folder.must("down")
        assert folder.nothing_left()
    finally:
        override.unlink()


def plain(folder, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", "compose", *arguments],
        cwd=folder.path,
        env=folder.environ,
        capture_output=True,
        text=True,
        timeout=180,
    )


def test_a_stack_of_plain_compose_and_one_of_an_earlier_name_are_found(folder):
    """Before, the project had the folder's name; and `docker compose up` writes no state."""
    for arguments in ((), ("-p", folder.path.name)):
        process = plain(folder, *arguments, "up", "--detach", "--build", "--wait")
        assert process.returncode == 0, process.stderr
        assert "runtime: docker" in folder.must("ps")
        assert "stopped (docker)" in folder.must("down")
        assert folder.nothing_left()
        assert not docker(
            "network", "ls", "-q", "--filter", f"label=com.docker.compose.project={folder.path.name}"
        )


def test_up_takes_over_from_an_earlier_project_name(folder):
    process = plain(folder, "-p", folder.path.name, "up", "--detach", "--build", "--wait")
    assert process.returncode == 0, process.stderr
    folder.must("up")
    assert folder.answers() == HELLO
    assert folder.container("traefik") and folder.container("app")
    folder.must("ps")


# It is loaded, and fails when it starts.
FAILS = """from contextlib import asynccontextmanager
from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app):
    raise OSError("no database")
    yield


app = FastAPI(lifespan=lifespan)
"""


def test_a_failed_up_removes_what_it_made_and_nothing_else(folder):
    folder.must("up")
    traefik, app = folder.container("traefik"), folder.container("app")
    code, output = folder.make("up", APP_MODULE="app.main:nothing")
    assert code != 0, output
    assert (folder.container("traefik"), folder.container("app")) == (traefik, app)  # it was refused before
    (folder.path / "app" / "fails.py").write_text(FAILS)
    code, output = folder.make("up", APP_MODULE="app.fails:app")
    assert code != 0 and "no database" in output, output
    assert folder.container("traefik") == traefik
    assert not folder.containers("app")
    assert folder.must("up")


@pytest.fixture
def swarm(folder):
    """This engine as a swarm of one node, for as long as the test lasts."""
    state = docker("info", "--format", "{{.Swarm.LocalNodeState}}")
    if state != "inactive":
        pytest.skip(f"the engine's swarm is {state}: it is somebody's")
    networks = docker("network", "ls", "--format", "{{.Name}}").split()
    docker("swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1:2377")
    yield folder
    docker("swarm", "leave", "--force")
    if "docker_gwbridge" not in networks:  # made by the swarm, which leaves it
        docker("network", "rm", "docker_gwbridge")


def test_a_swarm_stack_of_theirs_under_the_folder_s_name_is_left_alone(swarm):
    file = swarm.path / "their-stack.yml"
    file.write_text(f"version: '3.9'\nservices:\n{DB.replace(', init: true', '')}")
    docker("stack", "deploy", "--detach", "--resolve-image=never", "-c", str(file), swarm.path.name)
    service = f"{swarm.path.name}_db"
    identity = docker("service", "inspect", "--format", "{{.ID}}", service)
    for target in ("swarm-deploy", "swarm-rm"):
        code, output = swarm.make(target, BIND_ADDRESS="0.0.0.0")
        assert code != 0, output
        assert "has a service db that is not deploy/swarm/stack.yml's" in output
        assert docker("service", "inspect", "--format", "{{.ID}}", service) == identity
    file.unlink()


def test_networks_of_a_killed_up_are_removed(folder):
    process = plain(folder, "create", "traefik")
    assert process.returncode == 0, process.stderr
    docker("rm", "--force", *folder.containers())
    names = docker("network", "ls", "--filter", "label=com.docker.compose.project=behindproxy", "-q")
    assert names
    folder.must("down")
    networks = docker("network", "ls", "--filter", "label=com.docker.compose.project=behindproxy", "-q")
    assert not networks


SAME_NAME = """name: behindproxy
services:
  app: {image: behindproxy-app, init: true, command: [sleep, infinity], networks: [edge]}
networks: {edge: {}}
"""


def test_what_another_clone_has_stopped_under_the_same_name_can_start_again(folder, tmp_path):
    folder.must("up")
    folder.must("down")
    docker("tag", "behindproxy-app", "somebody/else:1")
    file = tmp_path / "docker-compose.yml"
    file.write_text(SAME_NAME)
    theirs = ("compose", "-f", str(file))
    try:
        docker(*theirs, "up", "--detach")
        docker(*theirs, "stop", "--timeout", "0")
        folder.must("down")
        folder.must("clean")
        folder.link_environment()
        docker(*theirs, "start")
        assert docker(*theirs, "ps", "--quiet")
        docker(*theirs, "down", "--timeout", "0")
        folder.must("clean")
        folder.link_environment()
        images = docker("image", "ls", "--format", "{{.Repository}}").split()
        assert "behindproxy-app" not in images and "somebody/else" in images
    finally:
        docker(*theirs, "down", "--timeout", "0")
        docker("image", "rm", "somebody/else:1")
