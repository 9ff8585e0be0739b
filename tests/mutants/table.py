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
    rows = {match[1]: match[0] for match in re.finditer(r"(?m)^\| `([\w.]+)` \|.*$", before)}
    rows |= {one.mutant.name: _row(one) for one in verdicts}
    by_name, others = by_mutant(), by_deployment()
    wrong = {check for name in rows for check in by_name.get(name, ())}
    never = [check for check in (one["id"] for one in checks()) if check not in wrong]
    elsewhere = [
        row(f"`{one}`", ", ".join(map("`{}`".format, others[one][:5]))) for one in never if one in others
    ]
    lines = [
        HEAD,
        "| mutant | what is broken | source | failing checks | diagnosis |",
        "|---|---|---|---|---|",
        *(rows[one.name] for one in load_all() if one.name in rows),
        "",
        "## Checks that no mutant makes fail",
        "",
        "The demonstration has nothing that they could check; [other people's deployments](foreign.md) make "
        "them fail:",
        "",
        "| check | fails under |",
        "|---|---|",
        *elsewhere,
        "",
        f"By neither: {', '.join(f'`{check}`' for check in never if check not in others) or 'none'}.",
        "",
    ]
    return "\n".join(lines)


def _row(verdict: Verdict) -> str:
    mutant = verdict.mutant
    checks = [f"**{check}**" for check in mutant.caught_by]
    others = sorted(verdict.ids - set(mutant.caught_by))
    red = ", ".join([*checks, *others[:4]]) + (f" and {len(others) - 4} more" if len(others) > 4 else "")
    diagnosis = " ".join(verdict.diagnosis.split()).removeprefix("diagnosis: ")
    diagnosis = re.sub(r" The line: .*?(?= diagnosis: |$)", "", diagnosis)  # of the mutant's own code
    return row(
        f"`{mutant.name}`",
        mutant.title,
        mutant.source,
        red or f"not visible: {mutant.reason}",
        diagnosis if len(diagnosis) < 240 else diagnosis[:237] + "…",
    )
