"""A text names the project's own Makefile and files, where a copy has them elsewhere."""

import re

import pytest

from behindproxy.contract.advice import reference
from behindproxy.contract.advice.places import TARGETS, Places
from behindproxy.doctor.findings import ENTRIES
from behindproxy.stack.paths import ROOT

COPY = Places("deployment/Makefile", "deployment")


@pytest.mark.parametrize(
    "text, named",
    [
        ("DOCS in .env, then make up", "DOCS in .env, then make -f deployment/Makefile up"),
        (
            "`make ps` and `make logs`",
            "`make -f deployment/Makefile ps` and `make -f deployment/Makefile logs`",
        ),
        ("the rule in traefik/dynamic/routes.toml", "the rule in deployment/traefik/dynamic/routes.toml"),
        ("(traefik/dynamic/routes.toml)", "(deployment/traefik/dynamic/routes.toml)"),
        ("ports: in docker-compose.yml", "ports: in deployment/docker-compose.yml"),
        ("traefik/traefik#2214", "traefik/traefik#2214"),
        ("build/traefik/traefik.toml", "build/traefik/traefik.toml"),
        ("make sure of it", "make sure of it"),
    ],
)
def test_a_copy_has_names_of_its_own(text, named):
    assert COPY.named(text) == named
    assert Places().named(text) == text


def test_the_targets_are_those_of_a_copy():
    makefile = (ROOT / "src/behindproxy/template/makefile").read_text()
    targets = re.search(r"(?m)^\.PHONY: (.*)$", makefile)[1].split()
    assert set(TARGETS.split("|")) == set(targets) - {"help"}


def test_no_remedy_of_a_copy_names_a_target_or_a_file_that_it_has_not():
    texts = [
        *reference.CAUSES.values(),
        *reference.CHECKS.values(),
        *(text for entry in ENTRIES.values() for text in (entry.fix, *entry.fixes.values())),
    ]
    assert len(texts) > 100
    for text in texts:
        named = COPY.named(text)
        assert named.count("make up") == named.count(" traefik/") == 0, named
