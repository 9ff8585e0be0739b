"""An `up` or a `restart` that is refused, while a stack runs: what runs goes on."""

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


@pytest.mark.parametrize(
    ("target", "refused"),
    [
        *(pytest.param("up", settings, id=what) for what, settings in REFUSED.items()),
        pytest.param("restart", {"APP_MODULE": "app.mian:app"}, id="restart, of one that cannot be loaded"),
        pytest.param("restart", {"API_PREFIX": "api/v1"}, id="restart, with a setting that cannot work"),
    ],
)
def test_it_stops_nothing(running, target, refused):
    before = started(running)
    code, output = running.make(target, **refused)
    ((key, value),) = refused.items()
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


def test_a_restart_that_is_not_refused_starts_all_again(running):
    before = started(running)
    running.must("restart")
    assert serves(running)
    now = started(running)
    assert now != before and (running.runtime == "native" or not set(now) & set(before))
