"""A dead address of a host, or a host that has died, does not make a run wait each time."""

import socket
import time

import httpx
import pytest

from behindproxy.contract.engine import connecting
from tests.unit.targets import target

DEAD, ALIVE, PORT = "2001:db8::9", "192.0.2.9", 443


@pytest.fixture
def attempts(monkeypatch):
    """The attempts at a host with the addresses DEAD and ALIVE, each as address and seconds."""
    rows = [(None, None, 0, "", (address, PORT)) for address in (DEAD, ALIVE)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: rows)
    monkeypatch.setattr(connecting, "SLOW_SECONDS", 0)
    monkeypatch.setattr(connecting, "waits", type(connecting.waits)())
    return []


def connect(attempts, *alive):
    def attempt(address, seconds):
        attempts.append((address, seconds))
        time.sleep(0.001)
        if address not in alive:
            raise TimeoutError("timed out")
        return address

    return connecting.first("api.test", PORT, 10, attempt)


def test_a_dead_address_makes_the_first_request_wait_and_no_other(attempts):
    assert [connect(attempts, ALIVE) for _ in range(3)] == [ALIVE] * 3
    assert [address for address, _ in attempts] == [DEAD, ALIVE, ALIVE, ALIVE]


def test_a_host_that_has_died_makes_few_requests_wait(attempts):
    for _ in range(5):
        with pytest.raises(TimeoutError):
            connect(attempts)
    assert [seconds for address, seconds in attempts if address == ALIVE] == [10, 10, 10, 0.5, 0.5]
    assert connect(attempts, ALIVE) == ALIVE
    assert connect(attempts, ALIVE) == ALIVE
    assert attempts[-1] == (ALIVE, 10)  # it lives again


def test_a_refusal_is_no_wait(attempts, monkeypatch):
    monkeypatch.setattr(connecting, "SLOW_SECONDS", 1)
    connect(attempts, ALIVE)
    connect(attempts, ALIVE)
    assert [address for address, _ in attempts] == [DEAD, ALIVE] * 2


def test_a_name_without_an_address_is_an_error_of_the_connection(monkeypatch):
    def fail(*args, **options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    client = target("http://api.test/shop").new_client()
    with pytest.raises(httpx.ConnectError, match="not known"):
        client.get("http://api.test/shop/")
