"""src/behindproxy_serve/healthcheck.py against real sockets."""

import os
import socket
import threading
import time

import pytest

from behindproxy_serve.healthcheck import main


@pytest.fixture
def answering():
    """Serves one connection with the given bytes; returns the URL, and what was received."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        received = []

        def serve(answer: bytes) -> str:
            def one() -> None:
                connection, _ = server.accept()
                with connection:
                    received.append(connection.recv(1000).decode())
                    connection.sendall(answer)

            threading.Thread(target=one, daemon=True).start()
            return f"http://127.0.0.1:{server.getsockname()[1]}/healthz"

        yield serve, received


@pytest.mark.parametrize("status, code", [(200, 0), (404, 0), (499, 0), (500, 1), (503, 1)])
def test_a_status_below_500_is_healthy(answering, status, code):
    serve, received = answering
    assert main(serve(f"HTTP/1.1 {status} X\r\n\r\n".encode())) == code
    assert received[0].startswith("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:")


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


def test_once_waits_for_nothing(starting):
    assert main("http://127.0.0.1:1/healthz", once=True) == 1


def test_a_closed_port_is_unhealthy():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert main(f"http://127.0.0.1:{unused.getsockname()[1]}/healthz") == 1
