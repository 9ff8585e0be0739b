"""STICKY: a client keeps its replica, and gets another one when that is drained; the real Traefik."""

import contextlib
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from behindproxy.stack import render
from behindproxy.stack.paths import DYNAMIC, VENV
from behindproxy.stack.settings import StackSettings
from tests.checkout import free_block, wait_for


class Replica(ThreadingHTTPServer):
    """Answers with its own port, and /readyz with 503 once it drains."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.draining = False
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Replica)
        body = str(server.server_port).encode()
        self.send_response(503 if server.draining and self.path == "/readyz" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def replicas():
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Replica()) for _ in range(3)]


@pytest.fixture
def serve(tmp_path, replicas):
    """Return what starts Traefik as `make up` does, with a value of STICKY; it returns the URL."""
    with contextlib.ExitStack() as stack:

        def start(sticky: str) -> str:
            first = free_block(4)
            settings = StackSettings(
                http_port=first,
                https_port=first + 1,
                ops_port=first + 2,
                sticky=sticky,
                bind_address="127.0.0.1",
            )
            folder = tmp_path / "dynamic"
            shutil.copytree(DYNAMIC, folder)
            static = render.static(settings, native=True).replace(render.ROUTES, str(folder))
            (tmp_path / "traefik.toml").write_text(static)
            servers = [f"http://127.0.0.1:{one.server_port}" for one in replicas]
            # A slot that nobody is in, as in Docker.
            environ = settings.environ() | {
                "APP_SERVERS": ",".join([f"http://127.0.0.1:{first + 3}", *servers]),
                "STATIC_DIR": "",
            }
            command = [str(VENV / "bin" / "traefik"), f"--configFile={tmp_path}/traefik.toml"]
            with (tmp_path / "log").open("w") as log:
                process = stack.enter_context(subprocess.Popen(command, env=environ, stdout=log, stderr=log))
            stack.callback(process.terminate)
            url = f"http://127.0.0.1:{first}/api/v1/x"
            wait_for(lambda: every_replica_has_answered(f"http://127.0.0.1:{first + 2}/metrics"), 15)
            return url

        yield start


def every_replica_has_answered(metrics: str) -> bool:
    try:
        text = httpx.get(metrics, trust_env=False).text
    except httpx.HTTPError:
        return False
    return sum(line.endswith("} 1") for line in text.splitlines() if "service_server_up{" in line) == 3


def ports(url: str, times: int, address: str = "127.0.0.1", **options: object) -> set[str]:
    """The replicas that answer one client that comes from `address`."""
    transport = httpx.HTTPTransport(local_address=address)
    with httpx.Client(transport=transport, trust_env=False, **options) as client:
        return {client.get(url, headers={"Host": "localhost"}).text for _ in range(times)}


def replica_of(ports_: set[str], replicas: list[Replica]) -> Replica:
    (port,) = ports_
    return next(one for one in replicas if one.server_port == int(port))


def test_without_it_one_client_is_served_by_all(serve, replicas):
    assert len(ports(serve("off"), 12)) == 3


def test_a_cookie_keeps_a_client_at_its_replica_until_that_drains(serve, replicas):
    url = serve("cookie")
    with httpx.Client(trust_env=False) as client:
        first = client.get(url)
        (cookie,) = first.headers.get_list("set-cookie")
        assert cookie.startswith("replica=") and "Path=/api/v1" in cookie and "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie and "Secure" not in cookie
        assert {client.get(url).text for _ in range(12)} == {first.text}
        own = replica_of({first.text}, replicas)
        own.draining = True
        wait_for(lambda: client.get(url).text != first.text, 10)
        assert len({client.get(url).text for _ in range(12)}) == 1
    assert len(ports(url, 1) | ports(url, 1) | ports(url, 1)) > 1, "other clients have other replicas"


def test_by_its_address_a_client_without_cookies_keeps_its_replica_until_that_drains(serve, replicas):
    url = serve("address")
    by_address = {address: ports(url, 6, address) for address in (f"127.0.0.{n}" for n in range(2, 22))}
    assert all(len(names) == 1 for names in by_address.values())
    assert len(set.union(*by_address.values())) == 3, "all replicas have clients"
    address, before = next(iter(by_address.items()))
    replica_of(before, replicas).draining = True
    wait_for(lambda: ports(url, 1, address) != before, 10)
    assert len(ports(url, 6, address)) == 1
