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
    started = subprocess.run(
        [sys.executable, "-m", "behindproxy_serve"],
        env={**os.environ, key: value},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert started.returncode == 1 and started.stdout == ""
    assert started.stderr.startswith(f"{key}={value}: ") and started.stderr.count("\n") == 1
    assert f"for example {key}=" in started.stderr


@pytest.mark.parametrize("item", ["172.30.98.129", "172.16.0.0/12", "172.30.98.64/26"])
def test_the_networks_that_others_are_in_are_trusted_in_no_spelling(item):
    """As the compose file gives them, whoever starts the container: the image knows none."""
    networks = "172.30.98.0/25,172.30.98.128/26"
    given = {"TRUSTED_PROXIES": item, "UNTRUSTED_NETWORKS": networks}
    started = subprocess.run(
        [sys.executable, "-m", "behindproxy_serve"],
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert started.returncode == 1 and started.stderr.count("\n") == 1
    assert started.stderr.startswith(f"TRUSTED_PROXIES={item} covers 172.30.98.")
