"""What only containers can show: their privileges, where they listen, and what the server trusts."""

import json
import os
import re
import subprocess
import time
from ipaddress import ip_address, ip_network
from typing import Any

from ..engine.check import check
from ..engine.expect import Expect
from ..engine.lies import FAKE_IP
from ..engine.seen import Seen, client_host
from ..engine.target import Target

Inspection = dict[str, Any]  # the engine's JSON

SECONDS = 60
SPOOF = {"X-Forwarded-For": FAKE_IP, "X-Forwarded-Proto": "https"}
ASK = """
import json, sys, urllib.request
request = urllib.request.Request(sys.argv[1], headers=json.loads(sys.argv[2]))
print(urllib.request.urlopen(request, timeout=5).read().decode())
"""
# In the container: addresses that a process listens on, from the kernel's own table.
LISTENING = """
import socket
for name in ("tcp", "tcp6"):
    for line in open(f"/proc/net/{name}").read().splitlines()[1:]:
        fields = line.split()
        host, _, port = fields[1].partition(":")
        if fields[3] == "0A":
            words = [bytes.fromhex(host[i:i + 8])[::-1] for i in range(0, len(host), 8)]
            family = socket.AF_INET if name == "tcp" else socket.AF_INET6
            print(socket.inet_ntop(family, b"".join(words)), int(port, 16))
"""
SERVICES = ("traefik", "app")


def docker(*arguments: str) -> str:
    process = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=SECONDS)
    if process.returncode:
        raise RuntimeError(f"docker {arguments[0]}: {process.stderr.strip()}")
    return process.stdout.strip()


def containers(target: Target) -> dict[str, Inspection]:
    """Return the inspected containers of Traefik and the application, of the project in this folder."""
    folder = os.path.realpath(target.places.folder or ".")  # Compose's: where its file is
    ids = docker("ps", "-q", "--filter", f"label=com.docker.compose.project.working_dir={folder}").split()
    inspections = json.loads(docker("inspect", *ids)) if ids else []
    file = "/docker-compose.yml"  # another file in this folder has containers of its own
    by_service = {
        labels["com.docker.compose.service"]: one
        for one in inspections
        if file in (labels := one["Config"]["Labels"])["com.docker.compose.project.config_files"]
    }
    own = {name: one for name, one in by_service.items() if re.fullmatch(r"traefik|app(-\d+)?", name)}
    if missing := [name for name in SERVICES if name not in own]:
        raise RuntimeError(f"no running container of {' and '.join(missing)} from {folder}{file}")
    return own


def network(container: Inspection, name: str) -> tuple[str, Inspection]:
    networks = container["NetworkSettings"]["Networks"]
    return next((full, its) for full, its in networks.items() if full.endswith(f"_{name}"))


@check(
    "container.unprivileged",
    title="The containers run without privileges",
    entrypoints=("all",),
    level="exposed",
    source="Compose file reference › Services › cap_drop, read_only, security_opt, user",
    statement="No container runs as root, has a capability, can gain one, or can write to its file system.",
    fix=("Give both services an unprivileged user, read_only: true, cap_drop: [ALL] and no-new-privileges."),
    needs=("docker",),
)
def test_the_containers_run_without_privileges(target: Target, expect: Expect) -> None:
    for service, container in containers(target).items():
        host, user = container["HostConfig"], container["Config"]["User"]
        expect.that(
            user.partition(":")[0] not in ("", "0", "root"),
            f"{service}: user",
            observed=user or "root",
            expected="not root",
        )
        allowed = {
            "privileged": host["Privileged"],
            "read-only": host["ReadonlyRootfs"],
            "dropped": host["CapDrop"],
            "added": host["CapAdd"] or [],
            "no-new-privileges": "no-new-privileges:true" in (host["SecurityOpt"] or []),
        }
        expect(
            f"{service}",
            allowed,
            {
                "privileged": False,
                "read-only": True,
                "dropped": ["ALL"],
                "added": [],
                "no-new-privileges": True,
            },
        )
    # The kernel, and not only the settings.
    status = "print(open('/proc/1/status').read())"
    lines = docker("exec", containers(target)["app"]["Id"], "python", "-c", status).splitlines()
    fields = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    expect("capabilities of the app", fields["CapEff"] + fields["CapBnd"], "0" * 32)


@check(
    "container.no_socket",
    title="No container has Docker's socket",
    entrypoints=("all",),
    level="exposed",
    source="traefik/traefik#4174",
    statement=(
        "A container that faces the network cannot talk to the Docker engine: that would amount to root."
    ),
    fix="Do not mount docker.sock: routes can come from a file.",
    needs=("docker",),
)
def test_no_container_has_docker_s_socket(target: Target, expect: Expect) -> None:
    mounted = {
        name: [mount["Source"] for mount in one["Mounts"] if "docker.sock" in mount["Source"]]
        for name, one in containers(target).items()
    }
    expect("sockets", mounted, dict.fromkeys(mounted, []))


@check(
    "container.published",
    title="Only this machine reaches the direct entrypoint",
    entrypoints=("all",),
    level="exposed",
    source="Behind a Proxy › Check the responses; Docker › Packet filtering and firewalls › Docker and ufw",
    statement="The direct entrypoint is published on loopback: no other machine can bypass the proxy.",
    fix="Publish the server's port on 127.0.0.1, or not at all.",
    needs=("docker",),
)
def test_the_server_s_own_port_is_for_this_machine_alone(target: Target, expect: Expect) -> None:
    ports = containers(target)["app"]["NetworkSettings"]["Ports"]
    hosts = {binding["HostIp"] or "0.0.0.0" for bindings in ports.values() for binding in bindings or []}
    expect("addresses", sorted(host for host in hosts if not ip_address(host).is_loopback), [])


@check(
    "container.listens",
    title="The application listens where the proxy can reach it",
    entrypoints=("all",),
    level="broken",
    source=(
        "Behind a Proxy › Proxy with a stripped path prefix; A Haunted Story While Developing with "
        "FastAPI › The Cause of the Problem - The Answer"
    ),
    statement="In its container the server listens on every address, not only on 127.0.0.1.",
    fix=("Let the server listen on 0.0.0.0 inside its container: 127.0.0.1 is the container's own loopback."),
    needs=("docker",),
)
def test_the_application_listens_where_the_proxy_reaches_it(target: Target, expect: Expect) -> None:
    lines = docker("exec", containers(target)["app"]["Id"], "python", "-c", LISTENING).splitlines()
    listening = [line.split()[0] for line in lines if line.endswith(" 8000")]
    expect.that(
        any(host in ("0.0.0.0", "::") for host in listening),
        "listens on",
        observed=listening,
        expected="0.0.0.0",
    )


@check(
    "container.health",
    title="Every container has a health check and passes it",
    entrypoints=("all",),
    level="broken",
    source="Compose file reference › Services › healthcheck; Traefik › Ping › manualRouting",
    statement="Each container reports its health: `up --wait` and restarts depend on it.",
    fix="Add a health check to both services; inside the container there is no prefix.",
    needs=("docker",),
)
def test_every_container_has_a_health_check(target: Target, expect: Expect) -> None:
    states = {
        name: one["State"].get("Health", {}).get("Status", "none") for name, one in containers(target).items()
    }
    expect("health", states, dict.fromkeys({*SERVICES, *states}, "healthy"))


@check(
    "container.trusted_address",
    title="The server trusts only the proxy's address",
    entrypoints=("all",),
    level="exposed",
    source="Behind a Proxy › Enable Proxy Forwarded Headers; Compose file reference › Networks › ipam",
    statement=(
        "The address that the server trusts is Traefik's, static, and outside the range that Docker assigns "
        "to other containers."
    ),
    fix=(
        "Give the proxy a static address that is never assigned to another container, and let the server "
        "trust only that one."
    ),
    needs=("docker",),
)
def test_the_server_believes_the_proxy_s_one_address(target: Target, expect: Expect) -> None:
    services = containers(target)
    full, settings = network(services["traefik"], "internal")
    address = settings["IPAddress"]
    environment = dict(item.split("=", 1) for item in services["app"]["Config"]["Env"])
    expect("PROXY_ADDRESS", environment["PROXY_ADDRESS"], address)
    config = json.loads(docker("network", "inspect", full))[0]["IPAM"]["Config"][0]
    handed_out = ip_network(config.get("IPRange") or config["Subnet"])
    among = [address] if ip_address(address) in handed_out else []
    expect(f"of the addresses that Docker hands out ({handed_out})", among, [])
    if environment.get("APP_SERVER") in ("uvicorn", "fastapi"):
        # The process itself, and not only the setting.
        script = "print(open('/proc/1/cmdline').read().replace(chr(0), ' '))"
        line = docker("exec", services["app"]["Id"], "python", "-c", script)
        addresses = line.partition("--forwarded-allow-ips ")[2].split()[:1]
        trusted = [item for item in target.trusted_proxies if item]
        expect("--forwarded-allow-ips", addresses, [",".join([address, *trusted])])


@check(
    "container.neighbour",
    title="Another container is not trusted",
    entrypoints=("all",),
    level="exposed",
    source="Behind a Proxy › Enable Proxy Forwarded Headers; Kludex/uvicorn#2231, Kludex/uvicorn#2468",
    statement="Another container on the proxy's network cannot pose as the proxy.",
    fix=(
        "Set PROXY_ADDRESS and --forwarded-allow-ips to Traefik's address: the server trusts the whole "
        "network."
    ),
    needs=("docker", "probe"),
)
def test_another_container_is_not_trusted(target: Target, expect: Expect) -> None:
    app = containers(target)["app"]
    full, settings = network(app, "internal")
    path = target.addresses["direct"].entered_at if "direct" in target.addresses else ""
    scope: Seen = json.loads(
        docker(
            "run",
            "--rm",
            "--network",
            full,
            app["Config"]["Image"],
            "python",
            "-c",
            ASK,
            f"http://{settings['IPAddress']}:8000{path}/_probe/neighbour",
            json.dumps(SPOOF),
        )
    )
    time.sleep(1)  # the engine takes that container's network down; a new connection may be cut meanwhile
    expect("scheme", scope["scheme"], "http")
    expect.that(
        client_host(scope) != FAKE_IP,
        "client",
        observed=client_host(scope),
        expected="the container's own address",
    )
