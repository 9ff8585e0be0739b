"""`behindproxy settings`: the present values, and where each comes from."""

import pytest
from click.testing import CliRunner

from behindproxy import cli
from behindproxy.stack import settings
from behindproxy.stack.paths import ROOT


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The command's exit status and output, with a `.env` of its own and no settings in the environment."""
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    for key in settings.KEYS:
        monkeypatch.delenv(key, raising=False)

    def call(dotenv="", *options, **environ):
        (tmp_path / ".env").write_text(dotenv)
        result = CliRunner().invoke(cli.main, ["settings", *options], env=environ)
        return result.exit_code, result.output

    return call


def origins(output):
    """Each line `KEY=value   origin`, taken apart."""
    return {line.split(" ")[0]: line.partition("  ")[2].strip() for line in output.splitlines()}


def test_each_value_is_shown_with_where_it_comes_from(run):
    status, output = run("API_PREFIX=/file\nHTTP_PORT=1234\nDIRECT_PORT=\n", API_PREFIX="/environment")
    assert status == 0, output
    origin_by_line = origins(output)
    assert origin_by_line["API_PREFIX=/environment"] == "environment"
    assert origin_by_line["HTTP_PORT=1234"] == ".env"
    assert origin_by_line["DIRECT_PORT=8000"] == origin_by_line["APP_SERVER=uvicorn"] == "default"


def test_what_domain_and_a_swarm_change_is_said(run):
    content = "DOMAIN=api.example.com\nACME_EMAIL=ops@example.com\n"
    origin_by_line = origins(run(content)[1])
    assert (
        origin_by_line["HTTPS_PORT=443"]
        == origin_by_line["PUBLIC_HOSTS=api.example.com"]
        == "default with DOMAIN"
    )
    assert origin_by_line["DRAIN_SECONDS=10"] == "default"
    origin_by_line = origins(run("BIND_ADDRESS=0.0.0.0\n", "--swarm")[1])
    assert (
        origin_by_line["APP_REPLICAS=2"] == "default in a swarm"
        and origin_by_line["HTTP_PORT=9999"] == "default"
    )


def test_no_secret_is_shown(run):
    status, output = run(
        "SECRET_KEY=hidden-1\nOTEL_EXPORTER_OTLP_ENDPOINT=http://me:hidden-2@collector:4318\n"
        "GF_SECURITY_ADMIN_PASSWORD=hidden-3\nTRAEFIK_TOKEN=hidden-4\n"
    )
    assert status == 0 and "hidden" not in output, output
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://***@collector:4318" in output
    assert "the application's own, values not shown: SECRET_KEY" in output
    status, output = run("PRODUCTION_URL=https://me:hidden-5@a.example?x\n")
    assert status == 1 and "hidden" not in output, output


def test_a_near_miss_and_a_value_that_cannot_work_are_said(run):
    status, output = run("API_PREFX=/x\nAPI_PREFIX=api\n")
    assert status == 1
    assert "warning: .env: API_PREFX is not a setting" in output
    assert "API_PREFIX=api: must start with a slash; for example API_PREFIX=" in output
    assert "HTTP_PORT=9999" in output  # the others are shown all the same


def test_the_formats_are_the_files(run):
    assert run("", "--format", "env") == (0, (ROOT / ".env.example").read_text())
    assert run("", "--format", "md") == (0, (ROOT / "docs" / "settings.md").read_text())
