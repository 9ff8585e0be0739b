"""Which checks each mutant turned red in the last run of the whole suite against it (`--whole`), and what
other people's deployments and applications did (`python -m tests.foreign --document`, `tests.published`)."""

import json
from collections.abc import Iterable

from behindproxy.stack.render import write

from .bed import Verdict
from .mutant import HERE, load_all

PATH = HERE / "red.json"
FOREIGN = HERE.parent / "foreign" / "red.json"
PUBLISHED = HERE.parent / "published" / "red.json"


def by_mutant() -> dict[str, list[str]]:
    result: dict[str, list[str]] = json.loads(PATH.read_text())
    return result


def by_check() -> dict[str, list[str]]:
    """Return the mutants that turned each check red: first those that are for it, then the narrower ones; of
    a check that none did, the deployments of tests/foreign and tests/published."""
    aims, red = {one.name: one.caught_by for one in load_all()}, by_mutant()
    result: dict[str, list[str]] = {}
    for mutant, checks in red.items():
        for check in checks:
            result.setdefault(check, []).append(mutant)
    for check, mutants in result.items():
        mutants.sort(key=lambda name: (check not in aims.get(name, ()), len(red[name]), name))
    return by_deployment() | result


def by_deployment() -> dict[str, list[str]]:
    """Return the deployments of tests/foreign and tests/published that turned each check red, the narrower
    ones first."""
    red: dict[str, list[str]] = json.loads(FOREIGN.read_text()) | json.loads(PUBLISHED.read_text())
    result: dict[str, list[str]] = {}
    for name in sorted(red, key=lambda name: (len(red[name]), name)):
        for check in red[name]:
            result.setdefault(check, []).append(name)
    return result


def record(verdicts: Iterable[Verdict]) -> None:
    """Keep what these mutants turned red; what others did stays."""
    # Where an entrypoint answers nothing but 502, each check of it is an error, and none is wrong: then all
    # count, else those errors that the mutant names.
    result = {
        one.mutant.name: sorted((one.wrong or one.ids) | ({"up", *one.mutant.caught_by} & one.ids))
        for one in verdicts
        if not one.error
    }
    write(PATH, json.dumps(dict(sorted((by_mutant() | result).items())), indent=1) + "\n")
