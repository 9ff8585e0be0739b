"""docs/mutants.md: the whole suite against every mutant."""

from tests.tables import checks, row

from .bed import Verdict

HEAD = """# Broken on purpose

Every known misconfiguration, applied to the real stack one at a time, and what `make verify` said.
Written by `python -m tests.mutants --whole` from [tests/mutants](../tests/mutants).
"""


def markdown(verdicts: list[Verdict]) -> str:
    lines = [HEAD, "| mutant | what is broken | source | red checks | diagnosis |", "|---|---|---|---|---|"]
    for verdict in verdicts:
        mutant = verdict.mutant
        named = [f"**{check}**" for check in mutant.caught_by]
        others = sorted(verdict.ids - set(mutant.caught_by))
        red = ", ".join([*named, *others[:4]]) + (f" and {len(others) - 4} more" if len(others) > 4 else "")
        red = red or f"not visible: {mutant.reason}"
        said = " ".join(verdict.said.split()).removeprefix("diagnosis: ")
        said = said if len(said) < 240 else said[:237] + "…"
        cells = (f"`{mutant.name}`", mutant.title, mutant.source, red, said)
        lines.append(row(*cells))
    wrong = {check for verdict in verdicts for check in verdict.wrong}
    never = [check for check in (one["id"] for one in checks()) if check not in wrong]
    lines += [
        "",
        "## Checks that no mutant turned red",
        "",
        ", ".join(f"`{check}`" for check in never) or "None.",
        "",
    ]
    return "\n".join(lines)
