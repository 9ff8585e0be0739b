"""The TOML files: how many there are, how many cannot be seen, and what they say of themselves."""

import ast
import re
from collections import Counter

import pytest

from .entry import HERE, load_all, made
from .table import DOCUMENT

ENTRIES = load_all()
LEAST = {"nginx": 12, "caddy": 8, "haproxy": 8, "traefik": 12, "server": 9}
SOURCE = re.compile(r"[\w.-]+/[\w.-]+#\d+$|[\w.-]+ documentation, .+$")
APPLICATIONS = sorted((HERE / "applications").glob("*.py"))


def test_each_name_is_one():
    assert [name for name, times in Counter(entry.name for entry in ENTRIES).items() if times > 1] == []


@pytest.mark.parametrize(("group", "least"), LEAST.items())
def test_there_are_enough_wrong_ones(group, least):
    assert sum(entry.group == group and not entry.right for entry in ENTRIES) >= least


def test_there_are_enough_right_ones_and_each_proxy_has_one():
    right = [entry for entry in ENTRIES if entry.right]
    assert len(right) >= 12
    assert {entry.proxy for entry in right} == {"nginx", "caddy", "haproxy", "traefik"}


@pytest.mark.parametrize("group", LEAST)
@pytest.mark.parametrize("probe", [False, True])
def test_at_most_a_quarter_of_a_group_cannot_be_seen(group, probe):
    entries = [entry.probed if probe else entry for entry in ENTRIES if entry.group == group]
    assert sum(not entry.visible for entry in entries) * 4 <= len(entries)


def cells() -> dict[str, tuple[str, ...]]:
    """Each deployment's verdicts in docs/foreign.md, without the probe and with it."""
    lines = [line.split(" | ") for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    return {line[0].strip("| `"): (line[-2], line[-1].removesuffix(" |")) for line in lines}


def test_the_document_has_each_of_them():
    assert [*cells()] == [entry.name for entry in ENTRIES], "python -m tests.foreign --document"


@pytest.mark.parametrize(("world", "least_caught", "least_named"), [(0, 0.95, 0.85), (1, 0.98, 0.95)])
def test_enough_of_what_can_be_seen_is_caught_and_named(world, least_caught, least_named):
    texts = [cells()[entry.name][world] for entry in ENTRIES if not entry.right]
    visible = [one for one in texts if not one.startswith("not visible: ")]
    assert (len(texts) - len(visible)) * 4 <= len(texts)
    assert sum(one.startswith("caught") for one in visible) >= least_caught * len(visible)
    assert sum(one == "caught, named" for one in visible) >= least_named * len(visible)
    assert {cells()[entry.name][world] for entry in ENTRIES if entry.right} == {"green"}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_source_can_be_opened(entry):
    assert SOURCE.match(entry.source), entry.source


@pytest.mark.parametrize("path", APPLICATIONS, ids=lambda path: path.stem)
def test_no_application_knows_this_repository(path):
    tree = ast.walk(ast.parse(path.read_text()))
    imported = [node.module or "" for node in tree if isinstance(node, ast.ImportFrom)]
    assert path.stem == "probed" or not [name for name in imported if "behindproxy" in name]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"visible": False}, "for no reason"),
        ({"proxy": "squid"}, "none of nginx"),
        ({"shows": []}, "shows no fault"),
        ({"red": []}, "needs red and named"),
        ({"level": "hardening"}, "the level"),
        ({"tilte": "x"}, "unknown tilte"),
    ],
)
def test_a_row_that_says_too_little_is_refused(change, reason):
    row = {
        "name": "a",
        "title": "t",
        "source": "a/b#1",
        "proxy": "nginx",
        "config": "",
        "red": ["app.*"],
        "named": ["x"],
        "shows": [{"at": "http", "path": "/"}],
    }
    assert made("nginx", row).name == "nginx/a"
    with pytest.raises(ValueError, match=reason):
        made("nginx", row | change)
