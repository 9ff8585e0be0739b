"""`python -m behindproxy_serve` with values that the servers would take silently."""

import os
import subprocess
import sys

import pytest

REFUSED = [
    ("API_PREFIX", "api/v1"),
    ("API_PREFIX", "/api/v1/"),
    ("API_PREFIX", "/äpi"),
    ("TRUSTED_PROXIES", "traefik"),
    ("TRUSTED_PROXIES", "10.0.0.1/8"),
    ("TRUSTED_PROXIES", "'*'"),
    ("TRUSTED_PROXIES", "*"),
    ("PROXY_ADDRESS", "traefik"),
    ("APP_SERVER", "daphne"),
    ("WEBSOCKET_MAX_BYTES", "1MB"),
    ("WEBSOCKET_MAX_BYTES", "-1"),
]


@pytest.mark.parametrize("key, value", REFUSED)
def test_the_container_s_start_stops_with_one_line(key, value):
    process = subprocess.run(
        [sys.executable, "-m", "behindproxy_serve"],
        env={**os.environ, key: value},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert process.returncode == 1 and process.stdout == ""
    assert process.stderr.startswith(f"{key}={value}: ") and process.stderr.count("\n") == 1
    assert f"for example {key}=" in process.stderr


@pytest.mark.parametrize("item", ["172.30.98.129", "172.16.0.0/12", "172.30.98.64/26"])
def test_the_networks_that_others_are_in_are_trusted_in_no_spelling(item):
    """As the compose file gives them, whoever starts the container: the image knows none."""
    networks = "172.30.98.0/25,172.30.98.128/26"
    values = {"TRUSTED_PROXIES": item, "UNTRUSTED_NETWORKS": networks}
    process = subprocess.run(
        [sys.executable, "-m", "behindproxy_serve"],
        env={**os.environ, **values},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert process.returncode == 1 and process.stderr.count("\n") == 1
    assert process.stderr.startswith(f"TRUSTED_PROXIES={item} covers 172.30.98.")


SCRIPT = """
import os, resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
from behindproxy_serve import __main__
os.execve = lambda *_: print(*resource.getrlimit(resource.RLIMIT_NOFILE))
__main__.main()
"""


def test_a_server_may_open_as_many_files_as_the_hard_limit_allows(tmp_path):
    """The soft limit is 1024 on most machines: that many connections of one client shut all others out."""
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "RUN_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    soft, hard = map(int, process.stdout.splitlines()[-1].split())
    assert soft == (65_536 if hard == -1 else min(hard, 65_536)), process.stderr
