"""What one client's WebSockets cost a replica, measured at each server."""

import psutil
import pytest

from tests.sockets import CONNECTIONS, MIB, connect, pour

from .served import SERVERS, start

# Fifty messages at the limit, and as much again for what the allocator keeps.
MAX_GROWTH = 2 * CONNECTIONS * MIB


def memory(pid: int) -> int:
    process = psutil.Process(pid)
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))


@pytest.mark.parametrize("server", SERVERS)
def test_fifty_unfinished_messages_leave_a_replica_serving(server, tmp_path, monkeypatch):
    with start(server, tmp_path, monkeypatch) as served:
        assert served.get("/healthz").status_code == 200
        before = memory(served.pid)
        connections = [connect(served.url) for _ in range(CONNECTIONS)]
        try:
            for connection, compressed in connections:
                pour(connection, compressed)
            assert served.get("/healthz").status_code == 200  # behind what was sent
            grown = memory(served.pid) - before
        finally:
            for connection, _ in connections:
                connection.close()
        assert grown < MAX_GROWTH, f"{grown / MIB:.0f} MiB more"
        assert served.get("/healthz").status_code == 200
