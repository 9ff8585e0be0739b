"""Each mutant fits the tree as it is: found without starting anything."""

import os
import re
import subprocess
import sys
from copy import deepcopy
from importlib import import_module
from operator import attrgetter

import pytest
import yaml

from behindproxy.stack.paths import ROOT
from behindproxy.stack.settings import StackSettings
from behindproxy_serve import server
from behindproxy_serve.settings import Settings
from tests.mutants import data, red
from tests.mutants.data import Edit
from tests.mutants.mutant import HERE, OF_THE_START, Mutant, Patch, Replace, load, load_all
from tests.mutants.template import render
from tests.tables import checks
from tests.unit.test_dotenv import compose

MUTANTS = load_all()
CHANGES = {"runtime", "settings", "edit", "replace", "patch", "packages"}
# What is wrong with these is the text itself, or a line of the Dockerfile. All others survive a formatter.
OF_A_TEXT = {"up.broken_routes", "container.no_health_check"}


@pytest.fixture(scope="module")
def ids() -> set[str]:
    return {*(check["id"] for check in checks()), "up"}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_it_fits_and_its_checks_exist(mutant, ids, tmp_path):
    for name in {*mutant.files, "docker-compose.yml"}:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text())
    mutant.apply(tmp_path)  # raises where a change does not fit
    for change in mutant.replace:
        change.function(attrgetter(change.attributes)(import_module(change.module)))
    assert set(mutant.caught_by) <= ids
    settings = {name.lower() for name in mutant.settings}
    assert settings <= {*Settings.model_fields, *StackSettings.model_fields}
    changes = mutant.files or mutant.replace or mutant.settings or mutant.packages
    assert changes, "it changes nothing"


def test_each_check_was_seen_red():
    reds = red.by_check()
    # Only a session's cookie on an https entrypoint shows it: tests/copies/test_libraries.py.
    assert {check["id"] for check in checks()} - reds.keys() == {"application.cookies_secure"}


def test_none_replaces_text_but_those_of_a_text():
    assert {mutant.name for mutant in MUTANTS if mutant.patch} == OF_A_TEXT


@pytest.mark.parametrize("name", sorted({edit.file for mutant in MUTANTS for edit in mutant.edit}))
def test_whoever_formats_a_file_breaks_no_mutant(name):
    environ = StackSettings().environ() | OF_THE_START
    text = (ROOT / name).read_text()
    if name.endswith(".toml"):
        formatted = re.sub(r" *= *", "=", re.sub(r"(?m)^\s+|\s*(?<!\S)#.*$", "", text))
    else:
        formatted = yaml.safe_dump(yaml.safe_load(text), indent=8, default_flow_style=True)
    assert formatted.splitlines() != text.splitlines()
    assert data.read(formatted, name, environ) == data.read(text, name, environ)


def of_the_launcher(mutant):
    return [change for change in mutant.replace if change.module == server.__name__]


@pytest.mark.parametrize("mutant", [*filter(of_the_launcher, MUTANTS)], ids=lambda mutant: mutant.name)
def test_a_server_is_started_in_another_way(mutant, monkeypatch):
    settings = Settings(**{name.lower(): value for name, value in mutant.settings.items()})
    before = server.command(settings)
    for change in of_the_launcher(mutant):
        original = getattr(server, change.attributes)
        monkeypatch.setattr(server, change.attributes, change.function(original))
    assert server.command(settings) != before


def test_compose_reads_the_same_in_what_is_written(tmp_path):
    command = compose()
    if not command:
        pytest.skip("no Compose here: requirements/compose.txt installs one")
    text = (ROOT / "docker-compose.yml").read_text()
    copy = data.written(data.read(text, "docker-compose.yml", {}), "docker-compose.yml")
    outputs = []
    for one in (text, copy):
        (tmp_path / "docker-compose.yml").write_text(one)
        process = subprocess.run(
            [*command, "--profile", "*", "config"], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert process.returncode == 0, process.stderr
        outputs.append(process.stdout)
    assert "no-new-privileges" in outputs[0]
    assert outputs[0] == outputs[1]


def test_there_are_enough_and_no_two_are_alike():
    assert sum(mutant.runtime == "native" for mutant in MUTANTS) >= 60
    changes = [mutant.model_dump_json(include=CHANGES) for mutant in MUTANTS]
    assert len(set(changes)) == len(changes)


CONFIGURATION = {"a": {"b": {"list": [1, 2]}, "c": {"list": [2]}}}


@pytest.mark.parametrize(
    "change, expected",
    [
        ({"path": "a.b.list", "append": 3}, {"b": {"list": [1, 2, 3]}, "c": {"list": [2]}}),
        ({"path": "a.c.list", "prepend": 3}, {"b": {"list": [1, 2]}, "c": {"list": [3, 2]}}),
        ({"path": "a.*.list", "remove": 2}, {"b": {"list": [1]}, "c": {"list": []}}),
        ({"path": "a.b", "delete": True}, {"c": {"list": [2]}}),
        ({"path": "a.*.list", "set": "x"}, {"b": {"list": "x"}, "c": {"list": "x"}}),
        ({"path": "a.d.e", "set": 1}, {**CONFIGURATION["a"], "d": {"e": 1}}),
    ],
)
def test_an_edit_changes_what_is_at_its_path(change, expected):
    document = deepcopy(CONFIGURATION)
    Edit(file="any.toml", **change).apply(document)
    assert document == {"a": expected}


@pytest.mark.parametrize(
    "change",
    [
        {"path": "a.b.gone", "delete": True},
        {"path": "a.x.list", "append": 1},
        {"path": "a.b.list", "remove": 3},
        {"path": "a.b.list", "set": [1, 2]},
    ],
)
def test_an_edit_that_changes_nothing_is_refused(change):
    with pytest.raises(ValueError, match=r"any\.toml has nothing to change at a\."):
        Edit(file="any.toml", **change).apply(deepcopy(CONFIGURATION))


def test_an_edit_does_one_thing():
    with pytest.raises(ValueError, match="a: needs one of set, delete"):
        Edit(file="any.toml", path="a")
    with pytest.raises(ValueError, match="a: needs one of set, delete"):
        Edit(file="any.toml", path="a", set=1, append=2)


def test_a_template_with_something_unknown_is_refused():
    for text in ("{{ now }}", "{{ if true }}", "{{ include `x` }}", "{{ 'a' }}"):
        with pytest.raises(ValueError, match="template"):
            render(text, {})


def test_an_object_is_replaced_in_every_process_that_the_first_one_starts(tmp_path):
    script = "import multiprocessing, json.decoder as d; print(d.NaN, d.JSONDecodeError.__name__, flush=True)"
    (tmp_path / "shown.py").write_text(f"def show():\n    {script}\n")
    (tmp_path / "started.py").write_text(
        "import multiprocessing, shown\n"
        "if __name__ == '__main__':\n"
        "    shown.show()\n"
        "    child = multiprocessing.get_context('spawn').Process(target=shown.show)\n"
        "    child.start()\n"
        "    child.join()\n"
    )
    mutant = load(HERE / "trust.quoted.toml")
    change = Replace(object="json.decoder:NaN", by="value", arguments={"is_now": "replaced"})
    text = mutant.model_copy(update={"replace": [change]}).startup(tmp_path)
    (tmp_path / "sitecustomize.py").write_text(text)
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, str(tmp_path / "started.py")]
    process = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert process.stdout.splitlines() == ["replaced JSONDecodeError"] * 2, process.stderr


def test_a_patch_that_does_not_fit_is_refused(tmp_path):
    (tmp_path / "routes.toml").write_text("a a")
    with pytest.raises(ValueError, match="2 times, not 1"):
        Patch(file="routes.toml", find="a", replace="b").apply(tmp_path)
    assert (tmp_path / "routes.toml").read_text() == "a a"


def test_an_unknown_key_is_named(tmp_path):
    path = tmp_path / "prefix.typo.toml"
    path.write_text((HERE / "prefix.no_strip.toml").read_text() + '\n[setting]\nPROBE = "0"\n')
    with pytest.raises(SystemExit, match=r"prefix\.typo\.toml.*setting"):
        load(path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"caught_by": []}, "a visible one needs caught_by and named"),
        ({"visible": False}, "needs a reason, and neither caught_by nor named"),
        ({"visible": False, "reason": "no response shows it"}, "needs a reason, and neither"),
    ],
)
def test_one_says_what_goes_red_or_why_nothing_does(change, reason):
    fields = {
        "name": "a.b",
        "title": "t",
        "story": "s",
        "source": "a/b#1",
        "caught_by": ["a.b"],
        "named": ["x"],
    }
    assert Mutant(**fields).visible
    with pytest.raises(ValueError, match=reason):
        Mutant(**fields | change)


def test_at_most_a_quarter_cannot_be_seen():
    assert sum(not mutant.visible for mutant in MUTANTS) * 4 <= len(MUTANTS)


def test_what_each_turned_red_is_on_record():
    assert red.by_mutant().keys() == {mutant.name for mutant in MUTANTS}, "python -m tests.mutants --whole"
    for mutant in MUTANTS:
        assert set(mutant.caught_by) <= set(red.by_mutant()[mutant.name])
