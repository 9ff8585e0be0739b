"""TRUSTED_PROXIES: a load balancer in front of Traefik is believed hop by hop, and only it."""

import json
import subprocess

LOAD_BALANCER_SAYS = {"X-Forwarded-For": "6.6.6.6, 198.51.100.7", "X-Forwarded-Proto": "https"}


def seen(checkout, path: str, port: int) -> dict:
    headers = [part for pair in LOAD_BALANCER_SAYS.items() for part in ("-H", ": ".join(pair))]
    url = f"http://127.0.0.1:{port}{path}"
    return json.loads(
        subprocess.check_output(["curl", "-q", "--noproxy", "*", "-s", "-m", "10", *headers, url])
    )


def test_a_trusted_load_balancer_is_believed_to_the_hop_before_it(running):
    # Who this test is to Traefik: loopback natively, a bridge's gateway in Docker.
    unbelieved = seen(running, "/api/v1/_probe/x", running.http)
    caller = unbelieved["client"][0]
    assert caller not in ("6.6.6.6", "198.51.100.7") and unbelieved["scheme"] == "http"

    code, output = running.make("up", TRUSTED_PROXIES=caller)
    assert code == 0, output
    believed = seen(running, "/api/v1/_probe/x", running.http)
    # The address the load balancer saw; what stands left of it is the client's own invention.
    assert (believed["client"][0], believed["scheme"]) == ("198.51.100.7", "https")
    assert believed["root_path"] == "/api/v1"

    direct = seen(running, "/_probe/x", running.direct)
    assert (direct["client"][0] in ("6.6.6.6", "198.51.100.7"), direct["scheme"]) == (False, "http")
