"""From where an address can be reached."""

from ipaddress import ip_address, ip_network

# Network, name, and who reaches an address in it. The first that fits counts.
KINDS = [
    (("127.0.0.0/8", "::1/128"), "loopback", "this machine alone"),
    (
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
        "private (RFC 1918)",
        "machines on the same network, but nobody on the internet",
    ),
    (("fc00::/7",), "unique local (RFC 4193)", "machines on the same network, but nobody on the internet"),
    (
        ("100.64.0.0/10",),
        "carrier-grade NAT (RFC 6598)",
        "the provider's customers, or a VPN such as Tailscale, but nobody on the internet",
    ),
    (("169.254.0.0/16", "fe80::/10"), "link-local", "machines on the same cable or wireless network"),
    (
        (
            "192.0.2.0/24",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "2001:db8::/32",
            "198.18.0.0/15",
            "240.0.0.0/4",
        ),
        "reserved for documentation or tests",
        "nobody on the internet",
    ),
]
PUBLIC = ("public", "the whole internet, where no firewall is between")


def kind(address: str) -> tuple[str, str]:
    """Return the name of the address's kind, and who can reach it."""
    here = ip_address(address)
    if here.version == 6 and here.ipv4_mapped:
        here = here.ipv4_mapped
    for networks, name, who in KINDS:
        if any(here in ip_network(n) for n in networks if ip_network(n).version == here.version):
            return name, who
    return PUBLIC


def is_public(address: str) -> bool:
    return kind(address) == PUBLIC


def in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address
