"""Replicas that die or hang, scaling, and edits of the routes, each under a steady load."""

import time
from collections import Counter

from tests.checkout import docker, wait_for
from tests.load import EVERYTHING, arrivals, load, never_twice

REQUESTS = {"get": 40.0, "put": 10.0, "post": 10.0, "slow": 4.0}
OUT_SECONDS = 5


def lost(stack, tally, since: float, until: float) -> str:
    """What the loss of the replica `app` between the two times cost, for the record. Raises AssertionError
    when a request failed that was not on it then, or when one ran twice."""
    logs = "\n".join(docker("logs", stack.container(name)) for name in ("app", "app-2"))
    never_twice(tally, logs)
    there = {
        one.number
        for one in stack.handled()
        if one.replica == "app" and one.began <= until and one.end >= since
    }
    elsewhere = [
        failure
        for number, failure in zip(tally.failed_ids, tally.failures, strict=True)
        if number not in there
    ]
    assert not elsewhere, elsewhere
    starts = len(arrivals(logs).keys() & {*tally.failed_ids})
    kinds = Counter(failure.split(" ")[0] for failure in tally.failures)
    return (
        f"{len(there)} were on the replica, {len(tally.failures)} of them failed ("
        f"{', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))}), "
        f"{starts} of those had begun, none ran twice"
    )


def test_a_killed_replica_costs_only_the_requests_in_flight_on_it(stack, record):
    with load(stack.url, rates=REQUESTS) as tally:
        since = time.time()
        docker("kill", "--signal", "KILL", stack.container("app"))
        until = time.time()
        time.sleep(5)
    record(tally, lost(stack, tally, since, until))
    assert tally.counts["get"] > 200


def test_a_hung_replica_is_dropped_within_seconds_and_costs_only_the_requests_it_had_accepted(stack, record):
    with load(stack.url, rates=REQUESTS) as tally:
        hung, since = stack.container("app"), time.time()
        docker("kill", "--signal", "STOP", hung)
        try:
            out = wait_for(lambda: not stack.servers_up()["app"], OUT_SECONDS)
            until = time.time()
            time.sleep(35)  # past responseHeaderTimeout: what it had taken is answered then
        finally:
            docker("kill", "--signal", "CONT", hung)
        wait_for(lambda: stack.servers_up()["app"], 10)
    record(tally, f"out after {out:.1f} s; {lost(stack, tally, since, until)}")
    # 504 and nothing else: it took the connection and the request, and did not answer.
    assert all("HTTP 504" in failure for failure in tally.failures), tally.failures


def test_scaling_from_one_to_three_and_back_loses_no_request(stack, record):
    stack.must("up", APP_REPLICAS=1)
    with load(stack.url) as tally:
        stack.must("up", APP_REPLICAS=3)
        wait_for(lambda: sum(stack.servers_up("app").values()) == 3, 15)
        stack.must("up", APP_REPLICAS=1)
        assert sum(stack.servers_up("app").values()) == 1
    record(tally, "1 -> 3 -> 1")
    assert not tally.failures


def test_edits_of_the_routes_lose_no_request(stack, record):
    with load(stack.url) as tally:
        for number in range(3):
            edit = "attempts = 21" if number % 2 else "attempts  = 20"
            stack.edit("middlewares.toml", "attempts = 20", edit)
            time.sleep(4)
            stack.edit("middlewares.toml", edit, "attempts = 20")
            time.sleep(4)
    record(tally, "6 edits")
    assert not tally.failures


def test_invalid_routes_leave_the_old_ones_in_effect_and_ps_reports_it(stack, record):
    time.sleep(1.1)  # Traefik's log has whole seconds
    with load(stack.url) as tally:
        stack.edit("routes.toml", "[http.routers.app]", "[http.routers.app")
        wait_for(lambda: "NOT TAKEN" in stack.make("ps")[1], 15)
        assert stack.make("ps")[0] != 0
    record(tally, "an edit that does not parse")
    assert not tally.failures
    assert set(tally.counts) == set(EVERYTHING)
