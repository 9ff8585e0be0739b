"""Two clones on one machine, neither of which names a port or a network."""

import json
import re
import shutil

import pytest

from tests.checkout import ROOT, Checkout

UNNAMED = ("HTTP_PORT", "HTTPS_PORT", "DIRECT_PORT", "OPS_PORT", "SUBNET")
HELLO = {"message": "Hello World", "root_path": "/api/v1"}


@pytest.fixture
def two(stopped):
    checkouts = [Checkout(ROOT / "build" / name) for name in ("first", "second")]
    for one in checkouts:
        one.fill()
        for key in UNNAMED:
            del one.environ[key]
    yield checkouts
    for one in checkouts:
        one.make("clean")
        assert one.nothing_left()
        shutil.rmtree(one.path)


def test_the_second_gets_ports_and_a_network_that_the_first_has_not(two):
    first, second = two
    assert "kept in" not in first.must("up")
    output = second.must("up")
    match = re.search(r"HTTP_PORT=(\d+) .*kept in build/ports: the stack in (\S+) has HTTP_PORT=9999", output)
    assert match and match[2] == str(first.path), output
    port = int(match[1])
    assert port != 9999 and f"http://127.0.0.1:{port}/api/v1/app" in output
    for at in (9999, port):
        assert json.loads(first.answers(port=at)) == HELLO
    assert f"HTTP_PORT={port} " in (second.path / "build" / "ports").read_text()
    # What it names itself is refused, with one line.
    code, output = second.make("up", HTTP_PORT=9999)
    assert code != 0 and re.search(r"HTTP_PORT=9999: taken by .*; for example HTTP_PORT=\d+", output), output
