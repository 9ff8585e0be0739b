"""What the tools write lies in one folder, which `clean` removes; what others put there stays."""

import shutil
from contextlib import suppress
from pathlib import Path

from .paths import ROOT

# The first line of BUILD/.gitignore where environment.sh made the folder, and so all that is in it.
MARK = "# Made by make; make clean removes this folder."
NAMES = (
    "app",
    "app.part",
    "compose.log",
    "deploy.lock",
    "lock",
    "native",
    "pip.log",
    "ports",
    "shots",
    "site",
    "stack",
    "state.json",
    "subnet",
    "tls",
    "traefik",
    "verify",
    "venv",
    "venv.lock",
)


def remove(folder: Path) -> list[str]:
    """Remove the folder, or what the tools wrote in one that was there before. Name what stays."""
    if not folder.exists():
        return []
    whole = by_the_tools(folder)
    names = sorted(path.name for path in folder.iterdir()) if whole else NAMES
    # The lock is held meanwhile, and one that is gone would keep nobody out: it goes last.
    for name in sorted(names, key=lambda name: name in (".gitignore", "lock")):
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    rest = [] if whole else sorted(path.name for path in folder.iterdir())
    if not rest and not folder.is_symlink():
        with suppress(OSError):  # the next command is already there
            folder.rmdir()
    return [f"{folder.relative_to(ROOT)}/{name}" for name in rest]


def by_the_tools(folder: Path) -> bool:
    """Whether environment.sh made the folder."""
    note = folder / ".gitignore"
    try:
        return not folder.is_symlink() and note.read_text().startswith(MARK)
    except (OSError, UnicodeDecodeError):
        return False
