"""What the mutants take for Traefik's configuration is what Traefik reads in its templates."""

import json
import shutil

import httpx
import pytest
import tomli_w

from behindproxy.stack.paths import DYNAMIC, VENV
from behindproxy.stack.settings import StackSettings
from tests.hosts import free_port
from tests.mutants import data

from .serving import process, wait_until

SETTINGS = (
    {},
    {"strip_prefix": "false", "public_hosts": "*", "api_prefix": "/a/b.c"},
    {"encoded_characters": "%2F,%00,//", "strip_prefix": "false"},
    {
        "compress": "true",
        "answer_seconds": "120",
        "rate_limit": "50",
        "trusted_proxies": "192.0.2.10,198.51.100.0/24",
    },
    {"forward_prefix": "false", "identity_headers": "Remote-User", "trusted_proxies": "192.0.2.10"},
    {"sticky": "address", "well_known": "true", "api_prefix": "/a/b.c"},
    {"sticky": "cookie", "well_known": "true", "domain": "api.example.com", "acme_email": "ops@example.com"},
)


@pytest.mark.parametrize("values", SETTINGS, ids=lambda values: "-".join(values) or "default")
def test_what_is_rendered_is_the_same_to_traefik(values, tmp_path, monkeypatch):
    environ = StackSettings.model_validate(values).environ() | {
        "APP_SERVERS": "http://127.0.0.1:1,http://127.0.0.1:2",
        "PROXY_TOKEN": "secret",
        "STATIC_DIR": str(tmp_path),
    }
    for key, value in environ.items():
        monkeypatch.setenv(key, value)
    rendered = tmp_path / "rendered" / "dynamic"
    rendered.mkdir(parents=True)
    for path in DYNAMIC.iterdir():
        text = path.read_text()
        (rendered / path.name).write_text(data.written(data.read(text, path.name, environ), path.name))
        assert "{{" in text and "{{" not in (rendered / path.name).read_text()
    shutil.copytree(DYNAMIC, tmp_path / "template" / "dynamic")
    configuration = received(tmp_path / "template")
    assert {"app", "ping"} <= configuration["http"]["routers"].keys()
    assert {"app", "retry", "strip-prefix"} <= configuration["http"]["middlewares"].keys()
    assert configuration == received(tmp_path / "rendered")


@pytest.mark.parametrize(
    "values",
    [
        {"API_PREFIX": "api"},
        {"API_PREFIX": "/api/v1/"},
        {"PUBLIC_HOSTS": "localhost,a`b"},
        {"RATE_LIMIT": "ten"},
        {"COMPRESS": "yes"},
        {"STICKY": "ip"},
        {"WELL_KNOWN": "1"},
        {"ANSWER_SECONDS": "1m"},
        {"ENCODED_CHARACTERS": "%2F,%2E"},
        {"ENCODED_CHARACTERS": "%2F,//", "STATIC_DIR": ""},
        {"REQUEST_SECONDS": "600", "STATIC_DIR": ""},
        {"DRAIN_SECONDS": "45", "STATIC_DIR": ""},
        {"TRUSTED_PROXIES": "192.0.2.10", "STATIC_DIR": ""},
        {"DOMAIN": "api.example.com", "STATIC_DIR": ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "STATIC_DIR": ""},
        {"HEADER_ALIASES": "keep", "STATIC_DIR": ""},
        {"APP_REPLICAS": "3", "PLAIN_REPLICAS": "3", "STATIC_DIR": ""},
    ],
    ids=lambda values: "-".join(f"{key}={value}" for key, value in values.items()),
)
def test_a_setting_that_cannot_work_keeps_every_route_out(values, tmp_path, monkeypatch):
    good = StackSettings().environ() | {"APP_SERVERS": "http://127.0.0.1:1", "STATIC_DIR": str(tmp_path)}
    for key, value in {**good, **values}.items():
        monkeypatch.setenv(key, value)
    shutil.copytree(DYNAMIC, tmp_path / "dynamic")
    command, port, log = written(tmp_path)
    key, value = next(iter(values.items()))
    with process(command, port, log):
        wait_until(lambda: f"{key}={value}: " in log.read_text())
        for path in ("/", "/api/v1/app", "/ping"):
            assert httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False).status_code == 404
    assert not configurations(log)


def received(folder):
    """Return the configuration that Traefik says it has taken from the files in `dynamic`."""
    command, port, log = written(folder)
    with process(command, port, log):
        wait_until(lambda: configurations(log))
        return configurations(log)[0]


def written(folder):
    """Return Traefik's command for the files in `dynamic`, its port and its log."""
    port, log = free_port(), folder / "log"
    static = {
        "entryPoints": {"http": {"address": f"127.0.0.1:{port}"}},
        "providers": {"file": {"directory": str(folder / "dynamic")}},
        "log": {"level": "DEBUG", "format": "json"},
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
    }
    (folder / "traefik.toml").write_text(tomli_w.dumps(static))
    return [f"{VENV}/bin/traefik", f"--configFile={folder}/traefik.toml"], port, log


def configurations(log):
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.endswith("}")]
    return [line["config"] for line in lines if line.get("providerName") == "file" and "config" in line]
