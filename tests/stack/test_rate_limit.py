"""RATE_LIMIT behind load balancers: whom it counts as one client."""

import json
from collections.abc import Iterable

import httpx
import pytest

REQUESTS = 40


def refused(stack, chains: Iterable[str]) -> int:
    """Send a request for each X-Forwarded-For; return how many are too many."""
    with httpx.Client(trust_env=False) as client:
        url = f"http://127.0.0.1:{stack.http}/api/v1/app"
        answers = [client.get(url, headers={"X-Forwarded-For": chain}).status_code for chain in chains]
    assert set(answers) <= {200, 429}
    return answers.count(429)


@pytest.fixture(params=["one address", "two in a row"])
def behind(running, request):
    """The stack behind load balancers, and what the last of them adds to a client's address."""
    caller = json.loads(running.answers("/api/v1/_probe/x"))["client"][0]
    if request.param == "one address":
        running.must("up", RATE_LIMIT=5, TRUSTED_PROXIES=caller)
        return running, ""
    running.must("up", RATE_LIMIT=5, TRUSTED_PROXIES=f"{caller},198.51.100.0/24", PROXY_HOPS=2)
    return running, ", 198.51.100.8"


def test_a_client_is_what_the_load_balancers_vouch_for(behind):
    stack, last = behind
    numbers = range(1, REQUESTS + 1)
    assert refused(stack, [f"192.0.2.{number}{last}" for number in numbers]) == 0
    # What a client writes in front of it makes nobody of it.
    assert refused(stack, [f"192.0.2.{number}, 203.0.113.7{last}" for number in numbers]) > 10
    # One client has at least a /64.
    assert refused(stack, [f"2001:db8:7:7::{number:x}{last}" for number in numbers]) > 10
    assert refused(stack, [f"2001:db8:8:{number:x}::1{last}" for number in numbers]) == 0
