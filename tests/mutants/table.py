"""docs/mutants.md: the whole suite against every mutant."""

import re

from tests.tables import checks, row

from .bed import Verdict
from .mutant import load_all
from .red import by_deployment, by_mutant

HEAD = """# Broken on purpose

Every known misconfiguration, applied to the real stack one at a time, and what `make verify` said.
Written by `python -m tests.mutants --whole` from [tests/mutants](../tests/mutants).
"""


def markdown(verdicts: list[Verdict], before: str) -> str:
    """Return the page with a row for each mutant: a new one for each of `verdicts`, others as in `before`."""
    rows = {found[1]: found[0] for found in re.finditer(r"(?m)^\| `([\w.]+)` \|.*$", before)}
    rows |= {one.mutant.name: _row(one) for one in verdicts}
    known, others = by_mutant(), by_deployment()
    wrong = {check for name in rows for check in known.get(name, ())}
    never = [check for check in (one["id"] for one in checks()) if check not in wrong]
    elsewhere = [
        row(f"`{one}`", ", ".join(map("`{}`".format, others[one][:5]))) for one in never if one in others
    ]
    lines = [
        HEAD,
        "| mutant | what is broken | source | red checks | diagnosis |",
        "|---|---|---|---|---|",
        *(rows[one.name] for one in load_all() if one.name in rows),
        "",
        "## Checks that no mutant turned red",
        "",
        "The demonstration has nothing for them; [other people's deployments](foreign.md) turn them red:",
        "",
        "| check | red under |",
        "|---|---|",
        *elsewhere,
        "",
        f"By neither: {', '.join(f'`{check}`' for check in never if check not in others) or 'none'}.",
        "",
    ]
    return "\n".join(lines)


def _row(verdict: Verdict) -> str:
    mutant = verdict.mutant
    named = [f"**{check}**" for check in mutant.caught_by]
    others = sorted(verdict.ids - set(mutant.caught_by))
    red = ", ".join([*named, *others[:4]]) + (f" and {len(others) - 4} more" if len(others) > 4 else "")
    said = " ".join(verdict.said.split()).removeprefix("diagnosis: ")
    return row(
        f"`{mutant.name}`",
        mutant.title,
        mutant.source,
        red or f"not visible: {mutant.reason}",
        said if len(said) < 240 else said[:237] + "…",
    )
