"""The settings table: whole, and what .env.example, the compose files, documents and refusals say."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from behindproxy.settings import pages
from behindproxy.settings.table import SCOPES, SECTIONS, TABLE, Setting
from behindproxy.stack import compose_file
from behindproxy.stack.dotenv import VARIABLE
from behindproxy.stack.paths import ROOT
from behindproxy.stack.settings import INTERNAL_KEYS, StackSettings, SwarmSettings, read, read_as
from behindproxy_serve.settings import Settings

FILES = {
    "docker-compose.yml": "default",
    "docker-compose.prod.yml": "production",
    "deploy/swarm/stack.yml": "swarm",
}
# What docker.py and swarm.py give Compose beside the settings.
COMPUTED_KEYS = {"STATIC_DIR", "STACK", "STOP_SECONDS", "STATIC_FILE"}
COMPUTED_KEYS |= {"STATIC_HASH", "DYNAMIC_HASH", "CERTIFICATE_HASH"}
# Of the files that a scope is read by, those that do not have a key, and what has it in their place.
ELSEWHERE = {
    ("docker-compose.yml", "APP_REPLICAS"): "the services that `make up` names",
    ("docker-compose.yml", "APP_DATA"): "data.json, which `make up` adds",
    ("deploy/swarm/stack.yml", "APP_DATA"): "a swarm has none, and refuses it",
    ("docker-compose.yml", "APP_ENV_FILE"): "own-keys.json, which `make up` adds",
    ("deploy/swarm/stack.yml", "APP_ENV_FILE"): "own-keys.json, which `make swarm-deploy` adds",
    ("docker-compose.yml", "MIGRATE_COMMAND"): "what `make up` and `make deploy` run",
    ("deploy/swarm/stack.yml", "MIGRATE_COMMAND"): "a swarm refuses it",
    ("docker-compose.yml", "WORKER_COMMAND"): "worker.yml, which `make up` adds",
    ("deploy/swarm/stack.yml", "WORKER_COMMAND"): "a swarm refuses it",
    ("docker-compose.yml", "APP_IMAGE"): "the tag of the built image, which `make up` gives it",
    ("docker-compose.prod.yml", "ACME_CA"): "the rendered traefik.toml",
    ("docker-compose.prod.yml", "ACME_CHALLENGE"): "the rendered traefik.toml",
    ("deploy/swarm/stack.yml", "REQUEST_SECONDS"): "the rendered traefik.toml",
    ("deploy/swarm/stack.yml", "BIND_ADDRESS"): "Swarm opens every address, and another is refused",
    ("deploy/swarm/stack.yml", "DIRECT_PORT"): "a swarm has none",
    ("deploy/swarm/stack.yml", "GOMAXPROCS"): "every core of a node",
    ("deploy/swarm/stack.yml", "COMPOSE_PROJECT_NAME"): "STACK is made of it",
}
READ_BY = {
    "application": {"docker-compose.yml", "deploy/swarm/stack.yml"},
    "stack": {"docker-compose.yml", "deploy/swarm/stack.yml"},
    "docker": {"docker-compose.yml", "deploy/swarm/stack.yml"},
    "production": {"docker-compose.prod.yml"},
    "swarm": {"deploy/swarm/stack.yml"},
    "native": set(),
}


def strings(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from (*strings(key), *strings(value))
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)
    elif isinstance(node, str):
        yield node


def variables(name: str) -> list[re.Match[str]]:
    """Each `${KEY…}` of a compose file."""
    return [one for text in strings(compose_file.load(ROOT / name)) for one in VARIABLE.finditer(text)]


@pytest.mark.parametrize("one", TABLE.values(), ids=TABLE)
def test_a_setting_is_whole_and_its_default_and_example_are_taken(one: Setting):
    assert one.scope in SCOPES and one.section in SECTIONS
    assert one.sentence.endswith(".") and one.example
    for value in (one.default, one.example, one.swarm):
        assert one.refusal(value) == ""


def test_the_table_has_every_field_that_a_person_may_set():
    mine = {name.upper() for name in StackSettings.model_fields} - INTERNAL_KEYS
    assert mine == {name for name, one in TABLE.items() if one.validated}


def test_a_value_that_cannot_work_is_refused_by_the_table_too():
    assert "must start with a slash" in TABLE["API_PREFIX"].refusal("api")
    assert "less than or equal" in TABLE["HTTP_PORT"].refusal("65536")


@pytest.mark.parametrize(
    ("kind", "model", "values"),
    [
        ("default", StackSettings, {}),
        ("production", StackSettings, {"DOMAIN": "api.example.com", "ACME_EMAIL": "ops@example.com"}),
        ("swarm", SwarmSettings, {"BIND_ADDRESS": "0.0.0.0"}),
    ],
)
def test_a_default_is_what_counts_where_nothing_is_given(kind, model, values, tmp_path):
    file = tmp_path / ".env"
    rest = {name: getattr(one, kind) for name, one in TABLE.items() if one.validated and name not in values}
    settings = read_as(model, values, file)
    file.write_text("".join(f"{name}={value}\n" for name, value in rest.items()))
    assert read_as(model, values, file).environ() == settings.environ()
    for name, value in rest.items():
        if value and "$" not in value:
            assert settings.environ()[name] in (value, *{"0": ["false"], "1": ["true"]}.get(value, [])), name


def test_the_example_file_is_the_table():
    assert (ROOT / ".env.example").read_text() == pages.env(), "make docs writes it"


def test_the_document_of_the_settings_is_the_table():
    assert (ROOT / "docs" / "settings.md").read_text() == pages.markdown(), "make docs writes it"


@pytest.mark.parametrize("name", FILES)
def test_a_default_in_a_compose_file_is_the_table_s(name):
    for one in variables(name):
        setting = TABLE.get(one["name"] or "")
        if setting and one["mark"] == ":-":
            assert one["word"] == getattr(setting, FILES[name]), one[0]
        elif setting and one["mark"] == ":?":
            assert f"{setting.name}={setting.example}" in one["word"], one[0]


def test_what_a_compose_file_passes_on_is_a_setting_and_each_setting_is_passed_on():
    passed = {name: {one["name"] or one["plain"] for one in variables(name)} for name in FILES}
    assert set.union(*passed.values()) - COMPUTED_KEYS <= set(TABLE)
    assert COMPUTED_KEYS <= set.union(*passed.values())
    pairs = {(file, name) for name, one in TABLE.items() for file in READ_BY[one.scope]}
    missing = {(file, name) for file, name in pairs if name not in passed[file]}
    assert missing == set(ELSEWHERE)


@pytest.mark.parametrize("name", ["docker-compose.yml", "deploy/swarm/stack.yml"])
def test_the_application_s_container_gets_what_is_the_application_s(name):
    environment = compose_file.load(ROOT / name)["services"]["app"]["environment"]
    keys = {key for key, value in environment.items() if f"${{{key}:-" in str(value)}
    # With DOMAIN its responses have Strict-Transport-Security.
    assert keys == {key for key, one in TABLE.items() if one.scope == "application"} | {"DOMAIN"}


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("acme_email", {"DOMAIN": "a.example"}),
        ("domain", {"ACME_EMAIL": "ops@example.com"}),
        ("trusted_proxies", {"TRUSTED_PROXIES": "172.16.0.0/12"}),
        ("api_prefix", {"API_PREFIX": "api"}),
    ],
)
def test_a_refusal_proposes_the_table_s_example(field, values, tmp_path, monkeypatch):
    for model in (Settings, StackSettings):
        if field in model.model_fields:
            monkeypatch.setattr(model.model_fields[field], "examples", ["198.51.100.77"])
    with pytest.raises(SystemExit, match=rf"for example {field.upper()}=198\.51\.100\.77$"):
        read(values, tmp_path / "no such file")
