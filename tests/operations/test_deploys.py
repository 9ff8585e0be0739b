"""`make deploy` and `make rollback` under a steady load."""

import concurrent.futures
import contextlib
import time

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.load import load

DEPLOYS = 5
NEVER = "\n__import__('time').sleep(1000)\n"  # a start that does not end: no database, say


def version(stack) -> str:
    return httpx.get(f"{stack.url}/static/version.txt", trust_env=False).text


def write_version(stack, text: str) -> None:
    (stack.path / "app" / "static" / "version.txt").write_text(text)


def test_deploys_in_a_row_lose_no_request(stack, record):
    with load(stack.url) as tally:
        for number in range(DEPLOYS):
            write_version(stack, f"version {number}")
            stack.must("deploy")
            assert version(stack) == f"version {number}"
    record(tally, f"{DEPLOYS} deploys")
    assert not tally.failures
    assert all(tally.counts[kind] > 100 for kind in tally.counts)
    assert stack.make("ps")[0] == 0


def test_rollback_restores_the_previous_version_and_run_again_the_newer_one(stack, record):
    before = version(stack)
    write_version(stack, "rolled")
    stack.must("deploy")
    with load(stack.url) as tally:
        stack.must("rollback")
        assert version(stack) == before
        stack.must("rollback")
        assert version(stack) == "rolled"
    record(tally, "2 rollbacks")
    assert not tally.failures


def test_a_version_that_exits_or_never_becomes_ready_is_not_deployed(stack, record):
    write_version(stack, "good")
    stack.must("deploy")
    main = stack.path / "app" / "main.py"
    source = main.read_text()
    write_version(stack, "bad")
    try:
        with load(stack.url) as tally:
            main.write_text(source + "\nraise RuntimeError('this version cannot start')\n")
            code, output = stack.make("deploy")
            assert code != 0 and "this version cannot start" in output, output
            assert "the previous version keeps serving" in output

            main.write_text(source + NEVER)
            code, output = stack.make("deploy")
            assert code != 0 and "not ready within" in output, output
            assert version(stack) == "good"
    finally:
        main.write_text(source)
    record(tally, "2 deploys that failed")
    assert not tally.failures
    # What comes up next is the version that serves, and nothing of the other is left.
    assert {name for name, up in stack.servers_up().items() if up} == {"app", "app-2"}
    stack.must("rollback")
    stack.must("rollback")
    assert version(stack) == "good"


def test_two_deploys_at_once_are_refused(stack):
    first = stack.start("deploy")
    try:
        assert any("building the image" in line for line in first.stdout)  # it has the lock
        code, output = stack.make("deploy")
        assert code != 0 and "`make deploy` of this clone is running" in output, output
    finally:
        first.communicate(timeout=120)
    assert first.returncode == 0


def test_requests_in_flight_get_the_drain_time_and_longer_ones_are_closed(stack):
    """Requests and streams that end within DRAIN_SECONDS end well; a WebSocket that does not is told
    that the service restarts (1012), so that its client connects again."""
    url = f"ws://127.0.0.1:{stack.http}/api/v1/ws"
    with concurrent.futures.ThreadPoolExecutor(12) as pool, contextlib.ExitStack() as stack_of_sockets:
        sockets = [stack_of_sockets.enter_context(connect(url, proxy=None)) for _ in range(6)]
        pending = [
            pool.submit(httpx.get, f"{stack.url}{path}", timeout=60, trust_env=False)
            for path in ("/slow?seconds=8", "/stream?count=17&interval_seconds=0.5") * 3
        ]
        time.sleep(0.5)
        stack.must("deploy")
        for future in pending:
            answer = future.result()
            assert answer.status_code == 200
            assert answer.text.count("data: tick") in (0, 17)
        for socket in sockets:
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(timeout=5)
            assert closed.value.rcvd.code == 1012
