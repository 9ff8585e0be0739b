"""`make rollback` goes to what served before, and to nothing else."""

import os
import signal

import pytest

from tests.checkout import docker


@pytest.fixture
def versions(stopped):
    """The running stack, and a way to write another version of its application."""
    if stopped.runtime != "docker":
        pytest.skip("RUNTIME is not docker: a version is an image")
    file, main = stopped.path / "app" / "static" / "version.txt", stopped.path / "app" / "main.py"
    before = main.read_text()

    def write(text: str, broken: bool = False) -> None:
        file.write_text(text)
        main.write_text(before + ("\nimport time\n\ntime.sleep(300)\n" if broken else ""))

    write("one")
    stopped.must("up")
    yield write
    write("none")
    file.unlink()
    stopped.make("down")


def served(stack) -> str:
    return stack.answers("/api/v1/static/version.txt")


@pytest.mark.parametrize("signal_", [signal.SIGHUP, signal.SIGKILL])
def test_a_version_that_never_served_is_not_gone_back_to(stopped, versions, signal_):
    versions("two", broken=True)
    cut_off = stopped.start("deploy")
    for line in cut_off.stdout:
        if "starting" in line:
            break
    os.killpg(cut_off.pid, signal_)
    cut_off.communicate(timeout=60)
    assert served(stopped) == "one"
    versions("three")
    stopped.must("deploy")
    assert served(stopped) == "three"
    stopped.must("rollback")
    assert served(stopped) == "one"


def test_what_up_replaces_is_gone_back_to(stopped, versions):
    versions("two")
    stopped.must("deploy")
    versions("three")
    stopped.must("up")
    assert served(stopped) == "three"
    stopped.must("rollback")
    assert served(stopped) == "two"


def test_an_up_or_deploy_that_fails_keeps_the_version_before(stopped, versions):
    versions("two")
    stopped.must("deploy")
    image = docker("inspect", "--format", "{{.Image}}", stopped.container("app"))
    versions("three", broken=True)
    cut_off = stopped.start("deploy")
    for line in cut_off.stdout:
        if "starting" in line:
            break
    os.killpg(cut_off.pid, signal.SIGTERM)
    cut_off.communicate(timeout=60)
    name = docker("inspect", "--format", "{{.Config.Image}}", stopped.container("app"))
    assert docker("image", "inspect", "--format", "{{.Id}}", name) == image
    assert not stopped.containers("app-2")
    stopped.must("rollback")
    assert served(stopped) == "one"
