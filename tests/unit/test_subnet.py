"""SUBNET against what this machine's interfaces, routes and other networks have."""

import json
from socket import AF_INET
from types import SimpleNamespace

import pytest

from behindproxy.stack import settings as settings_
from behindproxy.stack import subnet
from behindproxy.stack.settings import given, read

PROJECT = "shop"


def network(name, at, identity, project=""):
    return {
        "Id": identity * 32,
        "Name": name,
        "Labels": {"com.docker.compose.project": project} if project else None,
        "Options": {},
        "IPAM": {"Config": [{"Subnet": at}]},
    }


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """What this machine and its engine say; each part may be set."""
    fake = SimpleNamespace(networks=[], interfaces={}, down=[], routes=[])

    def query(*arguments):
        networks = fake.networks
        return [one["Id"] for one in networks] if "ls" in arguments else [json.dumps(networks)]

    def addresses():
        return {
            name: [SimpleNamespace(family=AF_INET, address=address, netmask=mask)]
            for name, (address, mask) in fake.interfaces.items()
        }

    def states():
        return {name: SimpleNamespace(isup=name not in fake.down) for name in fake.interfaces}

    class Routes:
        exists = staticmethod(lambda: True)

        @staticmethod
        def read_text():
            return "\n".join(["Iface Destination …", *fake.routes])

    monkeypatch.setattr(subnet.ownership, "query", query)
    monkeypatch.setattr(subnet.psutil, "net_if_addrs", addresses)
    monkeypatch.setattr(subnet.psutil, "net_if_stats", states)
    monkeypatch.setattr(subnet, "ROUTES", Routes)
    file = tmp_path / "subnet"
    for module in (subnet, settings_):
        monkeypatch.setattr(module, "KEPT_SUBNET", file)
    for key in ("SUBNET", "DOCKER_HOST"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setattr(settings_, "written", lambda *_: {})
    fake.file = file
    return fake


def route(interface, destination, mask, flags="0003"):
    """A line as Linux writes it on a little-endian machine."""

    def number(address):
        return "".join(f"{int(part):02X}" for part in reversed(address.split(".")))

    return f"{interface}\t{number(destination)}\t00000000\t{flags}\t0\t0\t0\t{number(mask)}\t0\t0\t0"


def settle(monkeypatch, value):
    if value:
        monkeypatch.setenv("SUBNET", value)
    return subnet.settle(read(), {PROJECT}).subnet


OVERLAPS = {
    "eth0": {"interfaces": {"eth0": ("172.30.1.9", "255.255.0.0")}},
    "wg0": {"routes": [route("wg0", "172.30.121.0", "255.255.255.0")]},
    "theirs": {"networks": [network("theirs", "172.30.121.0/26", "ab", "other")]},
    "br-gone": {"interfaces": {"br-gone": ("172.30.121.1", "255.255.255.0")}},  # no network has it any more
}


@pytest.mark.parametrize("name", OVERLAPS)
def test_a_subnet_that_is_not_free_is_refused_by_name_and_with_one_that_is(name, machine, monkeypatch):
    machine.__dict__.update(OVERLAPS[name])
    with pytest.raises(SystemExit) as end:
        settle(monkeypatch, "172.30.121")
    text = str(end.value)
    assert text.startswith("SUBNET=172.30.121: ") and f" {name} " in text and "\n" not in text
    works = text.rpartition("SUBNET=")[2]
    assert settle(monkeypatch, works) == works


def test_the_stack_s_own_networks_and_their_bridges_are_no_conflict(machine, monkeypatch):
    machine.networks = [network("shop_internal", "172.30.121.0/25", "cd", PROJECT)]
    bridge = "br-" + "cd" * 6
    machine.interfaces = {bridge: ("172.30.121.1", "255.255.255.128"), "lo": ("127.0.0.1", "255.0.0.0")}
    machine.routes = [route(bridge, "172.30.121.0", "255.255.255.128", "0001")]
    assert settle(monkeypatch, "172.30.121") == "172.30.121"


@pytest.mark.parametrize(
    "what",
    [
        {"routes": [route("eth0", "0.0.0.0", "0.0.0.0")]},
        {"routes": [route("tun0", "128.0.0.0", "128.0.0.0")]},  # how OpenVPN takes everything
        {"interfaces": {"eth1": ("172.30.121.9", "255.255.255.0")}, "down": ["eth1"]},
    ],
)
def test_a_way_for_everything_and_an_interface_that_is_down_are_no_conflict(what, machine, monkeypatch):
    machine.__dict__.update(what)
    assert settle(monkeypatch, "172.30.121") == "172.30.121"


def test_a_default_that_something_has_is_replaced_by_a_free_one_which_is_kept(machine, monkeypatch, capsys):
    machine.interfaces = {"eth0": ("172.30.1.9", "255.255.0.0")}
    subnet = settle(monkeypatch, "")
    output = capsys.readouterr().out
    assert subnet == "172.31.98" and f"SUBNET={subnet}" in output and "eth0 (172.30.0.0/16)" in output
    assert output.count("\n") == 1
    # It counts from then on, and everywhere that settings are read.
    assert read().subnet == subnet and given({})["SUBNET"] == (subnet, settings_.SUBNET_FILE)
    assert settle(monkeypatch, "") == subnet and capsys.readouterr().out == ""
    monkeypatch.setenv("SUBNET", "10.1.2")
    assert read().subnet == "10.1.2"


def test_a_load_balancer_that_is_trusted_is_not_in_what_is_chosen(machine, monkeypatch):
    monkeypatch.setenv("TRUSTED_PROXIES", "172.31.0.0/16")
    machine.interfaces = {"eth0": ("172.30.1.9", "255.255.0.0")}
    assert settle(monkeypatch, "") == "192.168.98"


def test_where_every_private_address_has_a_route_it_is_said_and_taken(machine, monkeypatch, capsys):
    machine.routes = [
        route("tun0", "10.0.0.0", "255.0.0.0"),
        route("tun0", "172.16.0.0", "255.240.0.0"),
        route("tun0", "192.168.0.0", "255.255.0.0"),
    ]
    assert settle(monkeypatch, "172.30.121") == "172.30.121"
    assert "tun0" in capsys.readouterr().out


def test_a_damaged_note_counts_for_nothing(machine):
    machine.file.write_text("8.8.8\n")
    assert read().subnet == "172.30.98"
