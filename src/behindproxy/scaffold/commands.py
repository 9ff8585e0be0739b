"""`behindproxy new FOLDER`: this deployment for an application that lies in FOLDER, or the changes since,
where FOLDER has one already.

Copier renders; copier.yml in this repository's root is its template. What is there already is never
changed unless git has it, and all that is to be written is checked before any of it is.
"""

import os
import shlex
import sys
from pathlib import Path

from copier.errors import CopierError

from behindproxy.stack.made import MADE as MARK
from behindproxy.stack.paths import BUILD, ROOT

from .copying import copy
from .render import ANSWERS, MADE
from .repository import git
from .request import Request
from .updating import update
from .writing import stoppable


def run(request: Request) -> int:
    """Write the files and return 0, or 1 where there are conflicts, or 2 with one line of the reason."""
    try:
        return _run(request)
    except SystemExit as end:
        if not isinstance(end.code, str):
            raise
        print(end.code, file=sys.stderr)
        return 2


def _run(request: Request) -> int:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"):
        os.environ.pop(name, None)  # set in a hook, they are another repository's
    destination = destined(request.folder)
    os.chdir(ROOT)  # `.` in the answers is whichever clone this runs in
    if dirty := git(ROOT, "status", "--porcelain"):
        print(
            f"left out, since not committed here: {dirty.splitlines()[0][3:]}"
            f"{' and more' if dirty.count(chr(10)) else ''}"
        )
    version = git(ROOT, "rev-parse", "HEAD")
    if not version:
        raise SystemExit(
            "this folder is not a git clone: later changes could not be told from yours; "
            "git clone it and run make new there"
        )
    stoppable()
    try:
        if (destination / ANSWERS).exists():
            return update(destination, version, request)
        return copy(destination, version, request)
    except CopierError as error:
        raise SystemExit(f"DEST={destination}: {error}") from None
    except OSError as error:
        raise SystemExit(f"DEST={destination}: {error}; nothing was changed") from None


def destined(value: str) -> Path:
    """Return the folder. Raises SystemExit with one line where it cannot be written to."""
    if not value:
        raise SystemExit(
            "DEST is not set: the folder of the application; for example make new DEST=../theirs "
            "APP_MODULE=their.module:app API_PREFIX=/shop"
        )
    path = Path(value).expanduser().resolve()
    reason, instead = "", "DEST=../theirs"
    if path == ROOT or ROOT in path.parents and BUILD not in path.parents:
        reason = "lies in this project"
    elif path.exists() and not path.is_dir():
        reason = "is a file"
    elif not path.parent.is_dir():
        reason = f"{path.parent} is not there"
        instead = f"mkdir -p {shlex.quote(str(path.parent))}"
    elif not is_free(path / MADE):
        reason = f"has a {MADE} of its own, and the tools would write into it and delete it: move yours"
        instead = f"mv {shlex.quote(str(path / MADE))} {shlex.quote(str(path / 'moved'))}"
    if reason:
        raise SystemExit(f"DEST={value}: {reason}; for example {instead}")
    return path


def is_free(folder: Path) -> bool:
    """Say whether the tools made `folder`, or may make it: they hide it from git, so git has none of it."""
    if folder.is_symlink() or folder.exists() and not folder.is_dir():
        return False
    if not folder.is_dir() or not any(folder.iterdir()):
        return True
    hidden = folder / ".gitignore"
    ours = hidden.is_file() and MARK.encode() in hidden.read_bytes().splitlines()
    return ours and not git(folder.parent, "ls-files", "--", folder.name)
