"""Metrics where nobody outside gets them, and what Prometheus and OpenTelemetry make of them."""

import gzip
import http.server
import json
import os
import re
import subprocess
import threading
import uuid
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client.parser import text_string_to_metric_families

from tests.checkout import ROOT, Checkout, docker, wait_for

FETCH = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=3).read().decode())"


def metrics(stack, url: str) -> dict[str, list]:
    """The samples at `url` as a container of the stack gets them, by name."""
    text = docker("exec", stack.container("app-2"), "python", "-c", FETCH, url)
    samples: dict[str, list] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append(sample)
    return samples


def test_metrics_are_labelled_by_route_template_and_only_on_the_internal_network(stack):
    for number in range(20):
        httpx.get(f"{stack.url}/made-up/{uuid.uuid4()}", trust_env=False)
        httpx.get(f"{stack.url}/first-chunk/{number}", trust_env=False)
        httpx.get(f"{stack.url}/sub/app", trust_env=False)
    routes = set()
    for replica in ("app", "app-2"):
        samples = metrics(stack, f"http://{replica}:9000/metrics")
        routes |= {sample.labels["route"] for sample in samples["http_requests_total"]}
        assert samples["http_request_duration_seconds_count"] and samples["http_requests_in_progress"]
    assert {"/first-chunk/{key}", "/sub/app", "none"} <= routes
    assert len(routes) < 12 and not any("made-up" in route for route in routes), routes
    traefik = metrics(stack, "http://traefik:8082/metrics")
    assert {"http", "https"} & {
        one.labels["entrypoint"] for one in traefik["traefik_entrypoint_requests_total"]
    }
    for service in ("traefik", "app", "app-2"):
        ports = json.loads(docker("inspect", stack.container(service)))[0]["NetworkSettings"]["Ports"]
        published = {port for port, hosts in ports.items() if hosts}
        assert not published & {"8082/tcp", "9000/tcp"}
    for port in (stack.http, stack.https, stack.direct):
        scheme = "https" if port == stack.https else "http"
        for path in ("/metrics", "/api/v1/metrics"):
            answer = httpx.get(f"{scheme}://127.0.0.1:{port}{path}", verify=False, trust_env=False)
            assert answer.status_code == 404


def test_every_worker_s_requests_are_counted(stack):
    stack.must("up", APP_WORKERS=2, APP_REPLICAS=1)
    for _ in range(40):
        assert httpx.get(f"http://127.0.0.1:{stack.direct}/items/", trust_env=False).status_code == 200
    text = docker("exec", stack.container("app"), "python", "-c", FETCH, "http://app:9000/metrics")
    assert 'http_requests_total{method="GET",route="/items/",status="200"} 40.0' in text


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory) -> Path:
    """The folder with Debian's Prometheus in it."""
    folder = tmp_path_factory.mktemp("prometheus")
    process = subprocess.run(["apt-get", "download", "-qq", "prometheus"], cwd=folder, capture_output=True)
    if process.returncode:
        pytest.skip("Debian's package prometheus cannot be downloaded")
    subprocess.run(["dpkg", "-x", str(next(folder.glob("*.deb"))), "."], cwd=folder, check=True)
    folder.chmod(0o755)
    return folder / "usr" / "bin"


def test_prometheus_finds_every_replica_and_its_rules_hold(stack, prometheus):
    rules = subprocess.run(
        [prometheus / "promtool", "check", "rules", ROOT / "deploy" / "observability" / "alerts.yml"],
        capture_output=True,
        text=True,
    )
    assert rules.returncode == 0 and "5 rules" in rules.stdout, rules.stdout + rules.stderr
    network = next(
        name
        for name in json.loads(docker("inspect", stack.container("app")))[0]["NetworkSettings"]["Networks"]
        if name.endswith("_internal")
    )
    running = docker(
        "run",
        "--detach",
        "--rm",
        "--network",
        network,
        "--tmpfs",
        "/tmp:mode=1777",
        "-v",
        f"{prometheus}:/p:ro",
        "-v",
        f"{stack.path}/deploy/observability:/etc/prometheus:ro",
        f"{stack.path.name}-app",
        "/p/prometheus",
        "--config.file=/etc/prometheus/prometheus.yml",
        "--storage.tsdb.path=/tmp/data",
    )
    try:

        def targets() -> set[str]:
            text = docker("exec", running, "python", "-c", FETCH, "http://127.0.0.1:9090/api/v1/targets")
            active = json.loads(text)["data"]["activeTargets"]
            return {
                one["labels"].get("replica", one["labels"]["job"]) for one in active if one["health"] == "up"
            }

        docker("exec", running, "python", "-c", "import time; time.sleep(5)")
        wait_for(lambda: targets() == {"traefik", "app", "app-2"}, 40)
    finally:
        docker("rm", "--force", running)


def test_the_grafana_dashboard_uses_only_metrics_that_exist(stack):
    httpx.get(f"{stack.url}/app", trust_env=False)
    there = {*metrics(stack, "http://app:9000/metrics"), *metrics(stack, "http://traefik:8082/metrics")}
    board = json.loads((ROOT / "deploy/observability/grafana/dashboards/service.json").read_text())
    queries = {
        name
        for panel in board["panels"]
        for target in panel["targets"]
        for name in re.findall(r"\b(?:traefik|http)_\w+", target["expr"])
    }
    assert len(board["panels"]) == 8 and queries <= there, queries - there
    alerts = (ROOT / "deploy/observability/alerts.yml").read_text()
    names = set(re.findall(r"\b(?:traefik|http)_\w+(?=[{\[ )])", alerts)) - {"traefik_tls_certs_not_after"}
    assert names <= there, names - there


class Collector(http.server.BaseHTTPRequestHandler):
    """Takes OTLP over HTTP, and keeps which services sent which traces and metrics."""

    spans: list[tuple[str, str]] = []
    metrics: set[tuple[str, str]] = set()

    def do_POST(self) -> None:
        body = self._body()
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                name = service(resource.resource)
                self.spans += [
                    (name, span.trace_id.hex())
                    for scope in resource.scope_spans
                    for span in scope.spans
                    if span.kind == Span.SPAN_KIND_SERVER
                ]
        elif self.path == "/v1/metrics":
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for scope in resource.scope_metrics:
                    self.metrics.update((service(resource.resource), metric.name) for metric in scope.metrics)
        self.send_response(200)
        self.end_headers()

    def _body(self) -> bytes:
        if length := self.headers["Content-Length"]:
            return self.rfile.read(int(length))
        body = b""  # Traefik's exporter sends chunks
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *_args) -> None:
        pass


def service(resource) -> str:
    return next(one.value.string_value for one in resource.attributes if one.key == "service.name")


def test_one_setting_exports_traces_and_metrics_of_proxy_and_application():
    """Natively, so that the collector is on loopback."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    checkout = Checkout(ROOT / "build" / "telemetry", "native")
    checkout.fill()
    checkout.environ |= {"OTEL_METRIC_EXPORT_INTERVAL": "1000", "OTEL_BSP_SCHEDULE_DELAY": "200"}
    try:
        endpoint = f"http://127.0.0.1:{server.server_port}"
        code, output = checkout.make("up", OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)
        assert code == 0, output
        trace = uuid.uuid4().hex
        for _ in range(3):
            httpx.get(
                f"http://127.0.0.1:{checkout.http}/api/v1/app",
                trust_env=False,
                headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"},
            )
        wait_for(lambda: all(Collector.spans.count((name, trace)) == 3 for name in ("traefik", "app")), 20)
        assert {name for name, other in Collector.spans if other != trace} <= {"traefik"}, "health checks"
        wait_for(lambda: {name for name, _ in Collector.metrics} == {"traefik", "app"}, 40)
    finally:
        checkout.make("down")
        server.shutdown()
        server.server_close()
        subprocess.run(["rm", "-r", str(checkout.path)], check=True, env=os.environ)
