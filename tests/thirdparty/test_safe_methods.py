"""What `make verify` sends to a third-party application: GET, HEAD and OPTIONS, and nothing else
unless UNSAFE=1 allows it."""

import pytest

from .conftest import MODULE
from .listener import Listener

CHECKS = "!fuzz.sub_schema"  # half a minute of the same again
SAFE = {"GET", "HEAD", "OPTIONS", "WEBSOCKET"}  # a handshake is a GET
REASON = "GET, HEAD and OPTIONS"
# Each needs a method, a body or a shape that may change something.
NEED_MORE = {
    "limits.body",
    "exposure.methods",
    "exposure.request_smuggling",
    "exposure.hidden_request",
    "trust.trailers",
}


def named(stack, target: str) -> dict[str, object]:
    """The stack as it is known here, or as a deployment that somebody else runs."""
    if target == "local":
        return {"APP_MODULE": MODULE}
    return {
        "PROXY_URL": f"http://127.0.0.1:{stack.http}/api/v1",
        "CA_FILE": "build/tls/ca.pem",
        "TLS_URL": f"https://127.0.0.1:{stack.https}/api/v1",
        "DIRECT_URL": f"http://127.0.0.1:{stack.direct}",
    }


@pytest.mark.parametrize("target", ["local", "remote"])
def test_nothing_but_safe_methods_reaches_a_third_party_application(counting, target):
    came, checks = counting.verify(**named(counting, target), CHECKS=CHECKS)
    assert set(came) <= SAFE, came
    assert came["GET"] > 200, came
    skipped = {one["id"] for one in checks if REASON in one["observed"]}
    assert skipped >= NEED_MORE - ({"limits.body"} if target == "remote" else set())
    assert not [one for one in checks if "Refused" in one["observed"]]


def test_unsafe_sends_the_rest(counting):
    checks = ",".join(["fuzz.schema", *NEED_MORE])
    came, checks = counting.verify(APP_MODULE=MODULE, UNSAFE="1", CHECKS=checks)
    fuzz = [one for one in checks if one["id"] == "fuzz.schema"]
    assert {one["status"] for one in fuzz} == {"passed"}, "\n".join(one["observed"] for one in fuzz)
    assert {kind.split()[0] for kind in came} >= {"POST", "PUT", "PATCH", "DELETE"}, came
    assert not [one for one in checks if REASON in one["observed"]]


def test_no_malformed_request_reaches_a_third_party_server(counting):
    with Listener() as listener:
        url = f"http://127.0.0.1:{listener.port}"
        # It has no pages: a browser would wait for them in vain.
        counting.verify(PROXY_URL=f"{url}/api/v1", DIRECT_URL=url, CHECKS="!browser.*")
    assert len(listener.messages) > 100
    assert not listener.harmful, listener.harmful[:5]
