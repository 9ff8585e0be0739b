"""The lines of a run, and the files made of them: build/foreign.json and build/foreign.md."""

import json
from collections.abc import Iterable

from behindproxy.stack.paths import BUILD
from tests.tables import row

from .verdict import Verdict


def show(verdict: Verdict) -> str:
    mark = " " if verdict.good else "!"
    return f"{mark} {verdict.entry.name:<34} {'; '.join(verdict.words)}  {verdict.seconds:.0f} s"


def summary(verdicts: list[Verdict]) -> str:
    lines = []
    for group in dict.fromkeys(one.entry.group for one in verdicts):
        ours = [one for one in verdicts if one.entry.group == group]
        lines.append(f"{group:<10} {counts(ours)}")
    return "\n".join([*lines, f"{'all':<10} {counts(verdicts)}"])


def counts(verdicts: Iterable[Verdict]) -> str:
    wrong = [one for one in verdicts if not one.entry.right]
    right = [one for one in verdicts if one.entry.right]
    visible = [one for one in wrong if one.entry.visible]
    parts = []
    if wrong:
        caught = sum(one.caught for one in visible)
        named = sum(one.caught and one.named for one in visible)
        parts.append(
            f"{len(wrong)} wrong, {len(visible)} visible: {caught} caught, {named} named, "
            f"{len(wrong) - len(visible)} not visible"
        )
    if right:
        parts.append(f"{len(right)} right: {sum(one.good for one in right)} green")
    slowest = max(verdicts, key=lambda one: one.seconds)
    return f"{'; '.join(parts)}; slowest {slowest.seconds:.0f} s"


def write(verdicts: list[Verdict]) -> None:
    BUILD.mkdir(exist_ok=True)
    content = json.dumps([one.as_json() for one in verdicts], indent=1, ensure_ascii=False)
    (BUILD / "foreign.json").write_text(content + "\n")
    (BUILD / "foreign.md").write_text(markdown(verdicts))


def markdown(verdicts: list[Verdict]) -> str:
    lines = ["| deployment | what is so | source | verdict | first diagnosis |", "|---|---|---|---|---|"]
    for one in verdicts:
        first = one.diagnosis[0] if one.diagnosis else ""
        lines.append(row(f"`{one.entry.name}`", one.entry.title, one.entry.source, answer(one), first))
    return "\n".join(lines) + "\n"


def answer(verdict: Verdict) -> str:
    entry = verdict.entry
    if verdict.problem:
        return f"could not run: {verdict.problem.splitlines()[0]}"
    if entry.right:
        return f"red: {', '.join(verdict.red)}" if verdict.red else "green"
    if not entry.visible:
        return f"not visible: {entry.reason}"
    return f"{'caught' if verdict.caught else 'not caught'}, {'named' if verdict.named else 'not named'}"
