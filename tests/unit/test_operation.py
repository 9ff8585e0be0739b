"""Health, limits, ids and metrics of serve/, and what stack/ knows of production, without a server."""

import json
import os
import socketserver
import ssl
import subprocess
import sys
import threading
import time
import tomllib
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace

import anyio
import pytest
import yaml
from cryptography import x509
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route

from behindproxy.stack import acme, certificate, docker, metrics, ports, render, rolling, state, trim
from behindproxy.stack.paths import ROOT
from behindproxy.stack.settings import StackSettings, read
from behindproxy_serve.middleware import body_limit
from behindproxy_serve.middleware.body_limit import BodyLimit
from behindproxy_serve.middleware.health import Health
from behindproxy_serve.middleware.whole_body import WholeBody

from .asgi import request

CHUNKED = [("transfer-encoding", "chunked")]


def ask(app, path="/", method="GET", body=(b"",), headers=()):
    """The status and body that `app` answers; `body` in the parts given."""
    scope, messages = request(app, path, method, body, headers)
    starts = [message for message in messages if message["type"] == "http.response.start"]
    assert len(starts) == 1, "one response"
    return starts[0]["status"], b"".join(m.get("body", b"") for m in messages), scope


async def length(request):
    return JSONResponse({"length": len(await request.body())})


async def early(request):
    async def parts():
        yield b"begun"
        async for part in request.stream():
            yield part

    return StreamingResponse(parts())


LIMITED = BodyLimit(
    Starlette(routes=[Route("/", length, methods=["POST"]), Route("/early", early, methods=["POST"])]), 10
)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ([b"0123456789"], [("content-length", "10")], 200),
        ([b"01234", b"56789"], CHUNKED, 200),
        ([b"01234567890"], [("content-length", "11")], 413),
        ([b"01234", b"567890"], CHUNKED, 413),  # never announced
        ([b"0"], [("content-length", "1" * 5000)], 413),  # no int for Python
        ([b"0"], [("content-length", "0" * 5000)], 200),
        ([b"0"], [("content-length", "nonsense")], 200),  # the server's to refuse
    ],
)
def test_a_body_above_the_limit_is_413(body, headers, status):
    observed, text, _ = ask(LIMITED, method="POST", body=body, headers=headers)
    assert observed == status
    if status == 413:
        assert json.loads(text)["status"] == 413
        assert "MAX_BODY_BYTES" in json.loads(text)["detail"]


async def post(layer, size, complete, statuses):
    """Send `size` bytes to `layer`, and the end of the body once `complete` is set."""
    parts = [b"x" * size]

    async def receive():
        if not parts:
            await complete.wait()
        return {
            "type": "http.request",
            "body": parts.pop() if parts else b"",
            "more_body": not complete.is_set(),
        }

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append((message["status"], dict(message["headers"]).get(b"retry-after")))

    scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": "/", "query_string": b""}
    await layer({**scope, "headers": [(b"transfer-encoding", b"chunked")]}, receive, send)


def test_bodies_that_are_too_many_bytes_together_are_503_and_small_ones_are_taken(monkeypatch):
    monkeypatch.setattr(body_limit, "SMALL_BYTES", 10)
    monkeypatch.setattr(body_limit, "TOGETHER_BYTES", 100)
    layer = BodyLimit(Starlette(routes=[Route("/", length, methods=["POST"])]), 20)
    statuses = []

    async def together():
        complete, at_once = anyio.Event(), anyio.Event()
        at_once.set()
        async with anyio.create_task_group() as group:
            for _ in range(11):
                group.start_soon(post, layer, 20, complete, statuses)
            await anyio.wait_all_tasks_blocked()
            await post(layer, 10, at_once, statuses)
            await post(layer, 20, at_once, statuses)
            assert statuses == [(503, b"5"), (200, None), (503, b"5")]
            complete.set()
        await post(layer, 20, at_once, statuses)

    anyio.run(together)
    assert statuses[3:] == [(200, None)] * 11 and layer.total_bytes == 0


def test_larger_bodies_may_be_more_bytes_together():
    assert BodyLimit(None, 10 * 2**20).together == 128 * 2**20
    assert BodyLimit(None, 2**30).together == 4 * 2**30


def test_an_answer_that_has_begun_is_not_followed_by_another():
    status, text, _ = ask(LIMITED, "/early", method="POST", body=[b"01234", b"567890"])
    assert status == 200 and text.startswith(b"begun")


def test_readiness_is_the_application_s_until_it_drains(tmp_path):
    mark = tmp_path / "draining"
    own = Starlette(routes=[Route("/readyz", lambda _: PlainTextResponse("mine", 200))])
    none = Starlette()
    broken = Starlette(routes=[Route("/readyz", lambda _: PlainTextResponse("", 500))])
    assert [ask(Health(app, "/p", mark), "/readyz")[0] for app in (own, none, broken)] == [200, 200, 500]
    assert ask(Health(none, "/p", mark), "/p/readyz")[0] == 200
    assert ask(Health(none, "/p", mark), "/other")[0] == 404
    mark.touch()
    for app in (own, none):
        assert ask(Health(app, "/p", mark), "/readyz")[0] == 503
        assert ask(Health(app, "/p", mark), "/p/readyz")[0] == 503
        assert ask(Health(app, "/p", mark), "/healthz")[0] == 200


def test_a_client_s_wrong_password_says_nothing_of_the_health(tmp_path):
    statuses = iter([401, 401, 503, 401])

    async def app(scope, receive, send):
        await JSONResponse({}, next(statuses))(scope, receive, send)

    health = Health(app, "/p", tmp_path / "draining")
    client = [("x-forwarded-for", "192.0.2.1")]
    answers = [ask(health, "/readyz", headers=headers)[0] for headers in (client, client, (), client)]
    # Each came to the application, and once it has told its health its own word counts.
    assert answers == [200, 200, 503, 401]


@pytest.mark.parametrize("own", [200, 400, 500])
def test_a_client_cannot_make_a_replica_unhealthy(tmp_path, own):
    """Where its own request gets another response than the health check's: a malformed header, a password."""

    async def app(scope, receive, send):
        status = own if any(name == b"x-odd" for name, _ in scope["headers"]) else 404
        await PlainTextResponse("", status)(scope, receive, send)

    health = Health(app, "/p", tmp_path / "draining")
    client = [("x-forwarded-for", "192.0.2.1"), ("x-odd", "1")]
    assert [ask(health, "/readyz", headers=headers)[0] for headers in (client, ())] == [own, 200]


@pytest.mark.parametrize(
    ("own", "other"),
    [
        *((status, 200) for status in (204, 301, 307, 401, 403, 404, 405, 421, 422, 429)),
        (400, 400),  # TrustedHostMiddleware's: nobody would be served
        *((status, status) for status in (500, 503)),
    ],
)
@pytest.mark.parametrize("path", ["/readyz", "/healthz"])
def test_what_answers_below_500_is_alive(tmp_path, own, other, path):
    async def app(scope, receive, send):
        await PlainTextResponse("its own", own)(scope, receive, send)

    status, text, _ = ask(Health(app, "/p", tmp_path / "draining"), path)
    assert status == (204 if own == 204 else other)
    assert (b"its own" in text) == (own in (204, 400, 500, 503))


@pytest.mark.parametrize("path", ["/readyz", "/healthz"])
def test_an_application_without_one_is_asked_once_a_minute(tmp_path, monkeypatch, path):
    answer, now = [], [1000.0]

    async def none(scope, receive, send):
        answer.append((scope["method"], scope["path"]))
        await PlainTextResponse("", 404)(scope, receive, send)

    monkeypatch.setattr("behindproxy_serve.middleware.health.time", SimpleNamespace(monotonic=lambda: now[0]))
    app = Health(none, "/p", tmp_path / "draining")
    for now[0] in (1000.0, 1001.0, 1059.0, 1061.0, 1062.0):
        assert ask(app, path)[0] == 200
    assert ask(app, path, method="HEAD")[0] == 200
    assert answer == [("GET", path), ("GET", path), ("HEAD", path)]
    assert ask(app, path, method="POST")[0] == 404  # its own
    assert answer[-1] == ("POST", path)


def production(tmp_path, **more):
    return read({"DOMAIN": "api.example.com", "ACME_EMAIL": "ops@example.com", **more}, tmp_path / "none")


def test_the_static_file_of_production(tmp_path):
    config = tomllib.loads(render.static(production(tmp_path), native=False))
    points = config["entryPoints"]
    assert (points["http"]["address"], points["https"]["address"]) == (":80", ":443")
    assert points["http"]["http"]["redirections"]["entryPoint"]["to"] == ":443"
    authority = config["certificatesResolvers"]["acme"]["acme"]
    assert authority["httpChallenge"] == {"entryPoint": "http", "delay": "2s"}
    assert "caServer" not in authority
    assert config["providers"]["providersThrottleDuration"] == "0s"
    other = production(tmp_path, ACME_CHALLENGE="tls-alpn", ACME_CA=acme.STAGING)
    authority = tomllib.loads(render.static(other, native=False))["certificatesResolvers"]["acme"]["acme"]
    assert authority["tlsChallenge"] == {} and authority["caServer"] == acme.STAGING


def test_the_default_certificate_of_production_has_no_domain(tmp_path, monkeypatch):
    """With DOMAIN among its names Traefik would want none from the authority."""
    monkeypatch.setattr(certificate, "STATIC", tmp_path)
    monkeypatch.setattr(certificate, "CA_FILE", tmp_path / "ca.pem")
    certificate.ensure(production(tmp_path))
    assert certificate._fits(tmp_path / "tls" / "cert.pem", sorted(certificate.LOCAL))


def test_the_key_is_readable_by_others_only_where_traefik_is_another_user(tmp_path, monkeypatch):
    monkeypatch.setattr(certificate, "STATIC", tmp_path)
    monkeypatch.setattr(certificate, "CA_FILE", tmp_path / "ca.pem")
    settings = read({}, tmp_path / "none")
    key = tmp_path / "tls" / "key.pem"
    keys = set()
    for mode in (0o600, 0o644, 0o600):  # natively, in Docker, and back
        certificate.ensure(settings, key_mode=mode)
        assert key.stat().st_mode & 0o777 == mode
        keys.add(key.read_bytes())
    assert len(keys) == 1


@pytest.mark.parametrize("name", ["tls/cert.pem", "tls/key.pem", "ca.pem", "ca-key.pem"])
@pytest.mark.parametrize("damage", ["empty", "another's"])
def test_a_damaged_certificate_is_made_again(tmp_path, monkeypatch, name, damage):
    settings = read({}, tmp_path / "none")
    for folder in (tmp_path / "another", tmp_path / "own"):
        monkeypatch.setattr(certificate, "STATIC", folder)
        monkeypatch.setattr(certificate, "CA_FILE", folder / "ca.pem")
        certificate.ensure(settings)
    another = (tmp_path / "another" / name).read_bytes()
    (folder / name).write_bytes(b"" if damage == "empty" else another)
    certificate.ensure(settings)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls" / "cert.pem", folder / "tls" / "key.pem")  # they are a pair
    own = x509.load_pem_x509_certificate((folder / "tls" / "cert.pem").read_bytes())
    own.verify_directly_issued_by(x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes()))


def test_telemetry_is_in_the_static_file_when_it_is_set(tmp_path):
    settings = read({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318/"}, tmp_path / "none")
    config = tomllib.loads(render.static(settings, native=False))
    assert config["tracing"]["otlp"]["http"]["endpoint"] == "http://collector:4318/v1/traces"
    assert config["metrics"]["otlp"]["http"]["endpoint"] == "http://collector:4318/v1/metrics"
    assert config["metrics"]["prometheus"] == {"entryPoint": "ops"}


def test_the_authority_s_last_word_is_found_in_the_log():
    log = (
        'traefik-1 | {"level":"error","error":"other","message":"nothing of it"}\n'
        'traefik-1 | {"level":"error","providerName":"acme.acme","error":"acme: error: 429","message":"m"}\n'
        'traefik-1 | {"level":"info","message":"acme is fine"}\n'
    )
    assert acme.refused(log) == "acme: error: 429"
    assert acme.refused("") is None


def test_a_certificate_that_is_not_there_has_a_reason_or_none_is_known(monkeypatch):
    monkeypatch.setattr(acme, "served", lambda _: None)
    assert acme.state(StackSettings(), "") == (
        "certificate NOT THERE   nothing in Traefik's log says why",
        False,
    )
    line = '{"level":"error","providerName":"acme.acme","error":"acme: error: 429","message":"m"}'
    assert acme.state(StackSettings(), line) == ("certificate NOT THERE   acme: error: 429", False)


@pytest.mark.parametrize("output", [b"copied\n", b""])
def test_certificates_are_said_to_be_copied_only_when_they_were(monkeypatch, capsys, output):
    monkeypatch.setattr(docker.ownership, "query", lambda *_: ["old_acme"])
    process = subprocess.CompletedProcess([], 0, stdout=output)
    monkeypatch.setattr(docker.subprocess, "run", lambda *_, **__: process)
    docker._bring_certificates({"old"}, "new")
    assert ("copied from the volume old_acme" in capsys.readouterr().out) == bool(output)


def test_an_error_before_the_certificate_was_due_is_no_reason():
    line = (
        '{"level":"error","providerName":"acme.acme","error":"acme: error: 429","message":"m",'
        '"time":"2026-11-01T10:00:00Z"}'
    )
    assert acme.refused(line, datetime(2026, 11, 1, 9, tzinfo=UTC)) == "acme: error: 429"
    assert acme.refused(line, datetime(2026, 11, 1, 11, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    "days, days_to_end, error, words",
    [
        (90, 31, "", ""),
        (90, 31, "acme: error: 429", ""),  # of something else: nothing is due
        (90, 29.5, "", ""),  # Traefik looks once a day
        (90, 29.5, "acme: error: 429", "due since 2026-11-09, ends 2026-12-09 12:00 UTC: acme: error: 429"),
        (
            90,
            28,
            "",
            "due since 2026-11-08, ends 2026-12-08 00:00 UTC: make logs FOLLOW=0 | grep acme may say why",
        ),
        (
            90,
            -1,
            "",
            "due since 2026-10-10, ended 2026-11-09 00:00 UTC: make logs FOLLOW=0 | grep acme may say why",
        ),
        (6, 2.5, "acme: error: 429", ""),  # a third of the lifetime
        (6, 1.5, "acme: error: 429", "due since 2026-11-09, ends 2026-11-11 12:00 UTC: acme: error: 429"),
    ],
)
def test_a_certificate_is_late_when_traefik_failed_or_had_a_day_for_it(days, days_to_end, error, words):
    now = datetime(2026, 11, 10, tzinfo=UTC)
    ends = now + timedelta(days=days_to_end)
    served = acme.Certificate(ends - timedelta(days=days), ends)
    assert (served.late(error, now) or "") == words


def test_a_body_that_nobody_read_is_read_before_the_answer_ends():
    events = [
        {"type": "http.request", "body": b"x", "more_body": True},
        {"type": "http.request", "body": b"y", "more_body": False},
    ]
    order = []

    async def receive():
        order.append("read")
        return events.pop(0)

    async def send(message):
        order.append(message["type"].rpartition(".")[2])

    anyio.run(WholeBody(JSONResponse({})), {"type": "http", "method": "POST"}, receive, send)
    assert order == ["start", "read", "read", "body"] and not events


def test_traefik_s_word_on_a_server():
    text = (
        "# TYPE traefik_service_server_up gauge\n"
        'traefik_service_server_up{service="app@file",url="http://app-2:8000"} 0\n'
        'traefik_service_server_up{service="app@file",url="http://app:8000"} 1\n'
    )
    assert metrics.server_up(text, "http://app:8000") is True
    assert metrics.server_up(text, "http://app-2:8000") is False
    assert metrics.server_up(text, "http://app-2:800") is None
    assert metrics.server_up("", "http://app:8000") is None


def test_before_the_first_health_check_it_is_waited_for(monkeypatch):
    monkeypatch.setattr(metrics, "FIRST_CHECK_SECONDS", 0.5)
    values = iter([None, None, False])
    assert metrics.first_said(lambda: next(values)) is False
    assert metrics.first_said(lambda: None) is None


def test_a_log_that_grows_is_kept_below_a_size(tmp_path, monkeypatch):
    monkeypatch.setattr(trim, "MAX_BYTES", 10)
    log = tmp_path / "app.log"
    with log.open("a") as writer:
        for text in ("first line\n", "second\n"):
            writer.write(text)
            writer.flush()
            trim.trim(log)
    assert log.read_text() == "second\n"
    assert (tmp_path / "app.log.1").read_text() == "first line\n"
    trim.trim(tmp_path / "none.log")
    for number in range(3, 9):
        log.write_text(f"line number {number}\n")
        trim.trim(log)
    names = sorted(path.name for path in tmp_path.iterdir() if path.stat().st_size)
    assert names == [f"app.log.{number}" for number in range(1, 5)]
    assert (tmp_path / "app.log.4").read_text() == "line number 5\n"


def test_a_client_that_floods_the_log_fills_no_more_of_the_disk_than_is_kept(tmp_path):
    log, older = tmp_path / "traefik.log", tmp_path / "traefik.log.1"
    process = subprocess.Popen([sys.executable, "-m", "behindproxy.stack.trim", log])
    try:
        with log.open("ab", buffering=0) as writer:
            writer.write(bytes(trim.MAX_BYTES + 1))
            deadline = time.monotonic() + 20
            while not older.exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            end = time.monotonic() + 2
            while time.monotonic() < end:
                writer.write(bytes(500_000))
                time.sleep(0.01)
                assert log.stat().st_size < 3 * trim.MAX_BYTES
    finally:
        process.kill()
        process.wait()


def test_of_a_log_that_grows_faster_than_it_is_copied_the_end_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(trim, "MAX_BYTES", 10)
    monkeypatch.setattr(trim, "LAST_BYTES", 20)
    log = tmp_path / "app.log"
    log.write_text("x" * 1000 + "the last 20 of them.")
    trim.trim(log)
    assert (tmp_path / "app.log.1").read_text() == "the last 20 of them." and not log.read_text()


def test_a_full_disk_costs_no_older_log(tmp_path, monkeypatch):
    monkeypatch.setattr(trim, "MAX_BYTES", 10)
    log, older = tmp_path / "app.log", tmp_path / "app.log.1"
    log.write_text("what is in it now\n")
    older.write_text("what was in it before\n")

    def full(source, target):
        Path(target).write_text("what")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(trim, "copy_end", full)
        for _ in range(5):
            trim.trim(log)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.log", "app.log.1"]
    assert (log.read_text(), older.read_text()) == ("what is in it now\n", "what was in it before\n")
    trim.trim(log)
    assert (log.read_text(), older.read_text()) == ("", "what is in it now\n")


def test_a_signal_while_a_version_starts_is_no_reason_why_it_does_not(monkeypatch):
    monkeypatch.setattr(rolling.docker, "environment", lambda settings: {})
    monkeypatch.setattr(rolling.docker, "compose", lambda: ["true"])
    for code, end in ((143, SystemExit), ("no such image", rolling.NotReady)):
        monkeypatch.setattr(rolling.docker, "step", lambda *_, code=code: sys.exit(code))
        with pytest.raises(end, match=str(code)):
            rolling._start(StackSettings.model_validate({}), "app")


def test_an_interrupted_roll_says_that_two_versions_serve(monkeypatch, capsys):
    monkeypatch.setattr(rolling.docker, "running", lambda slot: "id")
    monkeypatch.setattr(rolling, "_start", lambda settings, slot, serves=False: None)

    def interrupted(settings, slot):
        if slot == "app":
            sys.exit(143)

    monkeypatch.setattr(rolling, "retire", interrupted)
    with pytest.raises(SystemExit, match="143"):
        rolling.roll(StackSettings.model_validate({}), lambda: None)
    assert capsys.readouterr().err.startswith("half deployed: interrupted")


def test_a_replica_that_traefik_cannot_reach_is_not_well(monkeypatch):
    def container(service, *networks):
        return SimpleNamespace(service=service, networks=set(networks))

    settings = StackSettings.model_validate({})
    answers = {"app": True}
    monkeypatch.setattr(docker, "gets_requests", answers.get)
    traefik, app = container("traefik", "edge", "internal"), container("app", "internal", "direct")
    assert docker._unreached(settings, [traefik, app]) == []
    answers["app"] = False
    assert docker._unreached(settings, [traefik, app]) == ["Traefik sends nothing to app"]
    traefik = container("traefik", "edge")  # disconnected by hand
    assert "no network in common" in docker._unreached(settings, [traefik, app])[0]


def test_a_proxy_in_the_environment_is_not_asked_for_traefik_s_word():
    """Docker's client puts that of its config.json into every container."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert {services["traefik"]["environment"][key] for key in ("HTTP_PROXY", "http_proxy")} == {""}
    environ = {**os.environ, "http_proxy": "http://127.0.0.1:9"}
    with socketserver.TCPServer(("127.0.0.1", 0), Metrics) as server:
        threading.Thread(target=server.handle_request).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/metrics"
        command = [sys.executable, "-c", docker.ASK, url]
        process = subprocess.run(command, env=environ, capture_output=True, text=True)
    assert process.stdout == "up\n", process.stderr


class Metrics(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"up")


def test_a_setting_that_traefik_must_know_needs_up():
    assert rolling.needs_up("API_PREFIX=/x") and rolling.needs_up("DOMAIN=a.example")
    assert not rolling.needs_up("APP_WORKERS=2")


def test_a_port_below_1024_is_the_engine_s_to_open(tmp_path, monkeypatch):
    def refused(*_):
        raise PermissionError

    monkeypatch.setattr(ports.socket.socket, "bind", refused)
    settings, wanted_ports = production(tmp_path), {"HTTP_PORT": ("127.0.0.1", 1)}
    ports.refuse_taken(settings, wanted_ports, by_engine=True)
    with pytest.raises(SystemExit, match="HTTP_PORT=1: this user may not open it"):
        ports.refuse_taken(settings, wanted_ports)


def test_an_edit_since_it_was_started_is_not_what_is_checked(tmp_path, monkeypatch):
    shop = StackSettings(app_module="shop.web:app")
    file = tmp_path / "src" / "shop" / "web.py"
    file.parent.mkdir(parents=True)
    file.write_text("app = 1\n")
    monkeypatch.setattr(state, "STATE", tmp_path / "state.json")
    monkeypatch.setattr(state, "ROOT", tmp_path)
    monkeypatch.setattr(state, "SOURCES", (tmp_path, tmp_path / "src"))
    assert state.edited(shop) == ""  # nothing says when
    later = time.time() + 10
    state.save("native", shop)
    assert state.edited(shop) == ""
    os.utime(file, (later, later))
    assert state.edited(shop) == "src/shop/web.py"
    monkeypatch.setenv("APP_RELOAD", "1")
    state.save("native", shop)
    assert state.edited(shop) == ""
