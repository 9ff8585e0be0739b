"""deploy/swarm/stack.yml on three nodes: the same promises as on one machine, and a node that is lost."""

import concurrent.futures
import json
import re
import socket
import ssl
import subprocess
import time

import httpx
import pytest
from cryptography import x509

from tests.checkout import wait_for
from tests.hosts import PYTHON
from tests.load import load, never_twice

from .authority import DOMAIN, Authority, lacking
from .nodes import HERE

# Without what lasts: a stream or a WebSocket through a node that vanishes has nobody to say so.
REQUESTS = {"get": 30.0, "put": 10.0, "post": 10.0, "slow": 3.0}
# Traefik asks each second and waits two; one slot after the other.
NOTICE_SECONDS = 4
SPOOF = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}


def version(url: str) -> str:
    return httpx.get(f"{url}/static/version.txt", trust_env=False, timeout=10).text.strip()


def test_every_node_serves_and_ps_says_so(stack):
    code, output = stack.make("swarm-ps")
    assert code == 0 and "3/3" in output, output
    assert len({version(url) for url in stack.urls}) == 1
    assert set(stack.where("traefik").values()) == {1}


def test_the_suite_passes_on_each_node(stack):
    def verify(node) -> dict:
        report = stack.path / "build" / node.name
        process = subprocess.run(
            [
                PYTHON,
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                "src/behindproxy/contract",
                f"--url={stack.url(node)}",
                f"--tls-url={stack.url(node, 'https')}",
                "--ca=build/tls/ca.pem",
                "--fast",
                f"--report={report}",
            ],
            cwd=stack.path,
            env=stack.environ,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert process.returncode == 0, process.stdout + process.stderr
        return json.loads((report / "report.json").read_text())["summary"]

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for summary in pool.map(verify, stack.nodes):
            assert summary["passed"] > 100 and not summary["failed"] + summary["error"], summary


def test_the_client_s_address_survives_on_every_node(stack):
    """A port of the ingress mesh would show an address of the mesh."""
    for url in stack.urls:
        assert httpx.get(f"{url}/_probe/x", trust_env=False).json()["client"][0] == HERE


def test_a_node_opens_two_ports_and_no_container_has_the_engine_s_socket(stack):
    for node in stack.nodes:
        reached = []
        # Traefik's, the app's, their metrics', the compose file's direct and production ports.
        for port in (stack.http, stack.https, 8000, 9000, 8082, 80, 443, 9999, 9443, stack.direct):
            with socket.socket() as probe:
                probe.settimeout(2)
                if probe.connect_ex((node.address, port)) == 0:
                    reached.append(port)
        assert reached == [stack.http, stack.https]
        for container in node.docker("ps", "-q").split():
            mounts = json.loads(node.docker("inspect", container))[0]["Mounts"]
            assert not [one for one in mounts if "docker.sock" in one.get("Source", "")]


ATTACK = """
import json, sys, urllib.request
spoof = json.loads(sys.argv[1])
for target in sys.argv[2:]:
    try:
        url = f"http://{target}:8000/_probe/x"
        found = json.load(urllib.request.urlopen(urllib.request.Request(url, headers=spoof), timeout=4))
        print(json.dumps({"target": target, "client": found["client"][0], "scheme": found["scheme"]}))
    except OSError as error:
        print(json.dumps({"target": target, "error": str(error)}))
"""


def attack(stack, network: str, *targets: str) -> list[dict]:
    """What a service on `network` alone gets when it poses as the proxy."""
    name = f"attack-{network}"
    stack.docker(
        "service",
        "create",
        "-q",
        "-d",
        "--name",
        name,
        "--network",
        network,
        "--restart-condition",
        "none",
        "--no-resolve-image",
        "service-app:1",
        "python",
        "-c",
        ATTACK,
        json.dumps(SPOOF),
        *targets,
    )
    try:
        wait_for(
            lambda: "Complete" in stack.docker("service", "ps", "--format", "{{.CurrentState}}", name), 60
        )
        wait_for(lambda: stack.docker("service", "logs", "--raw", name).count("\n") + 1 == len(targets), 10)
        return [json.loads(line) for line in stack.docker("service", "logs", "--raw", name).splitlines()]
    finally:
        stack.docker("service", "rm", name)


def addresses(stack, network: str) -> list[str]:
    """Of the application's containers in `network`, on whichever node."""
    result = []
    for node in stack.nodes:
        for container in node.docker("ps", "-q", "--filter", "name=service_app").split():
            networks = json.loads(node.docker("inspect", container))[0]["NetworkSettings"]["Networks"]
            result += [networks[network]["IPAddress"]] if network in networks else []
    return result


def test_only_the_overlay_of_traefik_and_the_app_is_trusted(stack):
    """The app also joins another network, as it would for a database; a service there attacks it."""
    stack.docker("network", "create", "-d", "overlay", "neighbours")
    try:
        stack.docker("service", "update", "-q", "--network-add", "neighbours", "service_app")
        # A replica that was replaced is there for a few seconds more.
        wait_for(lambda: len(addresses(stack, "service_internal")) == 3, 60)
        inside, outside = addresses(stack, "service_internal"), addresses(stack, "neighbours")
        assert len(outside) == 3

        trusted = attack(stack, "service_internal", *inside)
        assert {one["client"] for one in trusted} == {"203.0.113.7"}  # so the attack would be seen
        assert {one["scheme"] for one in trusted} == {"https"}

        refused = attack(stack, "neighbours", *outside, *inside)
        assert {one["client"] for one in refused[:3]}.isdisjoint({"203.0.113.7"})
        assert {one["scheme"] for one in refused[:3]} == {"http"}
        assert all("error" in one for one in refused[3:]), "the inner overlay is reached from another"
    finally:
        stack.docker("service", "update", "-q", "--network-rm", "neighbours", "service_app")
        wait_for(lambda: not addresses(stack, "neighbours"), 60)
        stack.docker("network", "rm", "neighbours")


SNIFF = """
import socket, sys, time
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
raw.bind((sys.argv[1], 0))
raw.settimeout(0.2)
marker, esp, plain, end = sys.argv[2].encode(), 0, 0, time.monotonic() + 6
while time.monotonic() < end:
    try:
        packet = raw.recv(65535)
    except TimeoutError:
        continue
    esp += packet[12:14] == b"\\x08\\x00" and packet[23] == 50
    vxlan = packet[12:14] == b"\\x08\\x00" and packet[23] == 17 and packet[36:38] == (4789).to_bytes(2, "big")
    plain += vxlan and marker in packet
print(esp, plain)
"""


def test_traffic_between_the_nodes_is_encrypted(stack):
    sniffing = subprocess.Popen(
        ["ip", "netns", "exec", stack.switch.namespace, PYTHON, "-c", SNIFF, "node-1", "the-marked-item"],
        stdout=subprocess.PIPE,
        text=True,
    )
    time.sleep(1)
    for _ in range(30):
        httpx.get(f"{stack.url(stack.nodes[0])}/the-marked-item", trust_env=False)
    esp, plain = map(int, sniffing.communicate(timeout=30)[0].split())
    if stack.no_esp:
        assert plain, "the test would see what is not encrypted"
        pytest.skip(stack.no_esp)
    assert esp and not plain


def test_a_rolling_update_loses_no_request(stack, record):
    with load(*stack.urls) as tally:
        stack.must("swarm-deploy", APP_IMAGE="service-app:2")
        assert {version(url) for url in stack.urls} == {"2"}
    record(tally, "three replicas updated")
    assert not tally.failures


def test_a_version_that_never_becomes_healthy_is_rolled_back_automatically(stack, record):
    before = version(stack.urls[0])
    with load(*stack.urls) as tally:
        code, output = stack.make("swarm-deploy", APP_IMAGE="service-app:broken")
        assert code != 0 and "Swarm rolled back to the previous version" in output, output
        assert "non-zero exit" in output
    record(tally, "a version that cannot start")
    assert not tally.failures
    assert {version(url) for url in stack.urls} == {before}
    code, output = stack.make("swarm-ps")
    assert code == 0 and f"service-app:{before}" in output


def test_scaling_loses_no_request(stack, record):
    stack.must("swarm-deploy", APP_REPLICAS=2)
    with load(*stack.urls) as tally:
        stack.must("swarm-deploy", APP_REPLICAS=6)
        assert sum(stack.where().values()) == 6
        time.sleep(3)
        stack.must("swarm-deploy", APP_REPLICAS=2)
    record(tally, "2 -> 6 -> 2")
    assert not tally.failures


def test_a_node_that_is_cut_off_costs_only_the_requests_in_flight_there(stack, record):
    node, staying = stack.nodes[2], stack.urls[:2]
    try:
        with load(*staying, rates=REQUESTS) as tally:
            time.sleep(5)
            stack.switch.cut(node)
            cut = time.monotonic()
            # Swarm notices by itself, and has the replica run elsewhere.
            elsewhere = wait_for(
                lambda: sum(n for name, n in stack.where().items() if name != node.name) == 3, 90
            )
            time.sleep(5)
            code, output = stack.make("swarm-ps")
        # Once the node is back, Swarm removes what ran there, and its log.
        began = logs(stack)
    finally:
        stack.switch.mend(node)
    assert f"node {node.name} is down" in output, output
    late = [at - cut for at in tally.failed_at]
    record(
        tally,
        f"a node cut off: failed ones were sent {min(late, default=0):.1f} to "
        f"{max(late, default=0):.1f} s after; three replicas again after {elsewhere:.0f} s",
    )
    assert all(at < NOTICE_SECONDS for at in late), (late, tally.failures)
    # What had gone there and was not answered, whatever its method: 504 after responseHeaderTimeout.
    assert all(re.search("HTTP 50[24]", output) for output in tally.failures), tally.failures
    never_twice(tally, began)


def logs(stack) -> str:
    """Of every container that the application had, on whichever node."""
    return "\n".join(
        node.docker("logs", container)
        for node in stack.nodes
        for container in node.docker("ps", "-aq", "--filter", "name=service_app").split()
    )


def test_the_node_comes_back_and_takes_load_again(stack, record):
    back = stack.nodes[2]
    wait_for(lambda: stack.where("traefik")[back.name] == 1, 60)
    with load(*stack.urls) as tally:
        stack.spread()
        time.sleep(5)
    requests = sum(
        back.docker("logs", "--since", "5s", container).count('"/api/v1/')
        for container in back.docker("ps", "-q", "--filter", "name=service_app").split()
    )
    record(tally, f"at the address of the node that came back too; {requests} in 5 s at its replica")
    assert not tally.failures
    assert requests > 20


def test_bad_settings_get_a_one_line_error_and_change_nothing(stack):
    versions = ("service", "inspect", "--format", "{{.Version.Index}}", "service_app", "service_traefik")
    before = stack.docker(*versions)
    for settings, pattern in (
        ({"APP_IMAGE": ""}, "APP_IMAGE is empty: .*the swarm has 3"),
        ({"BIND_ADDRESS": "127.0.0.1"}, "BIND_ADDRESS=127.0.0.1: Swarm always opens"),
        ({"APP_REPLICAS": 9}, "APP_REPLICAS=9: "),
        ({"TLS_CERT": "build/none.pem", "TLS_KEY": "build/none.pem"}, "TLS_CERT=build/none.pem: there is no"),
        ({"TLS_CERT": "build/none.pem"}, "set TLS_KEY too"),
        ({"DOMAIN": "api.example.com", "ACME_EMAIL": "ops@example.com"}, "TLS_CERT: DOMAIN needs it"),
    ):
        code, output = stack.make("swarm-deploy", **settings)
        assert code != 0
        assert len([line for line in output.splitlines() if "***" not in line]) == 1, output
        assert re.search(pattern, output), output
    assert stack.docker(*versions) == before


@pytest.fixture(scope="module")
def authority(cluster):
    if reason := lacking():
        pytest.skip(reason)
    ours = Authority(cluster.switch, cluster.path / "build" / "authority")
    ours.lego("run")
    return ours


def served(node, port: int, authority) -> int:
    """The serial number of the certificate that the node has for the domain, verified."""
    context = ssl.create_default_context(cafile=str(authority.folder / "ca.pem"))
    with socket.create_connection((node.address, port), timeout=5) as plain:
        with context.wrap_socket(plain, server_hostname=DOMAIN) as secure:
            return int(secure.getpeercert()["serialNumber"], 16)


def issued(authority) -> int:
    return x509.load_pem_x509_certificates(authority.certificate.read_bytes())[0].serial_number


def test_new_routes_and_a_new_certificate_restart_one_traefik_after_the_other(stack, authority, record):
    """Swarm's configs and secrets are immutable, so here an edit or a renewal is a restart: a client
    that goes to one address alone fails for that time. One that tries the next fails when its
    connection is closed under it, or meets a Traefik that has not read its routes yet (404)."""
    middlewares = stack.path / "traefik" / "dynamic" / "middlewares.toml"
    text = middlewares.read_text()
    scrub = "[http.middlewares.scrub-headers.headers.customRequestHeaders]"
    assert scrub in text
    answered = '[http.middlewares.scrub-headers.headers.customResponseHeaders]\n  X-Edited = "yes"\n\n'
    middlewares.write_text(text.replace(scrub, answered + scrub))
    with load(*stack.urls, rates=REQUESTS, elsewhere=True) as tally:
        with load(stack.urls[2], rates={"get": 20.0}) as alone:
            stack.must("swarm-deploy", TLS_CERT=authority.certificate, TLS_KEY=authority.key)
    record(
        tally,
        f"of clients with all addresses; with one alone {len(alone.failures)} of "
        f"{sum(alone.counts.values())} failed",
    )
    assert len(tally.failures) < sum(tally.counts.values()) / 100, tally.failures
    assert len(alone.failures) > len(tally.failures)
    for node in stack.nodes:
        answer = httpx.get(f"{stack.url(node)}/app", trust_env=False)
        assert answer.headers["x-edited"] == "yes"
        assert served(node, stack.https, authority) == issued(authority)
    for kind in ("config", "secret"):
        names = stack.docker(kind, "ls", "--format", "{{.Name}}").split()
        assert len(names) == {"config": 5, "secret": 2}[kind], f"of earlier deploys are left: {names}"
        assert len({name.rpartition("-")[0] for name in names}) == len(names), names


def test_a_domain_is_served_by_every_node_and_a_renewal_reaches_them_all(stack, authority):
    """docs/scaling.md: the settings in .env, then a renewal and `make swarm-deploy`."""
    first = issued(authority)
    (stack.path / ".env").write_text(
        f"BIND_ADDRESS=0.0.0.0\nDOMAIN={DOMAIN}\nTLS_CERT={authority.certificate}\n"
        f"TLS_KEY={authority.key}\nAPP_REPLICAS=3\nAPP_IMAGE=service-app:1\n"
    )
    authority.lego("renew", "--days", "366", "--no-random-sleep")
    assert issued(authority) != first
    environ = {k: v for k, v in stack.environ.items() if k not in ("HTTP_PORT", "HTTPS_PORT")}
    process = subprocess.run(
        ["make", "--no-print-directory", "swarm-deploy"],
        cwd=stack.path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert f"https://{DOMAIN}/api/v1/app" in process.stdout
    for node in stack.nodes:
        assert served(node, 443, authority) == issued(authority)
        answer = httpx.get(
            f"http://{node.address}/api/v1/items/?a=b", headers={"Host": DOMAIN}, trust_env=False
        )
        assert answer.status_code == 301
        assert answer.headers["location"] == f"https://{DOMAIN}/api/v1/items/?a=b"
        with socket.create_connection((node.address, 443), timeout=5) as plain:
            with pytest.raises(ssl.SSLError):
                ssl._create_unverified_context().wrap_socket(plain, server_hostname="another.example")
    assert stack.make("swarm-ps")[0] == 0


def test_rm_leaves_nothing(deployed):
    (deployed.path / ".env").unlink(missing_ok=True)
    assert "removed" in deployed.must("swarm-rm")
    for kind in ("config", "secret", "service"):
        assert not deployed.docker(kind, "ls", "-q")
    code, output = deployed.make("swarm-ps")
    assert code != 0 and "make swarm-deploy" in output
    assert "nothing was running" in deployed.must("swarm-rm")
