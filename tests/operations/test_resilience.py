"""Replicas that die or hang, scaling, and edits of the routes, each under a steady load."""

import time

from tests.checkout import docker, wait_for
from tests.load import EVERYTHING, load

# What may be repeated, and has not begun to answer when a replica goes: retry saves all of these.
IDEMPOTENT = {"get": 40.0, "put": 10.0, "slow": 4.0}
OUT_SECONDS = 5


def test_a_killed_replica_costs_no_idempotent_request(stack, record):
    with load(stack.url, rates={**IDEMPOTENT, "post": 10.0}) as tally:
        docker("kill", "--signal", "KILL", stack.container("app"))
        time.sleep(5)
    record(tally, f"{len(tally.failed('post'))} POSTs failed: they are never repeated")
    assert not tally.failed(*IDEMPOTENT)
    assert tally.sent["get"] > 200


def test_a_hung_replica_is_out_within_seconds_and_costs_no_idempotent_request(stack, record):
    with load(stack.url, rates=IDEMPOTENT) as tally:
        hung = stack.container("app")
        docker("kill", "--signal", "STOP", hung)
        try:
            out = wait_for(lambda: not stack.servers_up()["app"], OUT_SECONDS)
            time.sleep(35)  # past responseHeaderTimeout: what it had taken is repeated then
        finally:
            docker("kill", "--signal", "CONT", hung)
        wait_for(lambda: stack.servers_up()["app"], 10)
    record(tally, f"out after {out:.1f} s")
    assert not tally.failures


def test_scaling_from_one_to_three_and_back_loses_nothing(stack, record):
    stack.must("up", APP_REPLICAS=1)
    with load(stack.url) as tally:
        stack.must("up", APP_REPLICAS=3)
        wait_for(lambda: sum(stack.servers_up("app").values()) == 3, 15)
        stack.must("up", APP_REPLICAS=1)
        assert sum(stack.servers_up("app").values()) == 1
    record(tally, "1 -> 3 -> 1")
    assert not tally.failures


def test_edits_of_the_routes_lose_nothing(stack, record):
    with load(stack.url) as tally:
        for number in range(3):
            stack.edit_routes("attempts = 20", "attempts = 21" if number % 2 else "attempts  = 20")
            time.sleep(4)
            stack.edit_routes("attempts = 21" if number % 2 else "attempts  = 20", "attempts = 20")
            time.sleep(4)
    record(tally, "6 edits")
    assert not tally.failures


def test_invalid_routes_keep_the_old_ones_and_ps_says_so(stack, record):
    time.sleep(1.1)  # Traefik's log has whole seconds
    with load(stack.url) as tally:
        stack.edit_routes("[http.routers.app]", "[http.routers.app")
        wait_for(lambda: "NOT TAKEN" in stack.make("ps")[1], 15)
        assert stack.make("ps")[0] != 0
    record(tally, "an edit that does not parse")
    assert not tally.failures
    assert set(tally.sent) == set(EVERYTHING)
