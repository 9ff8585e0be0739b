import os
import re

import pytest

from behindproxy.stack.settings import SwarmSettings, near_misses, own_keys, read, read_as, warnings

MISSING = "no such file"
BAD = [
    ("API_PREFIX", "api/v1", "slash"),
    ("API_PREFIX", "/api/v1/", "end with a slash"),
    ("API_PREFIX", "/", "end with a slash"),
    ("API_PREFIX", "/äpi", "ASCII"),
    ("API_PREFIX", "/a//b", "between its slashes"),
    ("API_PREFIX", "/a/../b", "between its slashes"),
    ("API_PREFIX", "/a b", "between its slashes"),
    ("TRUSTED_PROXIES", "traefik", "never resolved"),
    ("TRUSTED_PROXIES", "10.0.0.1/8", "10.0.0.0/8"),
    ("TRUSTED_PROXIES", "*", "every caller"),
    ("TRUSTED_PROXIES", "'*'", "quotes"),
    ("TRUSTED_PROXIES", "127.0.0.1;10.0.0.1", "never resolved"),
    ("TRUSTED_PROXIES", "172.16.0.0/12", "own networks"),
    ("TRUSTED_PROXIES", "172.0.0.0/8", "own networks"),
    ("PUBLIC_HOSTS", ",", "names no host"),
    ("TRUSTED_PROXIES", "172.30.98.129", "own networks"),
    ("HTTP_PORT", "0", "greater"),
    ("HTTPS_PORT", "65536", "less"),
    ("DIRECT_PORT", "9999", "HTTP_PORT"),
    ("APP_SERVER", "daphne", "uvicorn"),
    ("APP_WORKERS", "0", "greater"),
    ("APP_MODULE", "app.main", "module:attr"),
    ("BIND_ADDRESS", "localhost", "IP address"),
    ("PUBLIC_HOSTS", "https://example.com", "URL"),
    ("PUBLIC_HOSTS", "::1", "brackets"),
    ("PUBLIC_HOSTS", "example.com:8080", "port"),
    ("SUBNET", "8.8.8", "private"),
    ("CONTAINER_CPUS", "all", "number of cores"),
    ("CONTAINER_CPUS", "0.00", "number of cores"),
    ("SUBNET", "172.30", "three numbers"),
    ("STAGING_URL", "staging", "URL"),
    ("STAGING_URL", "https://[::1", "URL"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:x", "URL"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", 'http://collector"', "URL"),
    ("TRUSTED_PROXIES", "fe80::1%lo", "has a zone (%lo)"),
    ("BIND_ADDRESS", "fe80::1%lo", "has a zone (%lo)"),
    ("CONTAINER_CPUS", "\u0661", "number of cores"),
    ("APP_IMAGE", "caf\u00e9", "image's name"),
    ("PROBE", "perhaps", "boolean"),
]


@pytest.mark.parametrize("key, value, reason", BAD)
def test_a_value_that_cannot_work_is_one_line_with_key_value_reason_and_a_good_one(
    key, value, reason, tmp_path
):
    with pytest.raises(SystemExit) as stopped:
        read({key: value}, tmp_path / MISSING)
    text = str(stopped.value)
    assert f"{key}={value}" in text and reason in text and "\n" not in text
    proposed = re.search(rf"{key}=(\S+)$", text)[1]
    read({key: proposed}, tmp_path / MISSING)


@pytest.mark.parametrize("key", ["API_PREFIX", "PUBLIC_HOSTS", "TRUSTED_PROXIES", "APP_WORKERS", "TLS_CERT"])
@pytest.mark.parametrize("value", ["/a\nHTTP_PORT=1: taken", "/\x1b[2J\x1b]0;a\x07", "/\r" + "b" * 5000])
def test_what_a_value_holds_reaches_a_terminal_as_one_short_line(key, value, tmp_path):
    with pytest.raises(SystemExit) as stopped:
        read({key: value}, tmp_path / MISSING)
    text = str(stopped.value)
    assert text.startswith(f"{key}=/") and text.isprintable() and len(text) < 1000


def test_nothing_set_is_a_working_set(tmp_path):
    settings = read({}, tmp_path / MISSING)
    assert settings.url("http") == "http://127.0.0.1:9999/api/v1"
    assert settings.url("direct") == "http://127.0.0.1:8000"


def test_the_environment_goes_before_the_file_and_empty_means_unset(tmp_path):
    (tmp_path / ".env").write_text("API_PREFIX=/file\nHTTP_PORT=1234\nDIRECT_PORT=\n")
    settings = read({"API_PREFIX": "/environment"}, tmp_path / ".env")
    assert (settings.api_prefix, settings.http_port, settings.direct_port) == ("/environment", 1234, 8000)


def test_a_key_that_is_no_setting_stops_nothing(tmp_path):
    (tmp_path / ".env").write_text("API_PREFFIX=/x\n")
    assert read({}, tmp_path / ".env").api_prefix == "/api/v1"
    assert own_keys({}, tmp_path / ".env") == {"API_PREFFIX": "/x"}
    assert own_keys({"API_PREFFIX": "/x"}, tmp_path / MISSING) == {}  # of the environment it is nobody's


def test_production_has_other_defaults(tmp_path):
    values = {"DOMAIN": "api.example.com", "ACME_EMAIL": "ops@example.com"}
    settings = read(values, tmp_path / MISSING)
    assert (settings.http_port, settings.https_port, settings.bind_address) == (80, 443, "0.0.0.0")
    assert (settings.app_replicas, settings.probe, settings.hosts) == (2, False, ["api.example.com"])
    assert settings.url("https") == "https://api.example.com/api/v1"
    assert read({**values, "APP_REPLICAS": "3"}, tmp_path / MISSING).app_replicas == 3


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"DOMAIN": "api.example.com"}, "ACME_EMAIL: DOMAIN needs it, .* in .env, for example"),
        ({"ACME_EMAIL": "ops@example.com"}, "ACME_EMAIL=ops@example.com: without DOMAIN"),
        ({"DOMAIN": "https://a.example", "ACME_EMAIL": "a@b.example"}, "DOMAIN=https://a.example: must"),
        ({"DOMAIN": "a.example", "ACME_EMAIL": "ops"}, "ACME_EMAIL=ops: is not an e-mail"),
        ({"APP_IMAGE": "--all-tags"}, "APP_IMAGE=--all-tags: must"),
        (
            {"DOMAIN": "a.example", "ACME_EMAIL": "a@b.example", "ACME_CA": "http://ca"},
            "ACME_CA=http://ca: must",
        ),
        (
            {"DOMAIN": "a.example", "ACME_EMAIL": "a@b.example", "ACME_CHALLENGE": "dns"},
            "ACME_CHALLENGE=dns:",
        ),
        (
            {"DOMAIN": "a.example", "ACME_EMAIL": "a@b.example", "PUBLIC_HOSTS": "b.example"},
            "PUBLIC_HOSTS=b.example: DOMAIN is not",
        ),
        ({"TLS_CERT": "a.pem", "TLS_KEY": "b.pem"}, "TLS_CERT=a.pem: applies only in a swarm"),
        ({"APP_REPLICAS": "5"}, "APP_REPLICAS=5: .*less than or equal to 4"),
        ({"RATE_LIMIT": "10/s"}, "RATE_LIMIT=10/s: must be a whole number"),
        ({"ANSWER_SECONDS": "1m"}, "ANSWER_SECONDS=1m: .*for example ANSWER_SECONDS=120"),
        ({"REQUEST_SECONDS": "0"}, "REQUEST_SECONDS=0: .*for example REQUEST_SECONDS=600"),
        ({"START_SECONDS": "-1"}, "START_SECONDS=-1: .*for example START_SECONDS=150"),
        ({"ENCODED_CHARACTERS": "%2F,%2E"}, "ENCODED_CHARACTERS=%2F,%2E: '%2E' is none of .*for example"),
        ({"ENCODED_CHARACTERS": "/"}, "ENCODED_CHARACTERS=/: '/' is none of"),
        ({"ENCODED_CHARACTERS": "//"}, "ENCODED_CHARACTERS=//: .*set STRIP_PREFIX=false too"),
        ({"COMPRESS": "gzip"}, "COMPRESS=gzip: .*for example COMPRESS=true"),
        ({"STICKY": "ip"}, "STICKY=ip: .*for example STICKY=cookie"),
        (
            {"STICKY": "cookie", "APP_WORKERS": "3"},
            "STICKY=cookie: APP_WORKERS=3 share one port.*for example APP_WORKERS=1 APP_REPLICAS=3",
        ),
        ({"MAX_BODY_BYTES": "10MB"}, "MAX_BODY_BYTES=10MB: "),
        ({"WEBSOCKET_MAX_BYTES": "1MB"}, "WEBSOCKET_MAX_BYTES=1MB: .*WEBSOCKET_MAX_BYTES=1048576"),
        ({"WEBSOCKET_MAX_BYTES": "0"}, "WEBSOCKET_MAX_BYTES=0: .*WEBSOCKET_MAX_BYTES=1048576"),
    ],
)
def test_what_cannot_work_in_production_is_refused(tmp_path, values, words):
    with pytest.raises(SystemExit, match=words):
        read(values, tmp_path / MISSING)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "BIND_ADDRESS=127.0.0.1: Swarm always opens a port on every address"),
        ({"APP_REPLICAS": "9", "BIND_ADDRESS": "0.0.0.0"}, "APP_REPLICAS=9: .*less than or equal to 8"),
        ({"TLS_CERT": "a.pem", "BIND_ADDRESS": "0.0.0.0"}, "TLS_CERT=a.pem: .*set TLS_KEY too"),
        ({"TLS_KEY": "a.pem", "BIND_ADDRESS": "0.0.0.0"}, "TLS_KEY=a.pem: .*set TLS_CERT too"),
        ({"DOMAIN": "api.example.com", "ACME_EMAIL": "a@b.example"}, "TLS_CERT: DOMAIN needs it in a swarm"),
    ],
)
def test_what_cannot_work_in_a_swarm_is_refused(tmp_path, values, words):
    with pytest.raises(SystemExit, match=words):
        read_as(SwarmSettings, values, tmp_path / MISSING)


def test_a_swarm_has_other_defaults(tmp_path):
    files = {"TLS_CERT": "cert.pem", "TLS_KEY": "key.pem"}
    settings = read_as(SwarmSettings, {"DOMAIN": "api.example.com", **files}, tmp_path / MISSING)
    assert (settings.app_replicas, settings.probe, settings.https_port) == (2, False, 443)
    more = {"BIND_ADDRESS": "0.0.0.0", "APP_REPLICAS": "8"}
    assert read_as(SwarmSettings, more, tmp_path / MISSING).app_replicas == 8


def test_no_rate_limit_is_written_off_or_nothing(tmp_path):
    assert read({"RATE_LIMIT": "off"}, tmp_path / MISSING).rate_limit == ""
    assert read({"RATE_LIMIT": "50"}, tmp_path / MISSING).rate_limit == "50"


def test_what_the_stack_sets_itself_is_refused_in_the_file(tmp_path):
    (tmp_path / ".env").write_text("PROXY_ADDRESS=10.0.0.1\n")
    with pytest.raises(SystemExit, match="PROXY_ADDRESS"):
        read({}, tmp_path / ".env")


def test_the_application_s_own_keys_are_those_of_nobody_else(tmp_path):
    theirs = {"SECRET_KEY": "a$b", "DATABASE_URL": "postgres://db/x", "currency": "EUR"}
    others = (
        "API_PREFIX=/shop",
        "COMPOSE_PROJECT_NAME=second",
        "GF_SECURITY_ADMIN_PASSWORD=x",
        "TRAEFIK_LOG_LEVEL=DEBUG",
        "UVICORN_WORKERS=4",
        "WEB_CONCURRENCY=4",
        "GOMAXPROCS=2",
    )
    file = tmp_path / ".env"
    file.write_text("\n".join([*(f"{key}='{value}'" for key, value in theirs.items()), *others]))
    assert own_keys({"currency": "USD"}, file) == {**theirs, "currency": "USD"}
    assert read({}, file).api_prefix == "/shop"


@pytest.mark.parametrize(
    ("key", "other"),
    [
        ("API_PREFX", "API_PREFIX"),
        ("API_PERFIX", "API_PREFIX"),
        ("API_PREFIXX", "API_PREFIX"),
        ("api_prefix", "API_PREFIX"),
        ("APIPREFIX", "API_PREFIX"),
        ("DRAIN_SECOND", "DRAIN_SECONDS"),
        ("TRUSTED_PROXYS", None),
        ("APP_NAME", None),
        ("HTTP_HOST", None),
        ("DB_PORT", None),
        ("SECRET_KEY", None),
    ],
)
def test_a_setting_misspelt_is_warned_about(key, other):
    lines = near_misses([key])
    assert lines == (
        [f"warning: .env: {key} is not a setting, so only the application gets it; {other} is one"]
        if other
        else []
    )


def test_all_are_warned_about_in_one_run():
    assert len(near_misses(["API_PREFX", "OTHER", "SUBNETS"])) == 2


def test_a_key_that_a_server_would_read_by_itself_is_warned_about(tmp_path):
    (tmp_path / ".env").write_text("FORWARDED_ALLOW_IPS=*\nAPI_PREFX=/x\nCURRENCY=EUR\nWEB_CONCURRENCY=4\n")
    first, *others = sorted(warnings({}, tmp_path / ".env"))
    assert first.startswith("warning: .env: API_PREFX is not a setting")
    for line, key, instead in zip(
        others, ("FORWARDED_ALLOW_IPS", "WEB_CONCURRENCY"), ("TRUSTED_PROXIES", "APP_WORKERS"), strict=True
    ):
        assert line.startswith(f"warning: .env: {key} is ignored") and f"; {instead} sets " in line


def test_a_dollar_that_expands_to_nothing_is_named_with_what_works(tmp_path):
    (tmp_path / ".env").write_text(
        "HOST=db\nURL=postgres://$HOST/x\nPASSWORD=begin$word\nA='pa$word'\nB=${C:-d}\nE=\"${F}\"\nG=$$h\n"
    )
    first, second = warnings({}, tmp_path / ".env")
    assert first == (
        "warning: .env line 3: $word in PASSWORD is set nowhere, so it expands to nothing; if the $ "
        "belongs to the value, write it in single quotes: PASSWORD='…$word…'"
    )
    assert second.startswith("warning: .env line 6: ${F} in E ")
    assert len(warnings({"word": "given"}, tmp_path / ".env")) == 1


def test_more_files_have_keys_of_the_application_s_and_env_goes_before_them(tmp_path):
    file, more = tmp_path / ".env", tmp_path / "config" / "app.env"
    more.parent.mkdir()
    more.write_text("A=more\nB='b$c'\nHTTP_PORT=1\nD=$nothing\n")
    (tmp_path / "second.env").write_text("B=second\n")
    file.write_text("A=file\nAPP_ENV_FILE=config/app.env, second.env\n")
    assert own_keys({}, file) == {"A": "file", "B": "second", "D": ""}
    assert own_keys({"APP_ENV_FILE": "config/app.env"}, file) == {"A": "file", "B": "b$c", "D": ""}
    first, second = warnings({}, file)
    assert first.startswith("warning: config/app.env: HTTP_PORT is a setting, and of APP_ENV_FILE")
    assert second.startswith("warning: config/app.env line 4: $nothing in D ")
    assert read({}, file).http_port == 9999


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "config.env is no file; write lines of KEY=value into one"),
        ("A=1\nno line\n", "config.env line 2: it is not KEY=value"),
    ],
)
def test_a_file_of_keys_that_cannot_be_read_is_one_line(tmp_path, content, reason):
    (tmp_path / ".env").write_text("APP_ENV_FILE=config.env\n")
    if content:
        (tmp_path / "config.env").write_text(content)
    with pytest.raises(SystemExit, match=f"^APP_ENV_FILE=config.env: {reason}"):
        own_keys({}, tmp_path / ".env")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"HTTP_PORT=81\nAPI_PREFIX=/\xe9\n", ".env line 2: byte 0xe9 is not UTF-8; save the file as UTF-8"),
        ("API_PREFIX=/a\n".encode("utf-16"), ".env line 1: byte 0xff is not UTF-8; save the file as UTF-8"),
        (b"HTTP_PORT=9999\n\nAPI_PREFIX=/a\0b\n", ".env line 3: it has a NUL byte; remove it"),
        ("folder", ".env is no file; write lines of KEY=value into one, for example HTTP_PORT=9999"),
        ("pipe", ".env is no file; write lines of KEY=value into one, for example HTTP_PORT=9999"),
    ],
)
def test_what_is_no_text_is_one_line(content, reason, tmp_path):
    path = tmp_path / ".env"
    if content == "folder":
        path.mkdir()
    elif content == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(content)
    with pytest.raises(SystemExit) as refusal:
        read({}, path)
    assert str(refusal.value) == reason


@pytest.mark.parametrize(
    "content", ["\ufeffAPI_PREFIX=/a\r\nHTTP_PORT=81\r\n", "API_PREFIX=/a\rHTTP_PORT=81\r"]
)
def test_a_byte_order_mark_and_any_end_of_line_are_read(content, tmp_path):
    (tmp_path / ".env").write_bytes(content.encode())
    assert (settings := read({}, tmp_path / ".env")).api_prefix == "/a" and settings.http_port == 81


def test_a_load_balancer_on_this_machine_may_be_trusted(tmp_path):
    gateway = "172.30.98.193"  # of the network of Traefik's published ports
    assert read({"TRUSTED_PROXIES": gateway}, tmp_path / MISSING).trusted_proxies == gateway


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("::/0", "'::/0' is wider than a /20"),
        ("0.0.0.0/0", "'0.0.0.0/0' is wider than a /8"),
        ("0.0.0.0/1,128.0.0.0/3", "'0.0.0.0/1' is wider than a /8"),
        ("2000::/3", "'2000::/3' is wider than a /20"),
        ("::ffff:0:0/96", "holds IPv4 addresses in IPv6's spelling"),
        (
            ",".join(f"{number}.0.0.0/8" for number in range(11, 27)),
            "together they are 6% of all IPv4 addresses",
        ),
    ],
)
def test_no_list_of_proxies_trusts_everybody(value, reason, tmp_path):
    with pytest.raises(SystemExit) as refusal:
        read({"TRUSTED_PROXIES": value}, tmp_path / MISSING)
    line = str(refusal.value)
    assert line.startswith(f"TRUSTED_PROXIES={value}: ") and reason in line and "\n" not in line
    assert "for example TRUSTED_PROXIES=192.0.2.10" in line


def test_the_lists_of_proxies_that_clouds_publish_may_be_trusted(tmp_path):
    value = "173.245.48.0/20,104.16.0.0/13,172.64.0.0/13,10.0.0.0/8,2400:cb00::/32,2a06:98c0::/29,fd00::/20"
    assert (
        read({"TRUSTED_PROXIES": value, "SUBNET": "192.168.7"}, tmp_path / MISSING).trusted_proxies == value
    )


def test_a_subnet_may_be_written_as_a_network(tmp_path):
    assert read({"SUBNET": "10.1.2.0/24"}, tmp_path / MISSING).subnet == "10.1.2"


def test_the_example_file_has_every_key_with_its_default(tmp_path):
    from behindproxy.stack.dotenv import parse
    from behindproxy.stack.paths import ROOT
    from behindproxy.stack.settings import INTERNAL, StackSettings

    values = parse((ROOT / ".env.example").read_text(), {})
    assert {key.lower() for key in values} == set(StackSettings.model_fields) - INTERNAL
    assert read(values, tmp_path / MISSING).environ() == read({}, tmp_path / MISSING).environ()
