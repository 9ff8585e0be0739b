"""A load balancer in front of the proxy: trusted for what it saw, and for nothing more."""

import json
from urllib.parse import urlsplit

from ..engine.check import PUBLIC, check
from ..engine.entrypoint import Entrypoint
from ..engine.expect import Expect
from ..engine.lies import FAKE_IP, lies
from ..engine.seen import client_host

CLIENT = "203.0.113.9"  # what the load balancer nearest to the client saw


def as_a_load_balancer(entrypoint: Entrypoint) -> dict[str, str]:
    """Return the headers of a request that came over every trusted hop, the caller being the last one."""
    target = entrypoint.target
    hops = [item for item in target.trusted_proxies if "/" not in item and item != target.caller]
    other = "http" if entrypoint.scheme == "https" else "https"
    return {"X-Forwarded-For": ", ".join([FAKE_IP, CLIENT, *hops]), "X-Forwarded-Proto": other}


@check(
    "trust.load_balancer",
    title="Load balancers are trusted hop by hop",
    entrypoints=PUBLIC,
    level="broken",
    source="Behind a Proxy › Enable Proxy Forwarded Headers; Kludex/uvicorn#2231",
    statement=(
        "Behind trusted load balancers the client is the address that the first of them saw, with the "
        "scheme that it reports; anything to the left of it was invented by the client."
    ),
    fix=(
        "Give the proxy and the server the address or exact network of each load balancer in front of "
        "the proxy: a missing hop is taken for the client."
    ),
    needs=("probe", "load balancer"),
)
def test_a_load_balancer_is_trusted_hop_by_hop(entrypoint: Entrypoint, expect: Expect) -> None:
    headers = as_a_load_balancer(entrypoint)
    scheme = headers["X-Forwarded-Proto"]
    scope = entrypoint.probe(headers=headers)
    expect("client", client_host(scope), CLIENT)
    expect("scheme", scope["scheme"], scheme)
    expect("base_url", scope["base_url"], f"{scheme}://{entrypoint.authority}{entrypoint.prefix}/")
    with entrypoint.ws("/_probe/ws", headers=list(headers.items())) as connection:
        scope = json.loads(connection.recv())
    expect("client of a WebSocket", client_host(scope), CLIENT)
    expect("scheme of a WebSocket", scope["scheme"], {"http": "ws", "https": "wss"}[scheme])


@check(
    "trust.load_balancer_limits",
    title="A load balancer cannot change host or prefix",
    entrypoints=PUBLIC,
    level="exposed",
    source="Behind a Proxy › How Proxy Forwarded Headers Work; Kludex/uvicorn#965; traefik/traefik#11253",
    statement=(
        "What a client sends through a trusted load balancer cannot change host or prefix: those come from "
        "Host and the configuration, and X-Forwarded-Host and X-Forwarded-Prefix are not read."
    ),
    fix=(
        "Remove whatever reads X-Forwarded-Host, X-Forwarded-Prefix or Forwarded, which a load balancer "
        "passes on as the client wrote them."
    ),
    needs=("probe", "load balancer"),
)
def test_a_load_balancer_moves_neither_host_nor_prefix(entrypoint: Entrypoint, expect: Expect) -> None:
    def place(headers: list[tuple[str, str]]) -> dict[str, str | list[str]]:
        scope = entrypoint.probe(headers=headers)
        hosts = {urlsplit(link).netloc for link in (scope["url"], *scope["url_for"].values())}
        return {
            "root_path": scope["root_path"],
            "path": scope["path"],
            "raw_path": scope["raw_path"],
            "hosts": sorted(hosts),
        }

    sets = lies(entrypoint.scheme)
    honest = place([])
    expect("hosts", honest["hosts"], [entrypoint.authority])
    places = entrypoint.each(sets, lambda name: place(sets[name]))
    expect("place under", places, dict.fromkeys(sets, honest))
