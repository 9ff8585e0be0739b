"""The lines of a run, and the files made of them: build/foreign.json, and the table of docs/foreign.md."""

import json
from collections.abc import Iterable

from behindproxy.stack.paths import BUILD, ROOT
from behindproxy.stack.render import write
from tests.mutants import mutant
from tests.tables import row

from .entry import HERE, Entry, load_all
from .verdict import Verdict

DOCUMENT = ROOT / "docs" / "foreign.md"
RECORD = BUILD / "foreign.json"
RED = HERE / "red.json"
WORLDS = {"plain": "without the probe", "probed": "with it"}
# Of the applications, by what they are; the others are ordinary ones with an API.
PAGES = {"board", "rooted_board", "gallery", "notebook", "pageapp", "signin", "walled", "ticker"}
PUBLISHED = {"stac": "stac-fastapi", "published": "Datasette", "tools": "the MCP SDK"}
KINDS = ("an ordinary API", "pages and sockets", f"published on PyPI ({', '.join(PUBLISHED.values())})")
HEAD = """# Other people's deployments

What `behindproxy verify` says of {wrong} wrong deployments and {right} right ones behind nginx, Caddy,
HAProxy and Traefik, in front of applications that know nothing of this repository, without the probe and
with it. Each is a row of [tests/foreign](../tests/foreign), run for real: its proxy and its server are
started, and a request shows that the fault is there before `verify` judges it. *Caught*: a check of the
fault is red. *Named*: the first diagnosis is the true cause. *Not visible*: no response of that application
can show it, which was decided before the run. *Green*: nothing is called broken or exposed. Traefik's
labels are those that its Docker provider reads. [Broken on purpose](mutants.md) has the third world, the
demonstration with the probe, where CI demands each.

`PYTHONPATH=src build/venv/bin/python -m tests.foreign` runs them, with `--probe` the same with the probe,
and `--document` writes this page of what the two said.
"""


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
        catches = sum(one.caught for one in visible)
        names = sum(one.caught and one.named for one in visible)
        parts.append(
            f"{len(wrong)} wrong, {len(visible)} visible: {catches} caught, {names} named, "
            f"{len(wrong) - len(visible)} not visible"
        )
    if right:
        parts.append(f"{len(right)} right: {sum(one.good for one in right)} green")
    slowest = max(verdicts, key=lambda one: one.seconds)
    return f"{'; '.join(parts)}; slowest {slowest.seconds:.0f} s"


def keep(verdicts: list[Verdict], world: str) -> None:
    """Keep the verdicts beside those of earlier runs."""
    BUILD.mkdir(exist_ok=True)
    worlds = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    worlds[world] = worlds.get(world, {}) | {one.entry.name: one.as_json() for one in verdicts}
    RECORD.write_text(json.dumps(worlds, indent=1, ensure_ascii=False) + "\n")


def document() -> None:
    """Write the page and red.json of what the last runs said. Raises ValueError where a row was not run in a
    world."""
    worlds = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    entries = load_all()
    missing = [
        f"{one.name} {name}"
        for world, name in WORLDS.items()
        for one in entries
        if one.name not in worlds.get(world, {})
    ]
    if missing:
        raise ValueError(f"not run: {', '.join(missing[:5])}{' …' if len(missing) > 5 else ''}")
    wrong = [one for one in entries if not one.right]
    head = HEAD.format(wrong=len(wrong), right=len(entries) - len(wrong))
    write(DOCUMENT, "\n".join([head, *totals(wrong, worlds), "", *rows(entries, worlds), ""]))
    red = {one.name: sorted(ids_of(one, worlds)) for one in wrong}
    write(RED, json.dumps(dict(sorted(red.items())), indent=1) + "\n")


def ids_of(entry: Entry, worlds: dict[str, dict[str, dict]]) -> set[str]:
    """Return the checks that it turned red in either world."""
    return {place.partition("@")[0] for world in WORLDS for place in worlds[world][entry.name]["red"]}


def totals(wrong: list[Entry], worlds: dict[str, dict[str, dict]]) -> list[str]:
    """Return the lines that count, by world and by kind of application."""
    lines = ["| world | wrong | not visible | visible | caught | named |", "|---|---|---|---|---|---|"]
    own = mutant.load_all()
    visible = [one for one in own if one.visible]
    every = f"{len(visible)} (100 %)"
    name = "the demonstration with the probe, as `make mutants` demands"
    lines.append(row(name, str(len(own)), str(len(own) - len(visible)), str(len(visible)), every, every))
    for world, probe in (("probed", "with the probe"), ("plain", WORLDS["plain"])):
        answers = [worlds[world][one.name] for one in wrong]
        lines.append(total(f"third-party applications {probe}", answers))
        for kind in KINDS:
            its = [worlds[world][one.name] for one in wrong if kind_of(one) == kind]
            lines.append(total(f"· {kind}", its))
    return lines


def total(name: str, answers: list[dict]) -> str:
    visible = [one for one in answers if one["visible"]]
    catches = [one for one in visible if one["caught"]]
    names = [one for one in catches if one["named"]]
    shares = [f"{len(some)} ({len(some) / len(visible):.0%})".replace("%", " %") for some in (catches, names)]
    return row(name, str(len(answers)), str(len(answers) - len(visible)), str(len(visible)), *shares)


def kind_of(entry: Entry) -> str:
    return KINDS[2 if entry.application in PUBLISHED else entry.application in PAGES]


def rows(entries: list[Entry], worlds: dict[str, dict[str, dict]]) -> list[str]:
    """Return each deployment in a row: what it is, and the verdict in each world."""
    lines = [row("deployment", "fault", "source", *WORLDS.values()), "|---|---|---|---|---|"]
    for entry in entries:
        cells = [answer(worlds[world][entry.name]) for world in WORLDS]
        lines.append(row(f"`{entry.name}`", entry.title, entry.source, *cells))
    return lines


def answer(row: dict) -> str:
    if row["problem"]:
        return f"could not run: {row['problem'].splitlines()[0]}"
    if row["right"]:
        return f"red: {', '.join(row['red'])}" if row["red"] else "green"
    if not row["visible"]:
        return f"not visible: {row['reason']}"
    return f"{'caught' if row['caught'] else 'not caught'}, {'named' if row['named'] else 'not named'}"
