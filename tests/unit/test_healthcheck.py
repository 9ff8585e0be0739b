"""src/behindproxy_serve/healthcheck.py against real sockets."""

import os
import socket
import threading
import time

import pytest

from behindproxy_serve import healthcheck
from behindproxy_serve.healthcheck import main


@pytest.fixture(autouse=True)
def of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("RUN_DIR", str(tmp_path))
    monkeypatch.delenv("START_SECONDS", raising=False)


@pytest.fixture
def answering():
    """Serves one connection with the given bytes; returns the URL, and what was received."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        requests = []

        def serve(answer: bytes) -> str:
            def one() -> None:
                connection, _ = server.accept()
                with connection:
                    requests.append(connection.recv(1000).decode())
                    connection.sendall(answer)

            threading.Thread(target=one, daemon=True).start()
            return f"http://127.0.0.1:{server.getsockname()[1]}/healthz"

        yield serve, requests


@pytest.mark.parametrize("status, code", [(200, 0), (404, 0), (499, 0), (500, 1), (503, 1)])
def test_a_status_below_500_is_healthy(answering, status, code):
    serve, requests = answering
    assert main(serve(f"HTTP/1.1 {status} X\r\n\r\n".encode())) == code
    assert requests[0].startswith("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:")


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0\r\n", b"HTTP/1.1 OK\r\n"])
def test_what_is_no_answer_is_unhealthy(answering, answer):
    serve, _ = answering
    assert main(serve(answer)) == 1


@pytest.fixture
def starting(tmp_path, monkeypatch):
    """Make this a container that began now and has ten seconds to start; return its mark."""
    monkeypatch.setenv("RUN_DIR", str(tmp_path))
    monkeypatch.setenv("START_SECONDS", "10")
    (tmp_path / "started").touch()
    return tmp_path / "started"


def test_while_the_container_starts_a_server_is_waited_for(starting):
    with socket.socket() as later:
        later.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{later.getsockname()[1]}/healthz"
        codes = []
        check = threading.Thread(target=lambda: codes.append(main(address)))
        check.start()
        later.settimeout(10)
        later.listen()
        for answer in (b"HTTP/1.1 503 Starting\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"):
            connection, _ = later.accept()
            with connection:
                connection.recv(1000)
                assert codes == []
                connection.sendall(answer)
        check.join(10)
    assert codes == [0]


def test_an_error_is_no_start(starting, answering):
    serve, _ = answering
    assert main(serve(b"HTTP/1.1 500 X\r\n\r\n")) == 1


def test_after_start_seconds_nothing_is_waited_for(starting):
    os.utime(starting, (time.time() - 11, time.time() - 11))
    test_a_closed_port_is_unhealthy()


@pytest.fixture
def counting():
    """Serves the statuses of a list, one a connection, and then its last; the list of what was sent."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        answers, statuses = [], [200]

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1000)
                    answers.append(statuses[min(len(answers), len(statuses) - 1)])
                    connection.sendall(f"HTTP/1.1 {answers[-1]} X\r\n\r\n".encode())

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/healthz", statuses, answers
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def passed(starting, monkeypatch):
    """A container in which a check has passed; its looks are close together."""
    monkeypatch.setattr(healthcheck, "PAUSE_SECONDS", 0.05)
    monkeypatch.setenv("START_SECONDS", "60")
    (starting.parent / "passed").touch()
    return starting.parent / "passed"


def test_the_first_check_that_passes_ends_at_once(starting, counting):
    url, _, answers = counting
    assert main(url) == 0 and answers == [200]


def test_a_later_one_goes_on_looking(passed, counting):
    url, _, answers = counting
    assert main(url) == 0 and len(answers) == 1 + healthcheck.LOOKS


def test_after_a_pause_the_first_that_passes_ends_at_once(passed, counting):
    os.utime(passed, (time.time() - 6, time.time() - 6))
    url, _, answers = counting
    assert main(url) == 0 and answers == [200]
    assert time.time() - passed.stat().st_mtime < 5


@pytest.mark.parametrize("failing", [500, 503])
def test_what_begins_to_fail_is_unhealthy_at_once(passed, counting, failing):
    url, statuses, answers = counting
    statuses[:] = [200, 200, failing]
    assert main(url) == 1 and len(answers) == 3
    assert not passed.exists()  # the next that passes is told at once


def test_no_check_lasts_longer_than_the_engine_gives_it(passed, counting, monkeypatch):
    monkeypatch.setattr(healthcheck, "PAUSE_SECONDS", 2)
    monkeypatch.setenv("START_SECONDS", "3")
    url, _, answers = counting
    assert main(url) == 0 and answers == [200]


def test_once_looks_once(passed, counting):
    url, _, answers = counting
    assert main(url, once=True) == 0 and answers == [200]


def test_once_waits_for_nothing(starting):
    assert main("http://127.0.0.1:1/healthz", once=True) == 1


def test_a_closed_port_is_unhealthy():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert main(f"http://127.0.0.1:{unused.getsockname()[1]}/healthz") == 1
