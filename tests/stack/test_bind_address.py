"""BIND_ADDRESS over IPv6: a client's own address is seen, and an engine that would hide it is refused."""

import socket
import subprocess

import pytest

from tests.checkout import docker, must
from tests.hosts import Host, missing

from .conftest import addresses
from .test_bad_input import refused
from .test_up_and_down import HELLO

IPV6_ENGINE = 27
LINK = {"2001:db8:77::1": "2001:db8:77::2", "10.177.0.1": "10.177.0.2"}  # ours: the client's
REQUESTS = 'for n in $(seq 40); do curl -gsm 9 -o /dev/null -w "%{http_code} " "$0"; done'


def old_engine(stack) -> bool:
    """Whether Docker's own proxy would take a connection over IPv6."""
    if stack.runtime != "docker":
        return False
    return int(docker("version", "--format", "{{.Server.Version}}").partition(".")[0]) < IPV6_ENGINE


def test_this_machine_s_own_ipv6_address_serves(stopped):
    output = stopped.must("up", BIND_ADDRESS="::1")
    assert f"http://[::1]:{stopped.http}/api/v1/app" in output
    assert get(stopped, "[::1]") == HELLO


@pytest.mark.parametrize("address", ["::", "2001:db8:77::1"])
def test_others_are_served_over_ipv6_and_their_addresses_are_seen(stopped, client, address):
    if old_engine(stopped):
        refused(stopped, f"BIND_ADDRESS={address}", "before 27", "RUNTIME=native", BIND_ADDRESS=address)
        return
    stopped.must("up", BIND_ADDRESS=address, PUBLIC_HOSTS="*", RATE_LIMIT=5)
    before = stopped.make("logs", FOLLOW=0)[1]
    reached = LINK if address == "::" else [address]
    for own in reached:
        url = f"http://{f'[{own}]' if ':' in own else own}:{stopped.http}/api/v1/app"
        assert client.get(url, seconds=30) == HELLO
        # Each address is a client of its own for the rate limit.
        statuses = client.run("sh", "-c", REQUESTS, url)
        assert {"200", "429"} == set(statuses.stdout.split()), statuses
    log = stopped.make("logs", FOLLOW=0)[1]
    for own, theirs in LINK.items():
        assert (log.count(_client(theirs)) > before.count(_client(theirs))) == (own in reached), own
    if address == "::":
        assert get(stopped, "[::1]") == HELLO
        assert stopped.answers() == HELLO


def test_up_goes_from_one_family_to_both_and_back(stopped):
    if old_engine(stopped):
        refused(stopped, "BIND_ADDRESS=::", BIND_ADDRESS="::")
        return
    stopped.must("up")
    stopped.must("up", BIND_ADDRESS="::")
    assert get(stopped, "[::1]") == HELLO
    stopped.must("up")
    assert get(stopped, "[::1]") == ""
    assert stopped.answers() == HELLO
    assert addresses(stopped)[0].startswith("http://127.0.0.1")


def _client(address: str) -> str:
    return f'"ClientHost":"{address}"'


def get(stack, host: str) -> str:
    url = f"http://{host}:{stack.http}/api/v1/app"
    command = ["curl", "-q", "-g", "--noproxy", "*", "-s", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=30).stdout


@pytest.fixture
def client(tmp_path):
    """Another machine, in both families."""
    if reason := missing("ip", "curl"):
        pytest.skip(reason)
    host = Host("client", tmp_path)
    near, far = "near-client", "far-client"
    try:
        must("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", host.namespace)
        for own, theirs in LINK.items():
            length, options = ("64", ["nodad"]) if ":" in own else ("24", [])
            must("ip", "address", "add", f"{own}/{length}", "dev", near, *options)
            host.must("ip", "address", "add", f"{theirs}/{length}", "dev", far, *options)
        must("ip", "link", "set", near, "up")
        host.must("ip", "link", "set", far, "up")
        yield host
    finally:
        subprocess.run(["ip", "link", "delete", near], capture_output=True)
        host.close()


@pytest.fixture(autouse=True)
def ipv6():
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6 loopback address")
