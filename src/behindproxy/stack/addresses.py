"""What `make up` prints: the addresses, and who can reach each."""

import socket
from ipaddress import ip_address

import psutil

from . import ownership
from .paths import CA_FILE, PLACES, ROOT
from .settings import StackSettings


def show(runtime: str, settings: StackSettings) -> None:
    who = _who(settings)
    page = page_of(settings)
    if settings.domain:
        url = settings.url("https")
        print(f"proxied  {url}{page}   {who}")
        if settings.demonstration and settings.docs == "public":
            print(f"docs     {url}/docs  {who}")
        print(f"http     redirects to https; certificates for {settings.domain} by ACME")
        for line in warnings(settings):
            print(line)
        return
    ca = CA_FILE.relative_to(ROOT)
    proxy, tls, direct = (settings.url(entrypoint) for entrypoint in ("http", "https", "direct"))
    rows = [
        ("proxied", f"{proxy}{page}", who),
        ("", f"{tls}{page}", f"{who}; CA {ca}"),
        *_documentation(settings, proxy, direct, who),
        ("direct", f"{direct}{page}", _who_directly(runtime)),
    ]
    width = max(len(url) for _, url, _ in rows)
    for name, url, reach in rows:
        print(f"{name:<9}{url:<{width}}  {reach}")
    for line in warnings(settings):
        print(line)
    if runtime == "native":
        if settings.bind_address == "0.0.0.0" and (addresses := _own_addresses(6)):
            print(f"native: BIND_ADDRESS=0.0.0.0 opens IPv6 too: {', '.join(addresses)}")
        print("native: any program of yours can send requests as the proxy does; with RUNTIME=docker, none")


def _documentation(settings: StackSettings, proxy: str, direct: str, who: str) -> list[tuple[str, str, str]]:
    if not settings.demonstration or settings.docs == "off":
        return []
    private = settings.docs == "private"
    return [("docs", f"{direct if private else proxy}/docs", "this machine only" if private else who)]


def page_of(settings: StackSettings) -> str:
    """Return what is shown of an application: the demonstration's page, or another's first."""
    return "/app" if settings.demonstration else "/"


def _who(settings: StackSettings) -> str:
    address = ip_address(settings.bind_address)
    if address.is_loopback:
        return "this machine only"
    if address.is_unspecified:
        return "anyone who can reach this machine"
    return f"anyone who can reach {address}"


def _who_directly(runtime: str) -> str:
    """As the engine has it published: an edit of docker-compose.yml may have opened it."""
    if runtime != "docker":
        return "this machine only"
    replicas = (one for one in ownership.own() if one.service.startswith("app"))
    hosts = [host for one in replicas for inside, (host, _) in one.ports.items() if inside == "8000"]
    if all(host and ip_address(host).is_loopback for host in hosts):
        return "this machine only"
    return PLACES.named("anyone who can reach this machine, without the proxy: `make doctor` says why")


def warnings(settings: StackSettings) -> list[str]:
    """Return what widening BIND_ADDRESS or PUBLIC_HOSTS brings, a line each."""
    lines = []
    own_address = ip_address(settings.bind_address)
    if "*" in settings.hosts:
        lines.append("PUBLIC_HOSTS=*: any Host is answered, and redirects repeat it")
    if own_address.is_loopback:
        return lines
    if settings.probe:
        lines.append(
            "PROBE=1: the probe shows request headers to anyone who sends it a request; PROBE=0 removes it"
        )
    addresses = _own_addresses(own_address.version) if own_address.is_unspecified else [str(own_address)]
    hosts = [f"[{address}]" if ":" in address else address for address in addresses]
    missing = [address for address in hosts if address not in settings.hosts]
    if missing and not settings.domain and "*" not in settings.hosts:
        lines.append(
            "these addresses are open, and Traefik answers 404 there until .env has: "
            f"PUBLIC_HOSTS={','.join([*settings.hosts, *missing])}"
        )
    return lines


def _own_addresses(version: int) -> list[str]:
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    addresses = [a.address for all_ in psutil.net_if_addrs().values() for a in all_ if a.family == family]
    usable = [ip_address(address.split("%")[0]) for address in addresses]
    return [str(a) for a in usable if not a.is_loopback and not a.is_link_local]
