import pytest

from behindproxy_serve.server import command, environment
from behindproxy_serve.settings import Settings

ALL = ["uvicorn", "fastapi", "gunicorn", "hypercorn"]


def argv(**settings):
    return " ".join(command(Settings(proxy_address="172.30.98.10", **settings))[2:])


@pytest.mark.parametrize("server", ["uvicorn", "fastapi"])
def test_root_path_and_the_one_trusted_address_stand_on_the_command_line(server):
    line = argv(app_server=server, api_prefix="/shop")
    assert "--root-path /shop" in line
    assert "--forwarded-allow-ips 172.30.98.10 " in line + " "


@pytest.mark.parametrize("server", ["uvicorn", "fastapi"])
def test_unstripped_leaves_root_path_to_the_wrapper_since_uvicorn_would_double_it(server):
    assert "--root-path" not in argv(app_server=server, strip_prefix=False)


@pytest.mark.parametrize("server", ["uvicorn", "fastapi"])
def test_load_balancers_are_trusted_beside_the_proxy(server):
    line = argv(app_server=server, trusted_proxies="192.0.2.10, 198.51.100.0/24")
    assert "--forwarded-allow-ips 172.30.98.10,192.0.2.10,198.51.100.0/24" in line


@pytest.mark.parametrize("server", ["uvicorn", "fastapi"])
def test_with_a_token_the_address_alone_is_not_trusted(server):
    line = argv(app_server=server, proxy_token="secret")
    assert "--no-proxy-headers" in line and "allow-ips" not in line and "secret" not in line


def test_gunicorn_believes_nobody_by_itself():
    line = command(Settings(app_server="gunicorn"))
    assert line[line.index("--forwarded-allow-ips") + 1] == ""


def test_gunicorn_takes_the_headers_that_traefik_does():
    line = argv(app_server="gunicorn")
    assert "--limit-request-line 0 --limit-request-field_size 0 --limit-request-fields 8192" in line


@pytest.mark.parametrize("server", ALL)
def test_workers_and_address_reach_every_server(server):
    line = argv(app_server=server, app_workers=3, app_host="0.0.0.0", app_port=8123)
    assert "--workers 3" in line and "8123" in line and "0.0.0.0" in line


def test_variables_that_servers_read_behind_the_settings_are_removed():
    leaking = {
        "FORWARDED_ALLOW_IPS": "*",
        "UVICORN_ROOT_PATH": "/x",
        "WEB_CONCURRENCY": "9",
        "GUNICORN_CMD_ARGS": "--bind 0.0.0.0:1",
        "GUNICORN_FD": "0",
        "SENDFILE": "no",
    }
    assert environment({**leaking, "API_PREFIX": "/x"}) == {"API_PREFIX": "/x"}
