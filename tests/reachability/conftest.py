"""A laptop and a machine in the cloud, and a cable between them."""

import shutil

import pytest

from tests.checkout import ROOT
from tests.hosts import Host, connect, missing

CLOUD = "172.31.3.163"  # the address of the story
LAPTOP = "172.31.0.10"


@pytest.fixture(scope="session")
def folder():
    path = ROOT / "build" / "reachability"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def hosts(folder):
    if reason := missing("ip", "iptables", "nft", "sshd", "ssh"):
        pytest.skip(reason)
    laptop, cloud = Host("laptop", folder), None
    try:
        cloud = Host("cloud", folder)
        connect(laptop, f"{LAPTOP}/20", cloud, f"{CLOUD}/20")
        yield laptop, cloud
    finally:
        for host in filter(None, (laptop, cloud)):
            host.close()


@pytest.fixture
def laptop(hosts):
    return hosts[0]


@pytest.fixture
def cloud(hosts):
    """The machine in the cloud; what a test starts there, or adds to its firewall, goes after it."""
    host = hosts[1]
    before = list(host.processes)
    yield host
    for process in [one for one in host.processes if one not in before]:
        host.end(process)
    host.must("iptables", "-F")
    host.must("iptables", "-P", "INPUT", "ACCEPT")
    host.must("nft", "flush", "ruleset")
