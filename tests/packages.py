"""Parts of another version than what is pinned, in folders of their own."""

import subprocess
import sys
from pathlib import Path


def install(requirements: Path, folder: Path) -> None:
    """Install what the lock `requirements` names into `folder`, unless it is there already.

    Raises ValueError when it cannot be had.
    """
    if folder.exists():
        return
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--target", str(folder), "-r", str(requirements)]
    process = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if process.returncode:
        raise ValueError(f"{requirements.name} could not be installed: {process.stderr.strip()[-200:]}")
