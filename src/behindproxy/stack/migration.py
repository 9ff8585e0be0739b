"""What runs once before a version serves: MIGRATE_COMMAND."""

import shlex
import subprocess
import sys
from pathlib import Path

TAIL = 40  # lines of what it wrote


def run(command: str, before: list[str], environ: dict[str, str], folder: Path) -> None:
    """Run it, after the words `before`. Raise SystemExit where it fails."""
    if not command:
        return
    print(f"running {command}", flush=True)
    try:
        process = subprocess.run(
            [*before, *shlex.split(command)],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise SystemExit(f"MIGRATE_COMMAND={command}: {error.strerror}: {error.filename}") from None
    if process.returncode:
        print(*process.stdout.splitlines()[-TAIL:], sep="\n", file=sys.stderr)
        raise SystemExit(
            f"MIGRATE_COMMAND={command} ended with status {process.returncode} (its last lines are above), "
            "so nothing was replaced"
        )
