"""`make deploy IMAGE=…` and APP_IMAGE: an image that was built elsewhere, from a registry of its own."""

import shutil
import signal
import subprocess

import pytest

from tests.checkout import docker, must, wait_for
from tests.hosts import free_port

CONFIG = """version: 0.1
storage:
  filesystem:
    rootdirectory: {folder}
http:
  addr: 127.0.0.1:{port}
"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A registry on the loopback address, which the engine takes without TLS."""
    if not shutil.which("docker-registry"):
        pytest.skip("docker-registry is not installed (Debian: apt-get install docker-registry)")
    folder, port = tmp_path_factory.mktemp("registry"), free_port()
    (folder / "config.yml").write_text(CONFIG.format(folder=folder, port=port))
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(folder / "config.yml")], stdout=log, stderr=log
        )
    try:
        wait_for(lambda: b"listening on" in (folder / "log").read_bytes(), 60)
        yield f"127.0.0.1:{port}/shop"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@pytest.fixture
def pushed(stopped, registry):
    """The running stack serves version "one"; the registry has "two" as CI would push it. Its digest."""
    if stopped.runtime != "docker":
        pytest.skip("RUNTIME is not docker: a version is an image")
    file = stopped.path / "app" / "static" / "version.txt"
    file.write_text("two")
    own = f"{stopped.environ['COMPOSE_PROJECT_NAME']}-app"
    stopped.must("up")
    docker("tag", own, f"{registry}:2")
    docker("push", "--quiet", f"{registry}:2")
    digest = docker("image", "inspect", "--format", "{{index .RepoDigests 0}}", f"{registry}:2").strip()
    docker("image", "rm", f"{registry}:2")
    file.write_text("one")
    stopped.must("up")
    docker("image", "rm", "--force", f"{own}:previous")  # so that what is deployed comes from the registry
    yield digest
    file.unlink()
    stopped.make("down")


def served(stack) -> str:
    return stack.answers("/api/v1/static/version.txt")


def test_it_is_pulled_put_in_place_and_gone_back_from(stopped, pushed):
    assert served(stopped) == "one"
    output = stopped.must("deploy", IMAGE=pushed)
    assert "building" not in output and f"pulling {pushed}" in output
    assert f"({pushed})" in output
    assert f"APP_IMAGE={pushed} in .env keeps it" in output
    assert served(stopped) == "two"
    stopped.must("rollback")
    assert served(stopped) == "one"
    stopped.must("up", APP_IMAGE=pushed)
    assert served(stopped) == "two"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("{missing}", "cannot be pulled"),
        ("--all-tags", "must be an image's name"),
        ("Shop Image", "must be an image's name"),
    ],
)
def test_what_cannot_be_had_leaves_the_version_before(stopped, pushed, name, says):
    name = name.format(missing=pushed.partition("@")[0] + ":missing")
    code, output = stopped.make("deploy", IMAGE=name)
    assert code != 0
    assert says in output and name in output and "Traceback" not in output
    assert served(stopped) == "one"


def test_one_that_is_no_application_of_this_deployment_is_not_deployed(stopped, pushed, tmp_path):
    remove = "import behindproxy_serve as it, shutil; shutil.rmtree(it.__path__[0])"
    (tmp_path / "Dockerfile").write_text(f"FROM {pushed}\nUSER root\nRUN python -c '{remove}'\n")
    must("docker", "build", "--quiet", "--tag", "somebodys:1", str(tmp_path))
    try:
        code, output = stopped.make("deploy", IMAGE="somebodys:1")
    finally:
        docker("image", "rm", "somebodys:1")
    assert code != 0 and "the previous version keeps serving" in output
    assert "behindproxy_serve" in output
    assert served(stopped) == "one"
