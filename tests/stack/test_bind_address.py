"""IPv6 in BIND_ADDRESS: natively it serves; Docker would hide who a client is, so it is refused."""

import socket
import subprocess

import pytest

from .test_bad_input import refused
from .test_up_and_down import HELLO


@pytest.mark.parametrize("address", ["::", "2001:db8::1", "fd00::1", "fe80::1"])
def test_docker_refuses_an_ipv6_address_that_others_reach(stopped, address):
    if stopped.runtime != "docker":
        pytest.skip("RUNTIME is not docker: natively IPv6 works")
    refused(
        stopped, f"BIND_ADDRESS={address}", "BIND_ADDRESS=0.0.0.0", "RUNTIME=native", BIND_ADDRESS=address
    )


def test_this_machine_s_own_ipv6_address_serves(stopped):
    stopped.must("up", BIND_ADDRESS="::1")
    assert get(stopped) == HELLO


def test_natively_every_ipv6_address_serves(stopped):
    if stopped.runtime != "native":
        pytest.skip("RUNTIME is not native: Docker refuses it")
    stopped.must("up", BIND_ADDRESS="::")
    assert get(stopped) == HELLO


def get(stack) -> str:
    return subprocess.run(
        ["curl", "-q", "-g", "--noproxy", "*", "-s", f"http://[::1]:{stack.http}/api/v1/app"],
        capture_output=True,
        text=True,
        timeout=30,
    ).stdout


@pytest.fixture(autouse=True)
def ipv6():
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6 loopback address")
