"""The root is what a person copies: small enough to be read in ten minutes, and nothing in it twice."""

import re
import tomllib
from collections import Counter

import pytest
import yaml

from behindproxy.stack.paths import ROOT

LINES = {
    "README.md": 150,
    "docker-compose.yml": 90,  # a line for each setting
    "docker-compose.prod.yml": 45,
    "docker-compose.replicas.yml": 20,
    "docker-compose.dev.yml": 7,
    "traefik/traefik.toml": 55,
    "traefik/dynamic/routes.toml": 75,
    "traefik/dynamic/middlewares.toml": 100,
    "Dockerfile": 35,
    "app/main.py": 35,
}
TEN_MINUTES = [
    "docker-compose.yml",
    "traefik/traefik.toml",
    "traefik/dynamic/routes.toml",
    "Dockerfile",
    "app/main.py",
]
# Elsewhere, so that who copies a stack on one machine does not read them.
FOLDERS = ("swarm", "kubernetes", "observability", "nginx", "caddy")


def lines(name: str) -> list[str]:
    return (ROOT / name).read_text().splitlines()


@pytest.mark.parametrize("name", LINES)
def test_a_file_of_the_root_is_short(name):
    assert len(lines(name)) <= LINES[name]


def test_what_runs_is_read_in_ten_minutes():
    assert sum(len(lines(name)) for name in TEN_MINUTES) <= 260


@pytest.mark.parametrize("name", [name for name in LINES if name.endswith((".yml", ".toml"))])
def test_no_block_of_a_file_stands_twice(name):
    code = [line.partition("  #")[0].strip() for line in lines(name) if not line.strip().startswith("#")]
    code = [line for line in code if line]
    if name == "traefik/traefik.toml":  # the test below says why
        code = code[: code.index("[entryPoints.https]")]
    runs = Counter(tuple(code[at : at + 3]) for at in range(len(code) - 2))
    assert [run for run, count in runs.items() if count > 1] == []


def test_the_two_public_entrypoints_differ_in_their_port_and_tls_alone():
    """Traefik's static file cannot say it once: it is TOML, no template, and entrypoints have no defaults."""
    entrypoints = tomllib.loads((ROOT / "traefik/traefik.toml").read_text())["entryPoints"]
    plain, tls = entrypoints["http"], entrypoints["https"]
    assert plain.pop("address") != tls.pop("address")
    assert tls["http"].pop("tls") == {}
    assert plain == tls


@pytest.mark.parametrize("name", FOLDERS)
def test_what_not_everybody_needs_has_a_folder_of_its_own(name):
    assert [path for path in (ROOT / "deploy" / name).iterdir() if path.is_file()]


@pytest.mark.parametrize("name", ["docker-compose.yml", "deploy/swarm/stack.yml"])
def test_neither_logs_nor_temporary_files_fill_the_disk_or_the_memory(name):
    for service in yaml.safe_load((ROOT / name).read_text())["services"].values():
        assert {"max-size", "max-file"} <= service["logging"]["options"].keys()
        temporary = [*service.get("tmpfs", []), *service.get("volumes", [])]
        sizes = [
            one["tmpfs"]["size"] if isinstance(one, dict) else one.partition("size=")[2]
            for one in temporary
            if "/tmp" in str(one)
        ]
        assert len(sizes) == 1 and all(sizes)


def test_no_container_takes_the_machine():
    for name in ("docker-compose.yml", "deploy/observability/compose.yml"):
        for service in yaml.safe_load((ROOT / name).read_text())["services"].values():
            assert (
                service["mem_limit"] and service["pids_limit"] and service["logging"]["options"]["max-size"]
            )
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert {one["cpus"] for one in services.values()} == {"${CONTAINER_CPUS:-0}"}


@pytest.mark.parametrize("name", ["Dockerfile", "src/behindproxy/template/stack/Dockerfile"])
def test_the_image_has_a_health_check_and_nothing_of_it_is_left_in_compose_s(name):
    """Compose's takes from the image's what it does not say itself."""
    (line,) = [line for line in lines(name) if line.startswith("HEALTHCHECK")]
    options, _, command = line.removeprefix("HEALTHCHECK ").partition(" CMD ")
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["app"]["healthcheck"]
    assert ["CMD", *yaml.safe_load(command)] == compose["test"]
    own = {option.removeprefix("--").partition("=")[0] for option in options.split()}
    assert own == {"interval", "timeout", "retries"} and own <= compose.keys()


# What a reader who knows only FastAPI wants to change, and the file to open first.
QUESTIONS = {
    "the prefix": ".env",
    "who is trusted": ".env",
    "how a route is protected": "traefik/dynamic/routes.toml",
    "time limit": ".env",
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_first_file_that_is_named_is_the_one_to_open(question):
    """In the README, and in what a copy has in place of one: the head of its Makefile."""
    (row,) = [line for line in lines("README.md") if line.startswith("| ") and question in line.split("|")[1]]
    (line,) = [one for one in lines("src/behindproxy/template/makefile")[:8] if question in one]
    for text in (row.split("|")[2], line[line.index(question) :]):
        (first, *_) = re.findall(r"\.env\b|traefik/[\w./]+\.toml", text)
        assert first == QUESTIONS[question]
