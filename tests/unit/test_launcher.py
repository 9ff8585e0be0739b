"""`python -m serve` with values that the servers would take in silence."""

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
        [sys.executable, "-m", "serve"], env={**os.environ, key: value}, capture_output=True, text=True,
        timeout=30,
    )  # fmt: skip
    assert started.returncode == 1 and started.stdout == ""
    assert started.stderr.startswith(f"{key}={value}: ") and started.stderr.count("\n") == 1
    assert f"for example {key}=" in started.stderr
