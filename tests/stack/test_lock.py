"""One command at a time changes the stack; `down` always may."""

import os
import re
import signal

import pytest

from tests.checkout import wait_for

from .test_up_and_down import HELLO

SECONDS = 6  # that the application takes to start, in which another command is given


@pytest.fixture
def slow(stopped):
    """The stopped stack, of whose application a start takes its time."""
    source = stopped.path / "app" / "main.py"
    before = source.read_text()
    source.write_text(f"import time\n\ntime.sleep({SECONDS})\n{before}")
    yield stopped
    source.write_text(before)


def begun(stack, target: str = "up"):
    """A command that has begun to change the stack."""
    process = stack.start(target)
    wait_for(lambda: (stack.path / "build" / "state.json").exists(), 30)
    return process


@pytest.mark.parametrize("target", ["up", "restart", "deploy", "rollback", "clean", "swarm-deploy"])
def test_a_second_command_is_refused_and_the_first_serves(slow, target):
    first = begun(slow)
    code, second = slow.make(target, MAX_BODY_BYTES=4711)
    output, _ = first.communicate(timeout=120)
    assert code != 0, second
    lines = [line for line in second.splitlines() if "is running" in line]
    assert len(lines) == 1, second
    assert re.search(r"`make up` of this clone is running \(pid \d+\)", lines[0])
    assert first.returncode == 0, output
    assert slow.answers() == HELLO
    assert slow.make("ps")[0] == 0


def test_down_ends_an_up_and_leaves_nothing(slow):
    first = begun(slow)
    output = slow.must("down")
    first.communicate(timeout=60)
    assert first.returncode != 0
    assert "make up" in output
    assert slow.nothing_left()
    assert slow.make("ps")[0] != 0


@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_an_up_that_is_ended_leaves_nothing(slow, signal_):
    first = begun(slow)
    os.killpg(first.pid, signal_)
    first.communicate(timeout=60)
    assert first.returncode != 0
    assert slow.nothing_left()


def test_a_killed_command_locks_nobody_out(slow):
    first = begun(slow)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    slow.must("up")
    assert slow.answers() == HELLO
