"""Faults under a steady load: a part that crashes or is killed by hand, and a deploy that is killed."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.checkout import docker, wait_for
from tests.load import load, never_twice

REQUESTS = {"get": 40.0, "put": 10.0, "post": 10.0, "slow": 4.0}


def crash(container: str) -> None:
    """Kill its first process from outside: the restart policy counts, as it does not after `docker kill`."""
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            there = container in status.with_name("cgroup").read_text()
            ids = next(line for line in status.read_text().splitlines() if line.startswith("NSpid:")).split()
        except (OSError, StopIteration):
            continue
        if there and ids[-1] == "1":
            os.kill(int(status.parent.name), signal.SIGKILL)
            return
    pytest.skip("the engine's processes are not among this machine's own")


def well(stack) -> bool:
    return stack.make("ps")[0] == 0 and "Hello World" in stack.answers()


def logs(stack) -> str:
    return "\n".join(docker("logs", stack.container(name)) for name in ("app", "app-2"))


def test_traefik_that_crashes_is_back_by_itself_with_production_s_policy(stack, record):
    docker("update", "--restart", "always", stack.container("traefik"))
    with load(stack.url, rates=REQUESTS) as tally:
        crash(stack.container("traefik"))
        took = wait_for(lambda: well(stack), 30)
    seconds = max(tally.failed_at) - min(tally.failed_at)
    record(tally, f"all healthy after {took:.0f} s; those that failed were sent within {seconds:.1f} s")
    never_twice(tally, logs(stack))
    assert tally.failures and seconds < 10


def test_without_traefik_ps_names_it_a_deploy_is_refused_and_up_brings_it_back(stack, record):
    with load(stack.url, rates=REQUESTS) as tally:
        docker("kill", stack.container("traefik"))
        code, output = stack.make("ps")
        assert code != 0 and "unhealthy: traefik is not healthy" in output, output
        for target in ("deploy", "rollback"):
            began = time.monotonic()
            code, output = stack.make(target)
            assert code != 0 and "traefik does not run; `make up` starts it" in output, output
            assert time.monotonic() - began < 20 and "building" not in output
        stack.must("up")
        assert well(stack)
    record(tally, "Traefik killed by hand, two refusals and make up")
    never_twice(tally, logs(stack))


# While the spare starts, and while a replica drains.
@pytest.mark.parametrize("line", ["app-3    starting", "app      draining"])
def test_a_killed_deploy_is_ended_by_the_next(stack, record, line):
    with load(stack.url) as tally:
        deploy = stack.start("deploy")
        assert any(line in text for text in deploy.stdout)
        os.killpg(deploy.pid, signal.SIGKILL)
        deploy.communicate()
        code, output = stack.make("ps")
        assert "routes   taken" in output, output
        stack.must("deploy")
        assert well(stack)
    record(tally, f"make deploy killed at “{line}”, and run again")
    assert not tally.failures
    assert {name for name, up in stack.servers_up().items() if up} == {"app", "app-2"}
