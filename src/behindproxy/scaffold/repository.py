"""What git says of a folder."""

import subprocess
from pathlib import Path


def git(folder: Path, *arguments: str, data: bytes = b"") -> str:
    """Return what it prints; nothing where it fails."""
    process = subprocess.run(["git", "-C", str(folder), *arguments], input=data, capture_output=True)
    return process.stdout.decode(errors="replace").rstrip("\n") if process.returncode == 0 else ""


def is_repository(folder: Path) -> bool:
    return folder.is_dir() and bool(git(folder, "rev-parse", "--git-dir"))


def top(folder: Path) -> Path:
    """Return the folder of the repository that has `folder`; itself where none has."""
    there = folder if folder.is_dir() else folder.parent
    path = git(there, "rev-parse", "--show-toplevel")
    if not path or Path(path) == folder or git(there, "check-ignore", str(folder)):
        return folder
    return Path(path)


def is_committed(folder: Path, name: str) -> bool:
    """Say whether git can bring back `name` just as it is."""
    try:
        return bool(git(folder, "ls-files", "--", name)) and not git(
            folder, "status", "--porcelain", "--", name
        )
    except ValueError:
        return False
