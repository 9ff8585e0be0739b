"""The rendered static file, and what Traefik's log says of the dynamic one."""

import os
import re
import tomllib

import pytest
import yaml

from behindproxy.stack import routes_edit
from behindproxy.stack.paths import DYNAMIC, ROOT
from behindproxy.stack.render import static
from behindproxy.stack.settings import StackSettings, SwarmSettings, own_networks
from behindproxy.stack.swarm import LEAVING_SECONDS
from tests.mutants.template import render


def rendered(native, **settings):
    return tomllib.loads(static(StackSettings(**settings), native))


def test_native_ports_and_address_reach_the_entrypoints():
    points = rendered(True, http_port=1234, https_port=1235, ops_port=1236)["entryPoints"]
    assert [points[name]["address"] for name in ("http", "https", "ops")] == [
        "127.0.0.1:1234",
        "127.0.0.1:1235",
        "127.0.0.1:1236",
    ]
    assert rendered(True, bind_address="::1")["entryPoints"]["http"]["address"] == "[::1]:9999"


def test_in_docker_the_container_s_ports_stay_and_compose_publishes_them():
    assert rendered(False, http_port=1234)["entryPoints"]["http"]["address"] == ":9999"


def test_the_stack_file_is_the_compose_file_as_far_as_swarm_has_it():
    """Swarm's file stands alone, so nothing but this keeps the two together."""
    compose, swarm = (
        yaml.safe_load((ROOT / name).read_text())["services"]
        for name in ("docker-compose.yml", "deploy/swarm/stack.yml")
    )
    # An address of Traefik's per node, another default, production's, slots with Swarm's names, and a
    # node's every core.
    own = {
        "PROXY_ADDRESS",
        "UNTRUSTED_NETWORKS",
        "PLAIN_REPLICAS",
        "OTEL_EXPORTER_OTLP_ENDPOINT",  # these of Traefik, for plain Compose alone
        "REQUEST_SECONDS",
        "PROBE",
        "DOMAIN",
        "APP_SERVERS",
        "STATIC_DIR",
        "GOMAXPROCS",
        "GOMEMLIMIT",
        "HTTP_PROXY",  # `docker stack deploy` puts no proxy of the client's into a container
        "http_proxy",
    }
    for name in ("traefik", "app"):
        for key in (
            "read_only",
            "cap_drop",
            "command",
            "user",
            "healthcheck",
            "stop_grace_period",
            "dns_search",
        ):
            if name != "app" or key not in ("command", "stop_grace_period"):
                assert compose[name].get(key) == swarm[name].get(key), key
        one, other = compose[name]["environment"], swarm[name]["environment"]
        assert {**one, **dict.fromkeys(own)} == {**other, **dict.fromkeys(own)}
    assert compose["traefik"]["image"] == swarm["traefik"]["image"]
    leaving = ["python", "-m", "behindproxy_serve.drain", "before", str(LEAVING_SECONDS)]
    assert 'CMD ["python", "-m", "behindproxy_serve"]' in (ROOT / "Dockerfile").read_text()
    assert swarm["app"]["command"] == [*leaving, "python", "-m", "behindproxy_serve"]
    middlewares = (DYNAMIC / "middlewares.toml").read_text()
    idle = re.search(r'^ *idleConnTimeout = "(\d+)s"', middlewares, re.MULTILINE)
    assert int(idle[1]) < LEAVING_SECONDS


def test_trusted_proxies_may_not_reach_into_the_networks_that_the_compose_file_makes():
    """It tells the image, which knows no network, and stack/ says it before a container starts."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    networks = [compose["networks"][name] for name in ("internal", "direct")]
    subnets = [network["ipam"]["config"][0]["subnet"] for network in networks]
    setting = compose["services"]["app"]["environment"]["UNTRUSTED_NETWORKS"]
    assert setting.split(",") == subnets == [*own_networks("${SUBNET:-172.30.98}")]


def test_a_domain_redirects_and_without_acme_asks_nobody_for_a_certificate():
    files = {"tls_cert": "c.pem", "tls_key": "k.pem", "bind_address": "0.0.0.0"}
    config = tomllib.loads(static(SwarmSettings(domain="api.example.com", **files), native=False))
    assert config["entryPoints"]["http"]["http"]["redirections"]["entryPoint"]["to"] == ":443"
    assert config["entryPoints"]["http"]["address"] == ":9999"  # what deploy/swarm/stack.yml publishes
    assert "certificatesResolvers" not in config


def test_trusted_proxies_reach_both_public_entrypoints_and_only_them():
    points = rendered(False, trusted_proxies="192.0.2.1,198.51.100.0/24")["entryPoints"]
    for name in ("http", "https"):
        assert points[name]["forwardedHeaders"]["trustedIPs"] == ["192.0.2.1", "198.51.100.0/24"]
    assert "forwardedHeaders" not in points["ops"]


def test_the_times_reach_both_public_entrypoints():
    points = rendered(False, request_seconds=600, drain_seconds=45)["entryPoints"]
    for name in ("http", "https"):
        assert points[name]["transport"]["respondingTimeouts"]["readTimeout"] == "600s"
        assert points[name]["transport"]["lifeCycle"]["graceTimeOut"] == "45s"


def test_the_readable_static_file_has_the_defaults():
    readable = tomllib.loads((ROOT / "traefik" / "traefik.toml").read_text())
    effective = rendered(False)
    for name in ("http", "https"):
        assert effective["entryPoints"][name]["transport"] == readable["entryPoints"][name]["transport"]


def test_traefik_is_given_longer_to_stop_than_it_takes():
    """Compose cannot add, so the sum of two durations stands there."""
    for name in ("docker-compose.yml", "deploy/swarm/stack.yml"):
        traefik = yaml.safe_load((ROOT / name).read_text())["services"]["traefik"]
        assert traefik["stop_grace_period"] == "${DRAIN_SECONDS:-10}s5000ms"


def test_every_entrypoint_has_the_protection_that_is_off_by_default():
    for point in rendered(False)["entryPoints"].values():
        assert point["http"]["aliasHeadersStrategy"] == "delete"


def test_two_slashes_are_left_alone_where_the_setting_says_so():
    for characters, value in (("%2F,//", False), ("%2F", None)):
        points = rendered(False, encoded_characters=characters, strip_prefix=False)["entryPoints"]
        assert [points[name]["http"].get("sanitizePath") for name in ("http", "https")] == [value, value]


@pytest.mark.parametrize(
    ("characters", "allowed"),
    [
        ("%3B,%25,%3F,%23", "Hash Percent QuestionMark Semicolon"),
        ("%2f, %5C", "BackSlash Slash"),
        ("%00,//", "NullCharacter"),
        ("none", ""),
    ],
)
def test_the_encoded_characters_that_pass_are_those_of_the_setting(characters, allowed):
    environ = StackSettings(encoded_characters=characters, strip_prefix=False).environ()
    text = render((DYNAMIC / "middlewares.toml").read_text(), environ)
    options = tomllib.loads(text)["http"]["middlewares"]["encoded-characters"]["encodedCharacters"]
    assert len(options) == 7
    assert {key.removeprefix("allowEncoded") for key, on in options.items() if on} == {*allowed.split()}


ERROR = '{"level":"error","providerName":"file","error":"bad TOML","time":"2026-01-01T00:00:10Z"}'
AT = 1767225610  # 2026-01-01T00:00:10Z


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """What is said of a log, with one of the files last edited at a moment."""
    monkeypatch.setattr(routes_edit, "DYNAMIC", tmp_path)
    for name in routes_edit.FILES:
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (AT - 60, AT - 60))

    def said(log: str, moment: int) -> str | None:
        os.utime(tmp_path / "middlewares.toml", (moment, moment))
        return routes_edit.refused(lambda: log)

    return said


def test_an_edit_that_traefik_refused_is_told(refused):
    assert refused(f"traefik-1  | {ERROR}", moment=AT - 1) == "bad TOML"


def test_an_edit_after_the_error_clears_it(refused):
    assert refused(ERROR, moment=AT + 2) is None


def test_errors_about_other_things_are_not_about_the_routes(refused):
    other = ERROR.replace("providerName", "somethingElse")
    assert refused(f"{other}\nnot json\n", moment=AT - 1) is None


@pytest.mark.parametrize("middleware", ["Buffer", "ForwardAuth"])
def test_an_error_about_a_request_is_not_about_the_routes(middleware, refused):
    over = ERROR.replace(
        '"providerName":"file"', f'"middlewareName":"a@file","middlewareType":"{middleware}"'
    )
    assert refused(over, moment=AT - 1) is None


def test_an_error_in_the_second_of_the_edit_counts_if_it_is_there_after_another_reading(refused, monkeypatch):
    assert refused(ERROR, moment=AT) is None  # read again, the files have no error
    logs = iter([ERROR, ERROR, f"{ERROR}\n{ERROR}"])
    assert routes_edit.refused(lambda: next(logs)) == "bad TOML"
    monkeypatch.setattr(routes_edit, "_read_again", lambda path: False)
    assert refused(ERROR, moment=AT) == "bad TOML"


def test_a_router_without_its_middleware_is_told_in_the_second_of_the_edit(refused):
    assert refused(ERROR.replace("providerName", "routerName"), moment=AT) == "bad TOML"


def test_a_file_that_was_gone_for_a_moment_is_taken(refused):
    line = ERROR.replace("bad TOML", "open /etc/traefik/dynamic/routes.toml: no such file or directory")
    assert refused(line, moment=AT) is None


@pytest.mark.parametrize("name", routes_edit.FILES)
def test_a_file_that_is_gone_is_told(name, refused, tmp_path):
    (tmp_path / name).unlink()
    assert f"{name} does not exist" in routes_edit.refused(str)


@pytest.mark.parametrize(
    "proxies, hops, strategy",
    [
        ("", 0, {}),
        ("192.0.2.1", 0, {"depth": 1}),
        ("192.0.2.0/24", 0, {"excludedIPs": ["192.0.2.0/24"]}),
        ("192.0.2.1,192.0.2.9", 0, {"excludedIPs": ["192.0.2.1", "192.0.2.9"]}),
        ("192.0.2.0/24,198.51.100.1", 2, {"depth": 2}),
    ],
)
def test_whom_the_rate_limit_counts_follows_the_load_balancers(proxies, hops, strategy):
    settings = StackSettings(rate_limit="5", trusted_proxies=proxies, proxy_hops=hops)
    text = render((DYNAMIC / "middlewares.toml").read_text(), settings.environ())
    limit = tomllib.loads(text)["http"]["middlewares"]["rate-limit"]["rateLimit"]
    assert limit["sourceCriterion"]["ipStrategy"] == {"ipv6Subnet": 64, **strategy}
