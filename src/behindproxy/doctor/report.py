"""The steps on a terminal, or as JSON for scripts."""

import json
import re
import shutil
import sys
import textwrap
from dataclasses import asdict, is_dataclass

from behindproxy.contract.engine.shown import visible
from behindproxy.urls import hidden

from .facts import Facts
from .step import ERROR, LEVELS, NOTE, OK, UNSEEN, WARNING, Step

COMMAND = re.compile(
    r"\b(ssh -L \S+ \S+|(sudo )?make (-f \S+ )?[a-z]+( [A-Z_]+=\S+)*|kill -CONT \d+|"
    r"docker (compose )?\w+ [\w-]+)"
)
HARD_SPACE = "\0"  # a space at which no line is broken
MARKS = {OK: "✓", NOTE: "!", WARNING: "!", ERROR: "✗", UNSEEN: "–"}
COLOURS = {OK: 32, NOTE: 33, WARNING: 33, ERROR: 31, UNSEEN: 2}


def terminal(steps: list[Step]) -> str:
    """Return a line for each step, wrapped to the terminal's width, and its fix below it."""
    width = max(60, min(shutil.get_terminal_size((100, 24)).columns, 120))
    subject = max(len(step.subject) for step in steps)
    lines = []
    for step in steps:
        mark = MARKS[step.mark]
        if sys.stdout and sys.stdout.isatty():  # none where it is closed
            mark = f"\033[{COLOURS[step.mark]}m{mark}\033[0m"
        indent = " " * (subject + 4)
        wrapped = _wrap(visible(step.text), width - len(indent))
        lines.append(f"{mark} {step.subject:<{subject}}  {wrapped[0]}")
        lines += [indent + more for more in wrapped[1:]]
        if step.fix:
            first, *rest = _wrap(visible(step.fix), width - len(indent) - 2)
            lines += [f"{indent}→ {first}", *(f"{indent}  {more}" for more in rest)]
    levels = [step.mark for step in steps if step.finding]
    counts = ", ".join(_count(levels.count(level), level) for level in LEVELS)
    lines.append(counts if levels else "no errors, warnings or notes")
    return "\n".join(lines)


def _count(number: int, level: str) -> str:
    return f"{number} {level}{'' if number == 1 else 's'}"


def _wrap(text: str, width: int) -> list[str]:
    # Commands and URLs stay whole, to be copied.
    whole = COMMAND.sub(lambda match: match[0].replace(" ", HARD_SPACE), text)
    lines = textwrap.wrap(whole, width, break_long_words=False, break_on_hyphens=False)
    return [line.replace(HARD_SPACE, " ") for line in lines] or [""]


def as_json(steps: list[Step], facts: Facts) -> str:
    """Return `{"steps": [{"mark", "subject", "text", "fix", "id"}], "findings": […], "facts": {…}}`."""
    values = {name: value for name, value in vars(facts).items() if name != "own"}
    values["settings"] = {name: hidden(value) for name, value in facts.settings.environ().items()}
    return json.dumps(
        {
            "steps": [asdict(step) for step in steps],
            "findings": [asdict(step) for step in steps if step.finding],
            "facts": values,
        },
        indent=2,
        default=_plain,
    )


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return sorted(value) if isinstance(value, (set, frozenset)) else str(value)
