"""The lines of a run, and the files made of them: build/foreign.json and build/foreign.md."""

import json
from collections.abc import Iterable

from behindproxy.stack.paths import BUILD
from tests.tables import row

from .entry import load_all
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


def write(verdicts: list[Verdict], world: str) -> None:
    """Keep the verdicts beside those of earlier runs, and make the table of all of them."""
    BUILD.mkdir(exist_ok=True)
    path = BUILD / "foreign.json"
    worlds = json.loads(path.read_text()) if path.exists() else {}
    worlds[world] = worlds.get(world, {}) | {one.entry.name: one.as_json() for one in verdicts}
    path.write_text(json.dumps(worlds, indent=1, ensure_ascii=False) + "\n")
    (BUILD / "foreign.md").write_text(markdown(worlds))


def markdown(worlds: dict[str, dict[str, dict]]) -> str:
    """Each deployment of today's files in a row: what it is, and the verdict without and with the probe."""
    lines = ["| deployment | what is so | source | without the probe | with it |", "|---|---|---|---|---|"]
    for entry in load_all():
        cells = [answer(worlds.get(world, {}).get(entry.name)) for world in ("plain", "probed")]
        lines.append(row(f"`{entry.name}`", entry.title, entry.source, *cells))
    return "\n".join(lines) + "\n"


def answer(said: dict | None) -> str:
    if said is None:
        return "–"
    if said["problem"]:
        return f"could not run: {said['problem'].splitlines()[0]}"
    if said["right"]:
        return f"red: {', '.join(said['red'])}" if said["red"] else "green"
    if not said["visible"]:
        return f"not visible: {said['reason']}"
    return f"{'caught' if said['caught'] else 'not caught'}, {'named' if said['named'] else 'not named'}"
