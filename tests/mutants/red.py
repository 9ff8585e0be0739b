"""Which checks each mutant turned red in the last run of the whole suite against it (`--whole`), and what
other people's deployments did (`python -m tests.foreign --document`)."""

import json
from collections.abc import Iterable

from behindproxy.stack.render import write

from .bed import Verdict
from .mutant import HERE, load_all

PATH = HERE / "red.json"
FOREIGN = HERE.parent / "foreign" / "red.json"


def by_mutant() -> dict[str, list[str]]:
    known: dict[str, list[str]] = json.loads(PATH.read_text())
    return known


def by_check() -> dict[str, list[str]]:
    """Return the mutants that turned each check red: first those that are for it, then the narrower ones; of
    a check that none did, the deployments of tests/foreign."""
    aims, red = {one.name: one.caught_by for one in load_all()}, by_mutant()
    found: dict[str, list[str]] = {}
    for mutant, checks in red.items():
        for check in checks:
            found.setdefault(check, []).append(mutant)
    for check, mutants in found.items():
        mutants.sort(key=lambda name: (check not in aims.get(name, ()), len(red[name]), name))
    return by_deployment() | found


def by_deployment() -> dict[str, list[str]]:
    """Return the deployments of tests/foreign that turned each check red, the narrower ones first."""
    red: dict[str, list[str]] = json.loads(FOREIGN.read_text())
    found: dict[str, list[str]] = {}
    for name in sorted(red, key=lambda name: (len(red[name]), name)):
        for check in red[name]:
            found.setdefault(check, []).append(name)
    return found


def record(verdicts: Iterable[Verdict]) -> None:
    """Keep what these mutants turned red; what others did stays."""
    # Where an entrypoint answers nothing but 502, each check of it is an error, and none is wrong: then all
    # count, else those errors that the mutant names.
    found = {
        one.mutant.name: sorted((one.wrong or one.ids) | ({"up", *one.mutant.caught_by} & one.ids))
        for one in verdicts
        if not one.error
    }
    write(PATH, json.dumps(dict(sorted((by_mutant() | found).items())), indent=1) + "\n")
