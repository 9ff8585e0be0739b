"""A copy's tools write into `.behindproxy/`: a `build/` is the project's own, and stays as it is."""

import fcntl
import time

import pytest

from .projects import commit, git, theirs

MODULE = {"APP_MODULE": "their.module:app", "API_PREFIX": "/shop"}


@pytest.fixture
def shop(source, project):
    their_project = project(
        "built",
        theirs(
            **{
                "requirements.txt": "fastapi\n",
                "build/page.html": "<p>theirs\n",
                "build/tls/ca.pem": "theirs\n",
            }
        ),
    )
    code, output = source.new(their_project, **MODULE)
    assert code == 0, output
    commit(their_project.path, "deployment")
    return their_project


def test_clean_deletes_nothing_of_theirs(source, shop):
    code, output = shop.verify(source, CHECKS="app.answers")
    assert code == 0, output
    assert ".behindproxy/tls/ca.pem" in shop.must("up")
    (shop.path / "build" / "new.html").write_text("<p>not committed yet\n")
    assert git(shop.path, "status", "--porcelain") == "?? build/new.html"
    shop.must("clean")
    assert git(shop.path, "status", "--porcelain") == "?? build/new.html"
    assert not (shop.path / ".behindproxy").exists()
    assert shop.nothing_left()


def test_a_folder_of_that_name_that_is_theirs_is_not_written_to(shop):
    (shop.path / ".behindproxy").mkdir()
    (shop.path / ".behindproxy" / "theirs").write_text("theirs\n")
    commit(shop.path, "theirs")
    for target in ("up", "clean"):
        code, output = shop.make(target)
        assert code != 0
        assert ".behindproxy/ is there, and was not made by these tools" in output
    assert git(shop.path, "status", "--porcelain") == ""


def test_two_first_targets_wait_for_each_other(shop):
    """What one has begun to make is not taken for a folder of theirs by the other."""
    folder = shop.path / ".behindproxy"
    with (shop.path / "deployment" / "tool.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder.mkdir()
        second = shop.start("ps")
        time.sleep(1)
        assert second.poll() is None, second.communicate()
        (folder / ".gitignore").write_text("# Made by make; make clean removes this folder.\n*\n")
    output, _ = second.communicate(timeout=300)
    assert "installing deployment/tool.lock" in output
    assert "the stack is not running" in output


def test_the_project_s_name_is_not_the_folder_s(shop):
    assert "COMPOSE_PROJECT_NAME" not in (shop.path / ".env").read_text()
    assert (shop.path / "docker-compose.yml").read_text().count("\nname: behindproxy-built\n") == 1


def test_the_image_has_nothing_of_the_tools_folder(shop):
    lines = (shop.path / ".dockerignore").read_text().splitlines()
    assert lines[1] == "*" and not [line for line in lines if ".behindproxy" in line]
