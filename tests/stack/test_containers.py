"""What only containers can show: who is believed on their networks, and what they may do."""

import json
import socket
import subprocess
from ipaddress import ip_address, ip_network

import psutil
import pytest

SPOOF = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https"}
ASK = """
import json, sys, urllib.request
request = urllib.request.Request(sys.argv[1], headers=json.loads(sys.argv[2]))
print(urllib.request.urlopen(request, timeout=5).read().decode())
"""


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def containers(running):
    """The inspected container of each service; skipped where the runtime is not Docker."""
    if running.runtime != "docker":
        pytest.skip("RUNTIME is not docker: there are no containers")
    label = f"label=com.docker.compose.project.working_dir={running.path}"
    inspected = json.loads(docker("inspect", *docker("ps", "-q", "--filter", label).split()))
    return {c["Config"]["Labels"]["com.docker.compose.service"]: c for c in inspected}


def network(container: dict, name: str) -> tuple[str, dict]:
    return next((full, settings) for full, settings in container["NetworkSettings"]["Networks"].items()
                if full.endswith(f"_{name}"))  # fmt: skip


def test_another_container_on_the_internal_network_is_not_believed(containers):
    full, settings = network(containers["app"], "internal")
    seen = json.loads(docker(
        "run", "--rm", "--network", full, containers["app"]["Config"]["Image"], "python", "-c", ASK,
        f"http://{settings['IPAddress']}:8000/_probe/neighbour", json.dumps(SPOOF),
    ))  # fmt: skip
    assert seen["client"][0] not in ("6.6.6.6", traefik_address(containers)), seen
    assert seen["scheme"] == "http"


def traefik_address(containers: dict) -> str:
    return network(containers["traefik"], "internal")[1]["IPAddress"]


def test_the_host_at_the_container_s_own_addresses_is_not_believed(containers):
    asked = 0
    for settings in containers["app"]["NetworkSettings"]["Networks"].values():
        own = ip_network(f"{settings['IPAddress']}/{settings['IPPrefixLen']}", strict=False)
        if not any(ip_address(address) in own for address in host_addresses()):
            continue  # Engine 28 isolates the internal network: the host has no address there
        headers = [part for name, value in SPOOF.items() for part in ("-H", f"{name}: {value}")]
        url = f"http://{settings['IPAddress']}:8000/_probe/host"
        seen = json.loads(subprocess.check_output(
            ["curl", "-q", "--noproxy", "*", "-s", "-m", "5", *headers, url], text=True
        ))  # fmt: skip
        assert ip_address(seen["client"][0]) in own, seen
        assert seen["scheme"] == "http"
        asked += 1
    assert asked, "no address of the container answered the host"


def host_addresses() -> list[str]:
    return [address.address for addresses in psutil.net_if_addrs().values()
            for address in addresses if address.family == socket.AF_INET]  # fmt: skip


def test_traefik_has_the_address_the_app_believes_outside_the_range_handed_out(containers):
    environment = dict(item.split("=", 1) for item in containers["app"]["Config"]["Env"])
    assert environment["PROXY_ADDRESS"] == traefik_address(containers) == "172.30.97.10"
    config = json.loads(docker("network", "inspect", network(containers["app"], "internal")[0]))[0]
    assert config["IPAM"]["Config"][0]["IPRange"] == "172.30.97.64/26"
    assert config["Internal"] is True
    # The process itself, and not only the setting.
    read = "print(open('/proc/1/cmdline').read().replace(chr(0), ' '))"
    line = docker("exec", containers["app"]["Id"], "python", "-c", read)
    assert "--root-path /api/v1 --forwarded-allow-ips 172.30.97.10 " in line


@pytest.mark.parametrize("service", ["traefik", "app"])
def test_each_container_is_unprivileged_on_a_read_only_file_system(containers, service):
    container = containers[service]
    host = container["HostConfig"]
    assert container["Config"]["User"] == "65532:65532"
    assert host["ReadonlyRootfs"] is True and host["Privileged"] is False
    assert host["CapDrop"] == ["ALL"] and not host["CapAdd"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert container["Config"]["Healthcheck"]["Test"][0] == "CMD"
    sources = [mount.get("Source", "") for mount in container["Mounts"]]
    assert not any("docker.sock" in source for source in sources)


def test_the_kernel_agrees(containers):
    status = docker(
        "exec", containers["app"]["Id"], "python", "-c", "print(open('/proc/1/status').read())"
    )
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["Uid"].split() == ["65532"] * 4
    assert fields["CapEff"] == fields["CapPrm"] == fields["CapBnd"] == "0000000000000000"
    assert fields["NoNewPrivs"] == "1"


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
        return subprocess.run([*compose, *arguments], cwd=stopped.path, capture_output=True, text=True,
                              env={**stopped.environ, **settings}, timeout=180)  # fmt: skip

    try:
        done = plain("up", "-d", "--build", "--wait")
        assert done.returncode == 0, done.stderr
        assert '"root_path":"/api/v1"' in stopped.answers()
        refused = plain("up", "-d", "--wait", TRUSTED_PROXIES="192.0.2.1")
        assert refused.returncode != 0
        assert "TRUSTED_PROXIES=192.0.2.1" in plain("logs", "traefik").stdout
    finally:
        plain("down")
