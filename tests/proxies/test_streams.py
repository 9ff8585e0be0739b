"""What one client's HTTP/2 streams without a receive window hold; the real Traefik."""

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psutil
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RemoteSettingsChanged
from h2.settings import SettingCodes

from behindproxy.stack import render
from behindproxy.stack.paths import DYNAMIC, VENV
from behindproxy.stack.settings import StackSettings
from tests.checkout import free_block, wait_for

CONNECTIONS = 4
STREAMS = 250  # streams of each connection, Traefik's default
BROWSERS_OPEN = 100  # Chromium before it knows the server's limit; fewer would hold up its pages
OTHERS = 20  # descriptors that are open at one moment and not at another, of connections that were closed
BODY = bytes(256 * 1024)  # more than Traefik and the kernel keep for one of them


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 2048

    def handle_error(self, *_: object) -> None:
        pass  # the connection is closed before the body is sent


@pytest.fixture
def traefik(tmp_path):
    """Its process, and the port of https."""
    first = free_block(4)
    settings = StackSettings(
        http_port=first, https_port=first + 1, ops_port=first + 2, bind_address="127.0.0.1"
    )
    folder = tmp_path / "dynamic"
    shutil.copytree(DYNAMIC, folder)
    static = render.static(settings, native=True).replace(render.ROUTES, str(folder))
    (tmp_path / "traefik.toml").write_text(static)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Server(("127.0.0.1", 0), Handler))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stack.callback(server.shutdown)
        environ = settings.environ() | {
            "APP_SERVERS": f"http://127.0.0.1:{server.server_port}",
            "STATIC_DIR": "",
        }
        command = [str(VENV / "bin" / "traefik"), f"--configFile={tmp_path}/traefik.toml"]
        log = stack.enter_context((tmp_path / "log").open("w"))
        process = stack.enter_context(subprocess.Popen(command, env=environ, stdout=log, stderr=log))
        stack.callback(process.kill)  # it would wait for the streams
        wait_for(lambda: answers(first), 15)
        yield psutil.Process(process.pid), first + 1


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=3) as client:
        client.sendall(b"GET /api/v1/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return client.recv(64).startswith(b"HTTP/1.1 200 ")
    return False


def hold(port: int) -> tuple[ssl.SSLSocket, int]:
    """A connection full of streams whose answers may not be sent, and how many the server allows."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    client = context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=5))
    connection = H2Connection(H2Configuration())
    connection.local_settings[SettingCodes.INITIAL_WINDOW_SIZE] = 0
    connection.initiate_connection()
    client.sendall(connection.data_to_send())
    events: list[object] = []
    while not any(isinstance(event, RemoteSettingsChanged) for event in events):
        events = connection.receive_data(client.recv(65536))
    limit = connection.remote_settings.max_concurrent_streams
    for number in range(min(STREAMS, limit)):
        head = {":method": "GET", ":scheme": "https", ":authority": "localhost", ":path": f"/api/v1/{number}"}
        connection.send_headers(connection.get_next_available_stream_id(), [*head.items()], end_stream=True)
    client.sendall(connection.data_to_send())
    return client, limit


def test_streams_without_a_window_hold_a_bounded_number_of_descriptors(traefik):
    process, port = traefik
    before = process.num_fds()
    with contextlib.ExitStack() as stack:
        limits = set()
        for _ in range(CONNECTIONS):
            client, streams = hold(port)
            stack.enter_context(client)
            limits.add(streams)
        assert limits == {BROWSERS_OPEN}
        descriptors = CONNECTIONS * (1 + BROWSERS_OPEN)
        wait_for(lambda: process.num_fds() - before > descriptors - OTHERS, 8)
        wait_for(lambda: answers(port - 1), 15)
        assert process.num_fds() - before < descriptors + OTHERS
