"""Prints passages for somebody who reads them with fresh eyes: `PYTHONPATH=src python docs/passages.py SEED`.

They come from README.md, these pages, the help of the commands, the checks and doctor's findings. The same
seed prints the same passages of the same texts.
"""

import json
import random
import subprocess
import sys
from pathlib import Path

from behindproxy.doctor.findings import CATALOGUE

ROOT = Path(__file__).parents[1]
COUNTS = {"page": 40, "help": 6, "check": 25, "finding": 25}
WORDS = 12  # a shorter paragraph is a heading or a cell
COMMANDS = ("up", "verify", "doctor", "new", "update", "deploy", "rollback", "logs", "settings", "ps", "down")


def pages() -> list[str]:
    """Return the paragraphs of prose, each below the name of its page."""
    return [
        f"{path.relative_to(ROOT)}\n{paragraph.strip()}"
        for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
        for paragraph in path.read_text().split("\n\n")
        if len(paragraph.split()) >= WORDS and not paragraph.lstrip().startswith(("```", "    "))
    ]


def output(*command: str) -> str:
    return subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True, text=True).stdout


def helps() -> list[str]:
    return [output("behindproxy", command, "--help") for command in COMMANDS]


def checks() -> list[str]:
    table = json.loads(output("behindproxy", "verify", "--list"))
    return [f"{one['id']}: {one['title']}\nfix: {one['fix']}" for one in table]


def findings() -> list[str]:
    return [
        f"{one.id} ({symptom}): {one.text}\nfix: {one.fix}"
        for symptom, group in CATALOGUE.items()
        for one in group
    ]


def main(seed: str) -> None:
    chance = random.Random(seed)
    texts = {"page": pages(), "help": helps(), "check": checks(), "finding": findings()}
    for kind, count in COUNTS.items():
        for text in chance.sample(texts[kind], min(count, len(texts[kind]))):
            print(f"---- {kind}\n{text}\n")


if __name__ == "__main__":
    main(sys.argv[1])
