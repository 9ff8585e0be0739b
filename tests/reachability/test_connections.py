"""The rules of docs/production.md for the connections of one client."""

import re

import pytest

from tests.checkout import ROOT
from tests.hosts import PYTHON, Host, connect, missing

pytestmark = pytest.mark.skipif(bool(missing("nft", "ip")), reason=missing("nft", "ip"))

LIMIT = 200
SERVER = """
import socket
server = socket.create_server(("::", 80), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1000)
kept = []
while True:
    connection, _ = server.accept()
    connection.sendall(b"here")
    kept.append(connection)
"""
# From an address, so many at once; it prints how many were answered.
CLIENT = """
import socket, sys
to, source, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
kept, answered = [], 0
for _ in range(number):
    connection = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET)
    connection.settimeout(0.3)
    connection.bind((source, 0))
    kept.append(connection)
    try:
        connection.connect((to, 80))
        answered += connection.recv(4) == b"here"
    except OSError:
        pass
print(answered)
"""


@pytest.fixture
def hosts(tmp_path):
    server, client = Host("server", tmp_path), Host("client", tmp_path)
    try:
        connect(server, "10.77.0.1/24", client, "10.77.0.2/24")
        client.must("ip", "address", "add", "10.77.0.3/24", "dev", "eth0")
        for host, addresses in (
            (server, ["fd77::1"]),
            (client, ["fd77:0:0:1::2", "fd77:0:0:1::3", "fd77:0:0:2::2"]),
        ):
            for address in addresses:
                host.must("ip", "address", "add", f"{address}/48", "dev", "eth0", "nodad")
        server.start(PYTHON, "-c", SERVER, port=80)
        yield server, client
    finally:
        client.close()
        server.close()


def test_one_client_s_many_connections_do_not_stop_another_client(hosts):
    server, client = hosts
    page = (ROOT / "docs" / "production.md").read_text()
    rules = re.search(r"nft -f - <<'RULES'\n(.*?)\nRULES\n", page, re.DOTALL)[1]

    def answered(to: str, source: str, number: int) -> int:
        return int(client.run(PYTHON, "-c", CLIENT, to, source, str(number)).stdout)

    assert answered("10.77.0.1", "10.77.0.2", LIMIT + 20) == LIMIT + 20  # without them
    (server.folder / "rules").write_text(rules)
    server.must("nft", "-f", str(server.folder / "rules"))
    # Of one address, and of one /64; another has its own.
    assert answered("10.77.0.1", "10.77.0.2", LIMIT + 20) == LIMIT
    assert answered("10.77.0.1", "10.77.0.3", 20) == 20
    assert answered("fd77::1", "fd77:0:0:1::2", LIMIT + 20) == LIMIT
    assert answered("fd77::1", "fd77:0:0:2::2", 20) == 20
