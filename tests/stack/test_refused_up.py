"""An `up` that is refused, while a stack runs: what runs goes on."""

import socket

import httpx
import pytest

REFUSED = {
    "an application that cannot be loaded": {"APP_MODULE": "app.mian:app"},
    "one that is not there": {"APP_MODULE": "app.main:nothing"},
    "an address that the machine has not": {"BIND_ADDRESS": "203.0.113.9"},
}


def started(stack) -> object:
    """What another start makes new."""
    if stack.runtime == "docker":
        return sorted(stack.containers())
    return (stack.path / "build" / "native" / "supervisord.pid").read_text()


def serves(stack) -> bool:
    return httpx.get(f"http://127.0.0.1:{stack.http}/api/v1/app", trust_env=False).status_code == 200


@pytest.mark.parametrize("what", REFUSED)
def test_it_stops_nothing(running, what):
    before = started(running)
    code, output = running.make("up", **REFUSED[what])
    ((key, value),) = REFUSED[what].items()
    assert code != 0 and f"{key}={value}" in output, output
    assert serves(running) and started(running) == before
    code, output = running.make("ps")
    assert code == 0, output


def test_nor_does_a_port_that_another_has(running):
    before = started(running)
    with socket.create_server(("127.0.0.1", 0)) as other:
        code, output = running.make("up", HTTPS_PORT=other.getsockname()[1])
    assert code != 0 and "taken" in output, output
    assert serves(running) and started(running) == before
