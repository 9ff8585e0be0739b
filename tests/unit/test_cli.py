"""The commands: their names, and what --explain says."""

import re
import subprocess
import sys

from behindproxy.cli import Grouped, main
from tests.checkout import ROOT

# Without a target: what has no use in `make`, or another name there.
COMMANDS_ALONE = {"completion", "settings"}


def called(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "behindproxy", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_each_target_is_a_name_for_a_command():
    text = "".join((ROOT / name).read_text() for name in ("src/behindproxy/make/targets.mk", "Makefile"))
    recipes = dict(
        re.findall(r"(?m)^([a-z-]+):.*\n(?:\t(?!@\$\(PY\)).*\n)*\t@\$\(PY\) -m behindproxy ([a-z-]+)", text)
    )
    assert recipes == {name: name for name in recipes}
    assert recipes.keys() == main.commands.keys() - COMMANDS_ALONE


def test_each_command_is_under_one_heading():
    names = [name for group in Grouped.headings.values() for name in group]
    assert sorted(names) == sorted(main.commands)


def test_a_check_is_explained():
    status, text = called("verify", "--explain", "trust.direct_cannot_spoof")
    assert status == 0
    assert text.startswith("trust.direct_cannot_spoof   at direct\n")
    assert all(f"\n  {name} " in text for name in ("title", "states", "helps", "source"))


def test_an_unknown_check_is_one_line_with_what_is_near():
    status, text = called("verify", "--explain", "scope.shceme")
    assert (status, text.count("\n")) == (2, 1)
    assert text.startswith("--explain scope.shceme: no check has this id; for example scope.scheme")
