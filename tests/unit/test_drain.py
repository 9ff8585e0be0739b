"""A container that gets the stop signal and nothing before it, with each real server."""

import os
import signal
import subprocess
import sys
import time

import httpx
import pytest

from tests.checkout import wait_for
from tests.hosts import free_port

from .served import SERVERS

SECONDS = 2


@pytest.mark.parametrize("server", SERVERS)
def test_between_the_stop_signal_and_the_server_s_each_answer_closes_its_connection(server, tmp_path):
    port = free_port()
    url = f"http://127.0.0.1:{port}/healthz"
    environ = {**os.environ, "APP_SERVER": server, "APP_PORT": str(port), "RUN_DIR": str(tmp_path)}
    command = [
        sys.executable,
        "-m",
        "behindproxy_serve.drain",
        "before",
        str(SECONDS),
        sys.executable,
        "-m",
        "behindproxy_serve",
    ]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(trust_env=False) as client:

            def answer() -> httpx.Response | None:
                try:
                    return client.get(url)
                except httpx.TransportError:
                    return None

            wait_for(answer, 20)
            assert answer().headers.get("connection") != "close"
            process.send_signal(signal.SIGTERM)
            signalled = time.monotonic()
            wait_for(lambda: (tmp_path / "leaving").exists(), 5)
            for _ in range(3):
                last = answer()
                assert last.status_code == 200 and last.headers["connection"] == "close"
            assert process.wait(20) == 0
            assert time.monotonic() - signalled >= SECONDS
    finally:
        process.kill()
        process.wait()


def test_a_server_s_status_is_the_container_s(tmp_path, monkeypatch):
    monkeypatch.setenv("RUN_DIR", str(tmp_path))
    for code, status in (("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 137)):
        command = [sys.executable, "-m", "behindproxy_serve.drain", "before", "0", sys.executable, "-c", code]
        assert subprocess.run(command, timeout=20).returncode == status
