"""What one client can make a replica keep, under production's limit on memory."""

import pytest

from tests.checkout import docker
from tests.load import load
from tests.sockets import CONNECTIONS, connect, pour

PATHS = {"proxy": "/api/v1/ws", "direct": "/ws"}


@pytest.mark.parametrize("entrypoint", PATHS)
def test_fifty_unfinished_websocket_messages_leave_a_replica_serving(stack, record, entrypoint):
    port = {"proxy": stack.http, "direct": stack.direct}[entrypoint]
    replicas = [stack.container(name) for name in ("app", "app-2")]
    docker("update", "--memory", "512m", "--memory-swap", "512m", *replicas)
    began = [docker("inspect", "-f", "{{.State.StartedAt}}", one) for one in replicas]
    connections = []
    try:
        with load(stack.url, rates={"get": 10.0}) as tally:
            for _ in range(CONNECTIONS):
                connections.append(connect(f"http://127.0.0.1:{port}", PATHS[entrypoint]))
            for connection, compressed in connections:
                pour(connection, compressed)
    finally:
        for connection, _ in connections:
            connection.close()
    states = [docker("inspect", "-f", "{{.State.OOMKilled}} {{.State.StartedAt}}", one) for one in replicas]
    record(tally, f"{CONNECTIONS} connections at {entrypoint}")
    assert states == [f"false {start}" for start in began]
    assert not any(compressed for _, compressed in connections)
    assert not tally.failures
