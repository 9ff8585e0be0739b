"""What the generated documents share: the list of the suite's checks, and a table's rows."""

import json
import subprocess
import sys

from behindproxy.stack.paths import ROOT


def checks() -> list[dict]:
    """Each check of the suite, as `--list-checks` prints it."""
    process = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "src/behindproxy/contract",
            "--list-checks",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(process.stdout)


def row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
