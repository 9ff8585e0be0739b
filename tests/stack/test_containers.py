"""What the suite cannot ask of a running stack: the host at the containers' own addresses, and
Compose without make."""

import json
import os
import shutil
import socket
import subprocess
from ipaddress import ip_address, ip_network

import psutil
import pytest

from tests.checkout import docker, wait_for

SPOOF = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https"}


@pytest.fixture
def containers(running):
    """The inspected container of each service; skipped where the runtime is not Docker."""
    if running.runtime != "docker":
        pytest.skip("RUNTIME is not docker: there are no containers")
    label = f"label=com.docker.compose.project.working_dir={running.path}"
    inspections = json.loads(docker("inspect", *docker("ps", "-q", "--filter", label).split()))
    return {c["Config"]["Labels"]["com.docker.compose.service"]: c for c in inspections}


def test_the_host_at_the_container_s_own_addresses_is_not_trusted(containers):
    count = 0
    for settings in containers["app"]["NetworkSettings"]["Networks"].values():
        own = ip_network(f"{settings['IPAddress']}/{settings['IPPrefixLen']}", strict=False)
        if not any(ip_address(address) in own for address in host_addresses()):
            continue  # Engine 28 isolates the internal network: the host has no address there
        headers = [part for name, value in SPOOF.items() for part in ("-H", f"{name}: {value}")]
        url = f"http://{settings['IPAddress']}:8000/_probe/host"
        scope = json.loads(
            subprocess.check_output(
                ["curl", "-q", "--noproxy", "*", "-s", "-m", "5", *headers, url], text=True
            )
        )
        assert ip_address(scope["client"][0]) in own, scope
        assert scope["scheme"] == "http"
        count += 1
    assert count, "no address of the container answered the host"


def host_addresses() -> list[str]:
    return [
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET
    ]


def test_every_published_port_has_an_explicit_loopback_address(containers):
    for container in containers.values():
        for bindings in container["NetworkSettings"]["Ports"].values():
            assert all(binding["HostIp"] == "127.0.0.1" for binding in bindings or [])


def test_plain_compose_up_works_and_refuses_what_it_cannot_honour(stopped):
    if stopped.runtime != "docker":
        pytest.skip("RUNTIME is not docker: there is no Compose")
    if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        compose = [str(stopped.path / "build/venv/bin/docker-compose")]
    else:
        compose = ["docker", "compose"]

    def plain(*arguments, **settings):
        return subprocess.run(
            [*compose, *arguments],
            cwd=stopped.path,
            capture_output=True,
            text=True,
            env={**stopped.environ, **settings},
            timeout=180,
        )

    try:
        process = plain("up", "-d", "--build", "--wait")
        assert process.returncode == 0, process.stderr
        # Compose waits for Traefik's health, not for its first check of the application.
        wait_for(lambda: '"root_path":"/api/v1"' in stopped.answers())
        for key, value in (("TRUSTED_PROXIES", "192.0.2.1"), ("DOMAIN", "a.example"), ("APP_REPLICAS", "3")):
            refused = plain("up", "-d", "--wait", **{key: value})
            assert refused.returncode != 0
            log = plain("logs", "traefik").stdout
            assert f"{key}={value}" in log and "start with `make up`" in log
    finally:
        plain("down")


def test_up_and_down_query_the_engine_for_containers_a_few_times(running, tmp_path, monkeypatch):
    """Each query is two commands of 0.1 s, and tests and people wait for them."""
    if running.runtime != "docker":
        pytest.skip("RUNTIME is not docker: there are no containers")
    log, shim = tmp_path / "log", tmp_path / "docker"
    shim.write_text(f'#!/bin/sh\necho "$*" >>{log}\nexec {shutil.which("docker")} "$@"\n')
    shim.chmod(0o755)
    monkeypatch.setitem(running.environ, "PATH", f"{tmp_path}:{os.environ['PATH']}")
    for target, most in (("up", 4), ("down", 2)):
        log.write_text("")
        running.must(target)
        # While Compose starts them, `up` looks at them once a second.
        before = log.read_text().partition(" up --detach ")[0]
        queries = [line for line in before.splitlines() if line.startswith("ps --all --no-trunc")]
        assert 0 < len(queries) <= most, (target, log.read_text())
