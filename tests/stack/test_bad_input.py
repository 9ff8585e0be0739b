"""What cannot work stops `make up` with one line, exit ≠ 0, and nothing left running."""

import os
import shutil
import socket

import pytest


def refused(checkout, *words, **settings):
    code, output = checkout.make("up", **settings)
    assert code != 0, output
    reasons = [line for line in output.splitlines() if not line.startswith(("runtime:", "make:"))]
    assert len(reasons) == 1 and all(word in reasons[0] for word in words), output
    assert checkout.nothing_left()


def test_a_port_already_taken_is_named_with_its_holder(stopped):
    with socket.create_server(("127.0.0.1", stopped.http)):
        refused(stopped, f"HTTP_PORT={stopped.http}", f"pid {os.getpid()}")


def test_a_prefix_without_its_slash(stopped):
    refused(stopped, "API_PREFIX=api/v1", "API_PREFIX=/api/v1", API_PREFIX="api/v1")


def test_a_broken_env_file(stopped):
    (stopped.path / ".env").write_text('API_PREFIX="/api/v1\n')
    refused(stopped, ".env line 1", "never closed")


def test_no_engine(stopped, monkeypatch):
    monkeypatch.setitem(stopped.environ, "DOCKER_HOST", "tcp://127.0.0.1:9")
    refused(stopped, "RUNTIME=docker", "RUNTIME=native", RUNTIME="docker")


def test_no_network_at_the_first_up(stopped, monkeypatch):
    venv = stopped.path / "build" / "venv"
    target = os.readlink(venv)
    venv.unlink()
    for key, value in {
        "PIP_INDEX_URL": "http://127.0.0.1:9/",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_RETRIES": "0",
        "PIP_NO_CACHE_DIR": "1",
    }.items():
        monkeypatch.setitem(stopped.environ, key, value)
    try:
        code, output = stopped.make("up")
        assert code != 0 and "is there a network" in output
        assert len(output.strip().splitlines()) == 3, output  # what it does, why not, make's own
    finally:
        shutil.rmtree(venv, ignore_errors=True)
        venv.symlink_to(target)


@pytest.mark.parametrize("target", ["ps", "logs"])
def test_without_a_stack_a_line_says_how_to_start_it(stopped, target):
    code, output = stopped.make(target)
    assert code != 0 and "make up" in output
