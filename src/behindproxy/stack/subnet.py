"""SUBNET: the range of the stack's networks, which nobody else on this machine may have."""

import json
import os
import sys
from collections.abc import Collection, Iterator
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from typing import Any

import psutil

from . import ownership
from .paths import KEPT_SUBNET
from .render import write
from .settings import SUBNET_FILE, StackSettings, given

ROUTES = Path("/proc/net/route")
UP = 0x1
# What is broader is no network of the machine's but a way for everything, as a VPN sets it.
BROADEST = 8
# Where a free one is looked for, after the constant.
RANGES = ("172.30", "172.31", "192.168", "10.98", "10.30")


def settle(settings: StackSettings, projects: Collection[str]) -> StackSettings:
    """Return the settings with a SUBNET that is free: another one where the user names none, which is kept.
    Raise SystemExit where the user's overlaps. `projects`: the names of this stack, whose own networks do
    not count."""
    networks = list(_used(projects))
    if not (overlapped := _overlapped(settings.subnet, networks)):
        return settings
    trusted = [ip_network(one) for one in settings.trusted_proxies.split(",") if one]
    proxies = [("a load balancer", one) for one in trusted if isinstance(one, IPv4Network)]
    free = _free(settings.subnet, networks + proxies)
    if not free:  # with a VPN that takes every private address nothing would ever start
        print(f"warning: SUBNET={settings.subnet}: {overlapped} overlaps it, and no private range is free")
        return settings
    if given(os.environ).get("SUBNET", ("", SUBNET_FILE))[1] == SUBNET_FILE:
        write(KEPT_SUBNET, free + "\n")
        print(
            f"SUBNET={free}, kept in {SUBNET_FILE}: {overlapped} overlaps {settings.subnet}; plain "
            "`docker compose` needs that line in .env"
        )
        return settings.model_copy(update={"subnet": free})
    raise SystemExit(f"SUBNET={settings.subnet}: {overlapped} overlaps it; for example SUBNET={free}")


def _overlapped(subnet: str, networks: list[tuple[str, IPv4Network]]) -> str:
    """Return what has addresses of `subnet`; empty where nothing has."""
    own = ip_network(f"{subnet}.0/24")
    return next((f"{name} ({network})" for name, network in networks if network.overlaps(own)), "")


def _free(subnet: str, networks: list[tuple[str, IPv4Network]]) -> str:
    """Return a free one, near `subnet` if possible; empty where there is none."""
    first, _, last = subnet.rpartition(".")
    for begin in dict.fromkeys((first, *RANGES)):
        for step in range(256):
            candidate = f"{begin}.{(int(last) + step) % 256}"
            if ip_network(f"{candidate}.0/24").is_private and not _overlapped(candidate, networks):
                return candidate
    return ""


def _used(projects: Collection[str]) -> Iterator[tuple[str, IPv4Network]]:
    """Yield what has addresses: the engine's networks but the stack's own, then the machine's."""
    bridges = set()
    ids = ownership.query("network", "ls", "--quiet")
    for network in json.loads("".join(ownership.query("network", "inspect", *ids) if ids else []) or "[]"):
        bridges.add(_bridge(network))
        if (network["Labels"] or {}).get(f"{ownership.LABEL}.project") in projects:
            continue
        for config in network["IPAM"]["Config"] or []:
            network_ = ip_network(config.get("Subnet", "0.0.0.0/32"), strict=False)
            if isinstance(network_, IPv4Network):
                yield f"the network {network['Name']}", network_
    if os.environ.get("DOCKER_HOST", "").startswith(("tcp:", "ssh:")):
        return  # the engine is on another machine
    for interface, network_ in (*_interfaces(), *_routes()):
        if interface not in bridges and network_.prefixlen >= BROADEST:
            yield f"this machine's {interface}", network_


def _bridge(network: dict[str, Any]) -> str:
    """Return the name of its interface on the host."""
    name = (network.get("Options") or {}).get("com.docker.network.bridge.name")
    return str(name or f"br-{network['Id'][:12]}")


def _interfaces() -> Iterator[tuple[str, IPv4Network]]:
    states = psutil.net_if_stats()
    for name, addresses in psutil.net_if_addrs().items():
        for one in addresses:
            if one.family.name == "AF_INET" and one.netmask and name in states and states[name].isup:
                network = ip_network(f"{one.address}/{one.netmask}", strict=False)
                if isinstance(network, IPv4Network) and not network.is_loopback:
                    yield name, network


def _routes() -> Iterator[tuple[str, IPv4Network]]:
    """Yield those of Linux; where there is no such file, the interfaces say most of it."""
    lines = ROUTES.read_text().splitlines()[1:] if ROUTES.exists() else []
    for interface, destination, _, flags, _, _, _, mask, *_ in (line.split() for line in lines):
        if int(flags, 16) & UP:
            # In the order of the machine's bytes.
            address = int.from_bytes(int(destination, 16).to_bytes(4, sys.byteorder))
            yield interface, IPv4Network((address, int(mask, 16).bit_count()))
