"""What the mutants take for Traefik's configuration is what Traefik reads in its templates."""

import json

import pytest
import tomli_w

from behindproxy.stack.paths import ROOT, VENV
from behindproxy.stack.settings import StackSettings
from tests.mutants import data

from .serving import free_port, process, wait_until

SETTINGS = (
    {},
    {"strip_prefix": "false", "public_hosts": "*", "api_prefix": "/a/b.c"},
    {"rate_limit": "50", "trusted_proxies": "192.0.2.10,198.51.100.0/24"},
    {"domain": "api.example.com", "acme_email": "ops@example.com"},
)


@pytest.mark.parametrize("given", SETTINGS, ids=lambda given: "-".join(given) or "default")
def test_rendered_routes_are_the_same_to_traefik(given, tmp_path, monkeypatch):
    environ = StackSettings.model_validate(given).environ() | {
        "APP_SERVERS": "http://127.0.0.1:1,http://127.0.0.1:2",
        "PROXY_TOKEN": "secret",
        "STATIC_DIR": str(tmp_path),
    }
    for key, value in environ.items():
        monkeypatch.setenv(key, value)
    text = (ROOT / "traefik" / "routes.toml").read_text()
    rendered = data.written(data.read(text, "routes.toml", environ), "routes.toml")
    assert "{{" in text and "{{" not in rendered
    configuration = received(tmp_path / "template", text)
    assert {"app", "ping"} <= configuration["http"]["routers"].keys()
    assert configuration == received(tmp_path / "rendered", rendered)


def received(folder, routes):
    """Return the configuration that Traefik says it has taken from a file with `routes`."""
    folder.mkdir()
    (folder / "routes.toml").write_text(routes)
    port, log = free_port(), folder / "log"
    static = {
        "entryPoints": {"http": {"address": f"127.0.0.1:{port}"}},
        "providers": {"file": {"filename": str(folder / "routes.toml")}},
        "log": {"level": "DEBUG", "format": "json"},
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
    }
    (folder / "traefik.toml").write_text(tomli_w.dumps(static))

    def configurations():
        lines = [json.loads(line) for line in log.read_text().splitlines() if line.endswith("}")]
        return [line["config"] for line in lines if line.get("providerName") == "file" and "config" in line]

    with process([f"{VENV}/bin/traefik", f"--configFile={folder}/traefik.toml"], port, log):
        wait_until(configurations)
        return configurations()[0]
