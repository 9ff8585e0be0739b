"""This project's own stack, healthy and broken on purpose: no false finding, and the right first one."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.checkout import ROOT, Checkout, wait_for
from tests.checkout import docker as engine
from tests.hosts import PYTHON, SESSION


class Examined(Checkout):
    def doctor(self, url: str = "", **environ: str) -> dict:
        clean = {k: v for k, v in self.environ.items() if not k.startswith(SESSION)}
        result = subprocess.run(
            [PYTHON, "-m", "behindproxy", "doctor", "--json", *filter(None, [url])],
            cwd=self.path,
            env=clean | environ | {"PYTHONPATH": "src"},  # the copy's own tools, which know the copy
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert result.returncode in (0, 1), result.stderr
        return json.loads(result.stdout) | {"exit": result.returncode}

    def first(self, url: str = "", **environ: str) -> str:
        """The id of the first error; empty: nothing is wrong."""
        report = self.doctor(url, **environ)
        ids = [one["id"] for one in report["findings"] if one["mark"] == "error"]
        assert report["exit"] == bool(ids), report["findings"]
        return ids[0] if ids else ""

    def routes(self, old: str, new: str) -> None:
        """Save the routes as an editor does: the new file is there for a moment before it replaces the old
        one, which Traefik reads once more then."""
        path = self.path / "traefik" / "dynamic" / "routes.toml"
        text = (ROOT / "traefik" / "dynamic" / "routes.toml").read_text()
        assert old in text
        path.with_suffix(".edit").write_text(text.replace(old, new))
        time.sleep(0.1)
        path.with_suffix(".edit").replace(path)


def checkout(runtime: str):
    own = Examined(ROOT / "build" / f"examined-{runtime}", runtime)
    own.fill()
    yield own
    own.make("clean")
    leftovers = not own.nothing_left()
    shutil.rmtree(own.path, ignore_errors=True)
    assert not leftovers, "processes or containers were left"


@pytest.fixture(scope="module")
def native():
    yield from checkout("native")


@pytest.fixture(scope="module")
def docker():
    if subprocess.run(["docker", "version"], capture_output=True, check=False).returncode:
        pytest.skip("no Docker engine answers")
    yield from checkout("docker")


@pytest.fixture
def running(native):
    native.routes("", "")
    native.must("up")
    # Traefik may still have the routes of the test before.
    wait_for(lambda: send(f"http://127.0.0.1:{native.http}/api/v1/app").endswith("200"), 10)
    return native


def own_address() -> str:
    """An IPv4 address of this machine that is not loopback."""
    for name, all_ in psutil.net_if_addrs().items():
        for one in all_:
            if (
                one.family == socket.AF_INET
                and not one.address.startswith("127.")
                and name.startswith(("e", "w"))
            ):
                return one.address
    pytest.skip("this machine has no address but loopback")


def test_the_healthy_stack_has_no_finding(running):
    report = running.doctor()
    assert report["findings"] == [], report["findings"]
    text = " ".join(step["text"] for step in report["steps"])
    for url in (
        f"http://127.0.0.1:{running.http}/api/v1",
        f"https://127.0.0.1:{running.https}/api/v1",
        f"http://127.0.0.1:{running.direct}",
    ):
        assert f"{url}/healthz: 200" in text
        assert running.first(f"{url}/app", CA_FILE=str(running.path / "build/tls/ca.pem")) == ""


def test_a_stack_with_another_prefix_unstripped_and_two_workers_has_no_finding(running):
    running.must("up", API_PREFIX="/shop/api", STRIP_PREFIX="false", APP_WORKERS=2, APP_SERVER="gunicorn")
    assert running.doctor()["findings"] == []


def test_a_url_of_the_wrong_entrypoint_is_reported_with_the_right_one(running):
    base, direct = f"http://127.0.0.1:{running.http}", f"http://127.0.0.1:{running.direct}"
    for url, cause in (
        (f"{direct}/api/v1/app", "url.prefix"),
        (f"{base}/app", "url.prefix"),
        (f"{base}/api/v1/nowhere", "url.no_such_path"),
        (f"{base}/", "url.prefix"),
    ):
        assert running.first(url) == cause, url
    finding = running.doctor(f"{direct}/api/v1/app")["findings"][0]
    assert finding["fix"] == f"use {direct}/app"


def test_an_address_that_bind_address_keeps_closed_is_reported_with_the_setting(running):
    here = own_address()
    assert running.first(f"http://{here}:{running.direct}/app") == "url.direct_is_local"
    finding = running.doctor(f"http://{here}:{running.http}/api/v1/app")["findings"][0]
    assert finding["id"] == "url.bound_to_loopback"
    assert finding["fix"].startswith("set BIND_ADDRESS=0.0.0.0")


def test_an_open_address_that_public_hosts_refuses_is_reported_with_the_setting(running):
    here = own_address()
    running.must("up", BIND_ADDRESS="0.0.0.0", PROBE=0)
    findings = running.doctor()["findings"]
    assert findings[0]["id"] == "hosts.refused" and here in findings[0]["fix"]
    findings = running.doctor(f"http://{here}:{running.http}/api/v1/app")["findings"][0]
    assert findings["id"] == "url.host" and here in findings["fix"]
    hosts = findings["fix"].split("PUBLIC_HOSTS=")[1].split(" ")[0]
    running.must("up", BIND_ADDRESS="0.0.0.0", PROBE=0, PUBLIC_HOSTS=hosts)
    assert here not in " ".join(one["text"] for one in running.doctor()["findings"])
    assert running.first(f"http://{here}:{running.http}/api/v1/app") == ""


def app_process(stack) -> psutil.Process:
    return next(
        psutil.Process(c.pid)
        for c in psutil.net_connections("tcp")
        if c.status == "LISTEN" and c.laddr.port == stack.direct
    )


def test_a_suspended_process_is_reported(running):
    process = app_process(running)
    process.suspend()
    try:
        findings = running.doctor()["findings"]
        assert findings[0]["id"] == "process.stopped" and str(process.pid) in findings[0]["fix"]
        public = f"http://127.0.0.1:{running.http}/api/v1/app"
        wait_for(lambda: running.first(public) == "process.stopped", 15)  # once Traefik says 503
    finally:
        process.resume()


def test_routes_that_traefik_rejected_are_reported(running):
    running.routes("[http.routers.app]", "[http.routers.app")
    wait_for(running.first, 10)
    assert running.first() == "routes.not_taken"
    running.routes("", "")
    assert running.first() == ""
    assert "routes   taken" in running.must("ps")


def test_a_router_with_another_prefix_is_reported(running):
    running.routes("PathPrefix(`{{ $prefix }}/`)", "PathPrefix(`/api/v2/`)")
    wait_for(running.first, 10)
    findings = running.doctor()["findings"]
    assert findings[0]["id"] == "entrypoint.no_route", findings
    assert running.first(f"http://127.0.0.1:{running.http}/api/v1/app") == "url.no_route"


SLOW = """
import asyncio, contextlib, os
from fastapi import FastAPI, HTTPException, Request

@contextlib.asynccontextmanager
async def lifespan(_):
    await asyncio.sleep(float(os.environ.get("SLOW_START", 0)))
    yield

app = FastAPI(lifespan=lifespan)

@app.get("/reports/{name}")
async def report(name: str, seconds: float = 0):
    await asyncio.sleep(seconds)
    return {"report": name}

@app.put("/blobs")
async def blob(request: Request):
    return {"bytes": len(await request.body())}

@app.get("/ends")
async def ends():
    os._exit(1)

@app.get("/orders")
async def orders():
    raise HTTPException(502, "the billing service did not answer")
"""


@pytest.fixture
def slow(running):
    """The stack with an application whose responses take as long as a request says."""
    (running.path / "app" / "slow.py").write_text(SLOW)
    yield running
    (running.path / "app" / "slow.py").unlink()
    running.must("down")


def send(url: str, *more: str) -> str:
    """The status that curl gets, and the body."""
    return subprocess.run(
        ["curl", "-s", "--noproxy", "*", "--max-time", "90", "-w", " %{http_code}", *more, url],
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def notes(report: dict) -> dict[str, str]:
    return {one["id"]: f"{one['text']} {one['fix']}" for one in report["findings"]}


def test_a_request_that_a_time_limit_ended_is_reported_with_the_setting(slow):
    """A response that takes longer than Traefik waits, and an upload that takes longer than a client may."""
    slow.must("up", APP_MODULE="app.slow:app")
    base = f"http://127.0.0.1:{slow.http}/api/v1"
    with ThreadPoolExecutor(2) as pool:
        upload = pool.submit(send, f"{base}/blobs", "-T", "/dev/zero", "--limit-rate", "1k")
        late = slow.doctor(f"{base}/reports/year?seconds=40")
        assert upload.result().endswith(("504", "499"))
    assert late["exit"] == 1
    assert [one["id"] for one in late["findings"]] == ["url.answer_limit"], late["findings"]
    assert "ANSWER_SECONDS=30" in late["findings"][0]["text"]
    report = slow.doctor()
    assert report["exit"] == 0
    texts = notes(report)
    assert texts.keys() == {"requests.answer_limit", "requests.request_limit"}, texts
    assert "ANSWER_SECONDS=60" in texts["requests.answer_limit"]
    assert "REQUEST_SECONDS=60" in texts["requests.request_limit"]
    assert "PUT /api/v1/blobs, " in texts["requests.request_limit"]


def test_the_application_s_own_502_is_not_reported_as_a_time_limit(slow):
    slow.must("up", APP_MODULE="app.slow:app")
    base = f"http://127.0.0.1:{slow.http}/api/v1"
    findings = slow.doctor(f"{base}/orders")["findings"]
    assert [one["id"] for one in findings] == ["url.application_failed"]
    text = findings[0]["text"]
    assert "the application itself responded with 502" in text and "billing" in text
    assert slow.doctor()["findings"] == []
    assert slow.first(f"{base}/reports/a?seconds=8") == ""


def test_a_process_that_exits_in_a_request_is_not_reported_as_a_time_limit(slow):
    slow.must("up", APP_MODULE="app.slow:app", APP_WORKERS=2)
    url = f"http://127.0.0.1:{slow.http}/api/v1/ends"
    assert send(url).endswith("502")
    wait_for(lambda: slow.doctor()["exit"] == 0, 20)
    assert notes(slow.doctor()).keys() == {"requests.server_ended"}
    assert slow.first(url) == "url.server_ended"


AWAY = """
[http.routers.away]
rule = "PathPrefix(`/api/v1/away`)"
priority = 200
middlewares = ["app"]
service = "away"
[http.services.away.loadBalancer]
servers = [{url = "http://127.0.0.1:9"}]
"""


def test_a_server_that_accepts_no_connection_is_not_reported_as_a_time_limit(running):
    """A second service, whose health nobody checks: a request is retried until the end."""
    file = running.path / "traefik" / "dynamic" / "away.toml"
    file.write_text(AWAY)
    url = f"http://127.0.0.1:{running.http}/api/v1/away"
    try:
        wait_for(lambda: send(url).endswith("502"), 30)
        assert running.first(url) == "url.no_application"
        report = running.doctor()
    finally:
        file.unlink()
    assert report["exit"] == 0
    texts = notes(report)
    assert texts.keys() == {"requests.no_connection"}, texts
    assert "no server accepted a connection" in texts["requests.no_connection"]


def test_an_encoded_character_that_traefik_refuses_is_named(running):
    findings = running.doctor(f"http://127.0.0.1:{running.http}/api/v1/units/m%2Fs")["findings"]
    assert [one["id"] for one in findings] == ["url.encoded"]
    assert "Traefik refuses %2F" in findings[0]["text"] and "ENCODED_CHARACTERS=" in findings[0]["fix"]
    assert "GET /api/v1/units/m%2Fs, 400" in notes(running.doctor())["requests.encoded"]
    # Past the proxy it arrives.
    assert running.first(f"http://127.0.0.1:{running.direct}/units/m%2Fs") == "url.no_such_path"


def test_an_application_that_is_starting_is_not_reported_as_an_error(slow):
    slow.must("down")
    starting = slow.start("up", APP_MODULE="app.slow:app", SLOW_START=12)
    try:
        wait_for(lambda: "process.starting" in notes(slow.doctor()), 30)
        report = slow.doctor()
        assert notes(report).keys() == {"process.starting"} and report["exit"] == 0, report["findings"]
        through = slow.doctor(f"http://127.0.0.1:{slow.http}/api/v1/reports/a")
        assert notes(through).keys() == {"process.starting"} and through["exit"] == 0, through["findings"]
    finally:
        output, _ = starting.communicate(timeout=60)
    assert starting.returncode == 0, output
    assert slow.first() == ""


def test_a_killed_supervisor_is_reported(running):
    daemon = int((running.path / "build/native/supervisord.pid").read_text())
    os.kill(daemon, signal.SIGKILL)
    wait_for(lambda: not psutil.pid_exists(daemon) or psutil.Process(daemon).status() == "zombie", 10)
    assert running.first() == "native.gone"
    running.must("down")


def test_a_port_that_another_process_has_is_reported_before_the_stopped_stack(native):
    native.must("down")
    assert native.first() == "stack.not_running"
    assert native.first(f"http://127.0.0.1:{native.http}/api/v1/app") == "url.nothing_listens"
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", native.http))
        other.listen()
        findings = native.doctor()["findings"]
    assert [one["id"] for one in findings] == ["port.taken", "stack.not_running"]
    assert f"pid {os.getpid()}" in findings[0]["text"]


def test_an_invalid_setting_causes_one_line_and_exit_2(native):
    result = subprocess.run(
        [PYTHON, "-m", "behindproxy", "doctor"],
        cwd=native.path,
        capture_output=True,
        text=True,
        check=False,
        env=native.environ | {"API_PREFIX": "api"},
        timeout=60,
    )
    assert result.returncode == 2
    assert result.stderr.startswith("API_PREFIX=api: ") and result.stderr.count("\n") == 1


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://127.0.0.1/", "http://:8000/", "http://a:b/"])
def test_an_invalid_url_causes_one_line_and_exit_2(url, native):
    result = subprocess.run(
        [PYTHON, "-m", "behindproxy", "doctor", url],
        cwd=native.path,
        capture_output=True,
        text=True,
        env=native.environ,
        check=False,
        timeout=60,
    )
    assert result.returncode == 2
    assert result.stderr.startswith(f"URL={url}: ") and result.stderr.count("\n") == 1


# -- Docker --


@pytest.fixture
def up(docker):
    (docker.path / "docker-compose.override.yml").unlink(missing_ok=True)
    docker.must("up")
    return docker


def apply(stack, override: str) -> None:
    """Recreates the app with it, as `docker compose up` does; `make up` would refuse what is not healthy."""
    (stack.path / "docker-compose.override.yml").write_text(override)
    code = (
        "from behindproxy.stack import docker, state; s = state.load()[1]; "
        "docker.step(docker.compose(), ['up', '--detach', '--no-build', 'app'], docker.environment(s))"
    )
    environ = stack.environ | {"PYTHONPATH": "src"}
    subprocess.run([PYTHON, "-c", code], cwd=stack.path, env=environ, check=True, timeout=120)


def test_the_healthy_stack_in_docker_has_no_finding(up):
    report = up.doctor()
    assert report["findings"] == [], report["findings"]
    texts = [step["text"] for step in report["steps"]]
    assert any("listens on 8000 in its container" in text for text in texts)
    assert "the application in its own container: 200" in texts
    assert "Traefik, over the container network: 200" in texts
    assert f"127.0.0.1:{up.direct} leads to app, 8000 in its container" in texts


@pytest.mark.parametrize(
    "command, service, finding",
    [
        ("kill", "app", "container.ended"),
        ("kill", "traefik", "container.ended"),
        ("pause", "app", "container.paused"),
        ("rm -f", "app", "container.missing"),
    ],
)
def test_a_container_that_is_killed_or_paused_or_removed_is_reported(up, command, service, finding):
    id_ = up.container(service)
    engine(*command.split(), id_)
    try:
        assert up.first() == finding
        if service == "app" and command == "kill":
            wait_for(lambda: up.first(f"http://127.0.0.1:{up.http}/api/v1/app") == finding, 10)
    finally:
        if command == "pause":
            engine("unpause", id_)


@pytest.mark.parametrize(
    "change, finding",
    [
        ("environment: {APP_HOST: 127.0.0.1}", "container.loopback"),
        (
            "environment: {APP_PORT: 8001, START_SECONDS: 1}\n"
            "    healthcheck: {start_period: 0s, interval: 1s, retries: 1}",
            "container.other_port",
        ),
        (
            'healthcheck: {test: [CMD, "false"], start_period: 0s, interval: 1s, retries: 1}',
            "container.unhealthy",
        ),
        ("ports: !override ['0.0.0.0:DIRECT:8000']", "direct.open"),
        ("ports: !override ['127.0.0.1:DIRECT:9000']", "port.wrong_target"),
        ("ports: !reset []", "port.not_published"),
    ],
)
def test_a_mistake_in_the_compose_file_is_named(up, change, finding):
    apply(up, f"services:\n  app:\n    {change.replace('DIRECT', str(up.direct))}\n")
    wait_for(lambda: up.doctor()["findings"] and "container.starting" not in str(up.doctor()["findings"]), 30)
    assert up.first() == finding


def inside(report: dict, service: str) -> list[int]:
    """The ports on which something listens in the container."""
    container = next(
        one for one in report["facts"]["containers"] if one["ours"] and one["service"] == service
    )
    return [one["port"] for one in container["listeners"] or ()]


def test_a_part_of_the_stack_that_is_starting_is_not_reported_as_an_error(up):
    """Another port first, as a library for metrics may open it; the public entrypoint has no server then."""
    later = "python -m http.server 8123 & sleep 15; kill $$!; exec python -m behindproxy_serve"
    apply(up, f"services:\n  app:\n    command: {json.dumps(['sh', '-c', later])}\n")
    wait_for(lambda: 8123 in inside(up.doctor(), "app"), 20)
    assert notes(up.doctor()).keys() == {"container.starting"}
    for url in ("", f"http://127.0.0.1:{up.http}/api/v1/app", f"http://127.0.0.1:{up.direct}/app"):
        report = up.doctor(url)
        assert report["exit"] == 0, (url, report["findings"])
    wait_for(lambda: "container.starting" not in notes(up.doctor()), 60)
    assert up.first() == ""


def test_an_engine_that_does_not_respond_is_reported(up):
    findings = up.doctor(DOCKER_HOST="unix:///nonexistent/docker.sock")["findings"]
    assert findings[0]["id"] == "engine.silent"


@pytest.fixture
def twin(docker):
    """`docker run …` of the application's image with a server of its own, no part of a stack."""
    docker.must("up")
    image = engine("inspect", "--format", "{{.Image}}", docker.container("app"))
    ids = []

    def run(publish: str, *command: str, port: int) -> str:
        ids.append(engine("run", "-d", "-e", "PROXY_ADDRESS=127.0.0.1", "-p", publish, image, *command))
        wait_for(lambda: f":{port:04X} " in engine("exec", ids[-1], "cat", "/proc/net/tcp"), 20)
        return ids[-1]

    yield run
    for id_ in ids:
        engine("rm", "-f", id_)


def test_a_server_on_its_container_s_loopback_is_reported(docker, twin):
    """Bound to 127.0.0.1 in its container, the port published: connected, and closed at once."""
    port = docker.direct + 4
    server = ["uvicorn", "app.main:app", "--port", "8000"]
    first = twin(f"{port}:8000", *server, port=8000)
    for address in ("127.0.0.1", own_address()):
        finding = docker.doctor(f"http://{address}:{port}/app")["findings"][0]
        assert finding["id"] == "url.container_loopback" and "--host 0.0.0.0" in finding["fix"], finding
    engine("rm", "-f", first)
    twin(f"127.0.0.1:{port}:8000", *server, "--host", "0.0.0.0", port=8000)
    assert docker.first(f"http://127.0.0.1:{port}/app") == ""
    assert docker.first(f"http://{own_address()}:{port}/app") == "url.published_on_loopback"


def test_a_container_that_is_starting_is_not_reported_as_an_error(docker):
    docker.must("up")
    image = engine("inspect", "--format", "{{.Image}}", docker.container("app"))
    port = docker.direct + 4
    later = f"sleep 10; exec uvicorn app.main:app --host 0.0.0.0 --port {port}"
    id_ = engine(
        "run",
        "-d",
        "-e",
        "PROXY_ADDRESS=127.0.0.1",
        "-p",
        f"127.0.0.1:{port}:{port}",
        image,
        "sh",
        "-c",
        later,
    )
    try:
        report = docker.doctor(f"http://127.0.0.1:{port}/app")
        assert notes(report).keys() == {"url.container_starting"} and report["exit"] == 0, report["findings"]
        wait_for(lambda: docker.doctor(f"http://127.0.0.1:{port}/app")["findings"] == [], 40)
    finally:
        engine("rm", "-f", id_)


def test_the_reason_why_another_container_does_not_respond_is_reported(docker, twin):
    port = docker.direct + 4
    id_ = twin(
        f"127.0.0.1:{port}:9000", "uvicorn", "app.main:app", "--port", "8000", "--host", "0.0.0.0", port=8000
    )
    url = f"http://127.0.0.1:{port}/app"
    # The image's own health check takes seconds to say that it is up.
    wait_for(lambda: docker.first(url), 30)
    finding = docker.doctor(url)["findings"][0]
    assert finding["id"] == "url.container_other_port" and "8000" in finding["fix"]
    engine("pause", id_)
    assert docker.first(url) == "url.container_paused"
    engine("unpause", id_)
    engine("kill", id_)
    assert docker.first(url) == "url.container_ended"


def test_a_request_that_traefik_refused_is_found_in_its_container_s_log(docker):
    docker.must("up")
    assert docker.first(f"http://127.0.0.1:{docker.http}/api/v1/units/m%2Fs") == "url.encoded"
    assert "GET /api/v1/units/m%2Fs, 400" in notes(docker.doctor())["requests.encoded"]
