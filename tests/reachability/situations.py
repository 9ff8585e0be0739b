"""What is started on the cloud machine, and the address that is then asked.

`CLOUD` in a URL stands for its address.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.hosts import PYTHON, Host

from .conftest import CLOUD

APP = "tests.reachability.demo:app"
SILENT = """
import socket, sys, time
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("0.0.0.0", 8000))
listener.listen(0)
waiting = [socket.create_connection(("127.0.0.1", 8000)) for _ in range(1)]
time.sleep(600)
"""


@dataclass(frozen=True)
class Situation:
    """`make` puts it together; `finding` is what doctor must name first, `says` stands in it; `case` is
    the finding's, where it has several texts."""

    name: str
    make: Callable[[Host], None]
    url: str
    finding: str  # empty: nothing is wrong
    says: str = ""
    sent_from: str = "cloud"
    ca: str = ""
    case: str = ""


def uvicorn(*options: str, at: str = "127.0.0.1") -> Callable[[Host], None]:
    return lambda host: host.start("uvicorn", APP, "--port", "8000", *options, port=8000, at=at)


def nothing(host: Host) -> None:
    pass


def firewall(*rule: str) -> Callable[[Host], None]:
    def make(host: Host) -> None:
        uvicorn("--host", "0.0.0.0")(host)
        host.must(*rule)

    return make


def nft_policy(host: Host) -> None:
    uvicorn("--host", "0.0.0.0")(host)
    host.must("nft", "add table inet host")
    host.must("nft", "add chain inet host in { type filter hook input priority 0 ; policy drop ; }")
    host.must("nft", "add rule inet host in tcp dport 22 accept")


def stopped(host: Host) -> None:
    uvicorn("--host", "0.0.0.0")(host)
    pid = host.run("pgrep", "-f", APP).stdout.split()
    inside = set(host.run("ip", "netns", "pids", host.namespace).stdout.split())
    host.must("kill", "-STOP", *[one for one in pid if one in inside])


def blocked(host: Host) -> None:
    uvicorn("--host", "0.0.0.0")(host)
    host.get("http://127.0.0.1:8000/blocks", seconds=0.5)


def tls(name: str) -> Callable[[Host], None]:
    def make(host: Host) -> None:
        files = host.folder / name
        host.start(
            "uvicorn",
            APP,
            "--port",
            "8443",
            "--host",
            "0.0.0.0",
            "--ssl-certfile",
            f"{files}.pem",
            "--ssl-keyfile",
            f"{files}.key",
            port=8443,
        )

    return make


def bare(command: str, *arguments: str) -> Callable[[Host], None]:
    return lambda host: host.start(PYTHON, "-c", command, *arguments, port=8000)


def banner(host: Host) -> None:
    host.start(
        PYTHON,
        "-c",
        """
import socketserver
class Banner(socketserver.StreamRequestHandler):
    def handle(self): self.wfile.write(b"220 mail.example.com ESMTP\\r\\n")
socketserver.TCPServer.allow_reuse_address = True
socketserver.TCPServer(("0.0.0.0", 8000), Banner).serve_forever()
""",
        port=8000,
    )


HERE = f"http://{CLOUD}:8000/app"
SITUATIONS = [
    Situation("nothing listens", nothing, HERE, "url.nothing_listens"),
    Situation("Uvicorn as it starts by default", uvicorn(), HERE, "url.bound_to_loopback", "--host 0.0.0.0"),
    Situation("Uvicorn on every address", uvicorn("--host", "0.0.0.0"), HERE, ""),
    Situation(
        "localhost, where the server listens only on IPv6",
        uvicorn("--host", "::1"),
        "http://127.0.0.1:8000/app",
        "url.other_family",
        "[::1]",
    ),
    Situation(
        "an IPv6 address, where the server listens only on IPv4",
        uvicorn("--host", "0.0.0.0"),
        "http://[::1]:8000/app",
        "url.other_family",
        "127.0.0.1",
    ),
    Situation(
        "localhost, where the server listens only on the machine's address",
        uvicorn("--host", CLOUD),
        "http://127.0.0.1:8000/app",
        "url.bound_to_another_address",
        CLOUD,
    ),
    Situation(
        "a firewall that drops",
        firewall("iptables", "-A", "INPUT", "-p", "tcp", "--dport", "8000", "-j", "DROP"),
        HERE,
        "url.firewall",
        "-j DROP",
    ),
    Situation(
        "a firewall that rejects",
        firewall(
            "iptables",
            "-A",
            "INPUT",
            "-p",
            "tcp",
            "--dport",
            "8000",
            "-j",
            "REJECT",
            "--reject-with",
            "tcp-reset",
        ),
        HERE,
        "url.firewall",
        "-j REJECT",
    ),
    Situation("a firewall whose policy is to drop", nft_policy, HERE, "url.firewall", "policy drop"),
    Situation("a server stopped with Ctrl-Z", stopped, HERE, "url.stopped", "Ctrl-Z"),
    Situation("an event loop that a call blocks", blocked, HERE, "url.busy", "event loop"),
    Situation("a queue that is full", bare(SILENT), HERE, "url.queue_full"),
    Situation(
        "http to a port that speaks TLS", tls("good"), f"http://{CLOUD}:8443/app", "url.speaks_tls", "https"
    ),
    Situation(
        "https to a port that does not speak TLS",
        uvicorn("--host", "0.0.0.0"),
        f"https://{CLOUD}:8000/app",
        "url.plain_http",
        "http:",
    ),
    Situation(
        "a certificate from an unknown authority",
        tls("good"),
        f"https://{CLOUD}:8443/app",
        "url.certificate_unknown",
    ),
    Situation("a certificate from a known authority", tls("good"), f"https://{CLOUD}:8443/app", "", ca="yes"),
    Situation(
        "an expired certificate",
        tls("expired"),
        f"https://{CLOUD}:8443/app",
        "url.certificate_expired",
        ca="yes",
    ),
    Situation(
        "a certificate for another name",
        tls("other"),
        f"https://{CLOUD}:8443/app",
        "url.certificate_name",
        ca="yes",
    ),
    Situation("a server of another protocol", banner, HERE, "url.not_http"),
    Situation(
        "redirects that form a loop",
        uvicorn("--host", "0.0.0.0"),
        f"http://{CLOUD}:8000/round",
        "url.redirect_loop",
    ),
    Situation(
        "a path that the application does not have",
        uvicorn("--host", "0.0.0.0"),
        f"http://{CLOUD}:8000/ap",
        "url.no_such_path",
        "/ap",
        case="fastapi",
    ),
    Situation(
        "an application that fails",
        uvicorn("--host", "0.0.0.0"),
        f"http://{CLOUD}:8000/fails",
        "url.application_failed",
        "500",
    ),
    Situation("a name that does not exist", nothing, "http://server.invalid/app", "url.no_name"),
    Situation(
        "from the laptop, a server on loopback",
        uvicorn(),
        HERE,
        "url.nothing_listens_there",
        sent_from="laptop",
    ),
    Situation(
        "from the laptop, through a firewall that drops",
        firewall("iptables", "-A", "INPUT", "-i", "eth0", "-p", "tcp", "--dport", "8000", "-j", "DROP"),
        HERE,
        "url.dropped_on_the_way",
        "security group",
        sent_from="laptop",
    ),
    Situation(
        "from the laptop, a private address of another network",
        nothing,
        "http://10.0.3.163:8000/app",
        "url.private_elsewhere",
        "RFC 1918",
        sent_from="laptop",
    ),
    Situation(
        "from the laptop, an address without a route",
        nothing,
        "http://[2001:db8::1]:8000/app",
        "url.no_route",
        sent_from="laptop",
    ),
]
