"""Each mutant fits the tree as it is: found without starting anything."""

import pytest

from behindproxy.stack.paths import ROOT
from behindproxy.stack.settings import StackSettings
from behindproxy_serve.settings import Settings
from tests.mutants.mutant import HERE, Patch, load, load_all
from tests.tables import checks

MUTANTS = load_all()
# What is wrong with these is the text itself. All others survive whoever formats a file.
OF_A_TEXT = {"up.broken_routes"}


@pytest.fixture(scope="module")
def known() -> set[str]:
    return {*(check["id"] for check in checks()), "up"}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_its_patches_fit_and_its_checks_exist(mutant, known):
    texts = {patch.file: (ROOT / patch.file).read_text() for patch in mutant.patch}
    for patch in mutant.patch:
        assert texts[patch.file].count(patch.find) == patch.times, patch.find
        texts[patch.file] = texts[patch.file].replace(patch.find, patch.replace)
    assert set(mutant.caught_by) <= known
    settings = {name.lower() for name in mutant.settings}
    assert settings <= {*Settings.model_fields, *StackSettings.model_fields}
    assert mutant.patch or mutant.settings, "it changes nothing"


def test_none_replaces_text_but_those_of_a_text():
    assert {mutant.name for mutant in MUTANTS if mutant.patch} == OF_A_TEXT


def test_there_are_enough_and_no_two_are_alike():
    assert sum(mutant.runtime == "native" for mutant in MUTANTS) >= 60
    changes = [repr((mutant.patch, mutant.settings, mutant.runtime)) for mutant in MUTANTS]
    assert len(set(changes)) == len(changes)


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
