"""A server that answers byte by byte, for ever, holds up neither a check nor a run."""

import socket
import threading
import time
from types import SimpleNamespace

import httpx
import pytest

from behindproxy.contract.advice.diagnosis import diagnose
from behindproxy.contract.engine import deadline, raw, websocket
from behindproxy.contract.report.result import UNFORESEEN
from tests.unit.targets import target


@pytest.fixture
def dripping():
    """The address of a server that never ends the head of its response."""
    listener = socket.create_server(("127.0.0.1", 0))
    end = threading.Event()

    def serve():
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            number = 0
            while not end.wait(0.02) and number < 500:
                try:
                    connection.sendall(b"x-%d: y\r\n" % number)
                except OSError:
                    return
                number += 1

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    end.set()
    thread.join()
    listener.close()


def test_a_head_that_never_ends_is_an_error(dripping, monkeypatch):
    monkeypatch.setattr(deadline, "ANSWER_SECONDS", 0.3)
    with target(dripping).new_client() as client, pytest.raises(httpx.ReadTimeout, match="did not end"):
        client.get(f"{dripping}/")


def test_a_handshake_that_never_ends_is_an_error(dripping, monkeypatch):
    monkeypatch.setattr(websocket, "ANSWER_SECONDS", 0.3)
    with pytest.raises(TimeoutError, match="no response ended"):
        websocket.WebSocket(dripping.replace("http", "ws"), None, [], 5, lambda harm: None)


def error(id, entrypoint, level, observed, fix=""):
    """A check that could not be made."""
    check = SimpleNamespace(id=id, group=id.partition(".")[0], title="title")
    names = {"entrypoint": entrypoint, "level": level, "observed": observed, "fix": fix}
    return SimpleNamespace(check=check, status="error", red=True, **names)


def test_what_was_not_checked_names_no_cause():
    late = error("scope.scheme", "https", "broken", "not checked: the run took its 1 s before")
    assert diagnose([late]).causes == []


def test_a_check_that_broke_names_no_cause():
    observed = "RuntimeError: docker inspect: no such container (test_containers.py:44)"
    broken = error("container.neighbour", "all", "exposed", observed, UNFORESEEN)
    (only,) = diagnose([broken]).causes
    assert str(only) == f"container.neighbour fails. {UNFORESEEN}"


def test_an_answer_that_cannot_be_read_is_one_of_no_status():
    many = b"".join(b"X-%d: a\r\n" % number for number in range(101))
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    answers = raw.answers(ok + b"HTTP/1.1 200 OK\r\n" + many + b"\r\n")
    assert [one.status_code for one in answers] == [200, 0]


def test_no_answer_outlasts_the_run(dripping):
    began = time.monotonic()
    with pytest.raises(deadline.OutOfTime, match="the run took its 1 s"):
        target(f"{dripping}/shop", max_seconds=1).connect()
    assert time.monotonic() - began < 3


def test_a_run_ends_when_its_time_is_over():
    run = target("http://127.0.0.1:1/shop", max_seconds=1)
    run.refuse_late()
    run.began = time.monotonic() - 2
    with pytest.raises(deadline.OutOfTime, match="the run took its 1 s"):
        run.refuse_late()
    with pytest.raises(deadline.OutOfTime):  # a check's requests too, and those before the first
        run.connect()
    run.max_seconds = 0
    run.refuse_late()
