"""Which checks each mutant turned red in the last run of the whole suite against it (`--whole`)."""

import json
from collections.abc import Iterable

from behindproxy.stack.render import write

from .bed import Verdict
from .mutant import HERE, load_all

PATH = HERE / "red.json"


def by_mutant() -> dict[str, list[str]]:
    known: dict[str, list[str]] = json.loads(PATH.read_text())
    return known


def by_check() -> dict[str, list[str]]:
    """Return the mutants that turned each check red: first those that are for it, then the narrower ones."""
    aims, red = {one.name: one.caught_by for one in load_all()}, by_mutant()
    found: dict[str, list[str]] = {}
    for mutant, checks in red.items():
        for check in checks:
            found.setdefault(check, []).append(mutant)
    for check, mutants in found.items():
        mutants.sort(key=lambda name: (check not in aims.get(name, ()), len(red[name]), name))
    return found


def record(verdicts: Iterable[Verdict]) -> None:
    """Keep what these mutants turned red; what others did stays."""
    # Where an entrypoint answers nothing but 502, each check of it is an error, and none is wrong.
    found = {
        one.mutant.name: sorted((one.wrong or one.ids) | ({"up"} & one.ids))
        for one in verdicts
        if not one.error
    }
    write(PATH, json.dumps(dict(sorted((by_mutant() | found).items())), indent=1) + "\n")
