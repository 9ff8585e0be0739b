"""`behindproxy new FOLDER`: this deployment for an application that lies in FOLDER; `behindproxy update`: the
changes since, where FOLDER has one.

What is there already is never changed unless git has it, and all that is to be written is checked before any
of it is.
"""

import os
import shlex
import sys
from pathlib import Path

from behindproxy.stack.made import MARK
from behindproxy.stack.paths import BUILD, ROOT

from .copying import copy
from .render import RECORD
from .repository import git
from .request import PARTS, Request
from .updating import update
from .writing import stoppable

WORK_FOLDER = ".behindproxy"  # what the tools write in a copy


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
    if unknown := sorted(set(request.parts) - set(PARTS)):
        raise SystemExit(f"WITH={unknown[0]}: there is no such part; for example WITH={','.join(PARTS)}")
    refuse_earlier(destination)
    stoppable()
    try:
        if request.only_update or (destination / RECORD).exists():
            return update(destination, request)
        return copy(destination, request)
    except OSError as error:
        raise SystemExit(f"DEST={destination}: {error}; nothing was changed") from None


def refuse_earlier(destination: Path) -> None:
    """Raise SystemExit where a version without wheels wrote the copy: it cannot be rendered any more."""
    tools = [name for name in ("behindproxy", "stack") if (destination / "deployment" / name).is_dir()]
    if tools and (destination / ".copier-answers.yml").exists():
        raise SystemExit(
            f"{destination} has its tools in deployment/{tools[0]}/, which are a wheel now: make down there, "
            "git rm -r .copier-answers.yml Dockerfile Makefile deployment docker-compose*.yml "
            "docker-stack.yml observability traefik, git commit, new again, and git diff HEAD~ shows your "
            "edits to bring over"
        )


def destined(value: str) -> Path:
    """Return the folder. Raise SystemExit with one line where it cannot be written to."""
    if not value:
        raise SystemExit(
            "DEST is not set: the folder of the application; for example make new DEST=../theirs "
            "APP_MODULE=their.module:app API_PREFIX=/shop"
        )
    path = Path(value).expanduser().resolve()
    reason, instead = "", "DEST=../theirs"
    clone = (ROOT / "src" / "behindproxy").is_dir()
    if clone and (path == ROOT or ROOT in path.parents and BUILD not in path.parents):
        reason = "lies in this project"
    elif path.exists() and not path.is_dir():
        reason = "is a file"
    elif not path.parent.is_dir():
        reason = f"{path.parent} is not there"
        instead = f"mkdir -p {shlex.quote(str(path.parent))}"
    elif not is_free(path / WORK_FOLDER):
        reason = (
            f"has a {WORK_FOLDER} of its own, and the tools would write into it and delete it: move yours"
        )
        instead = f"mv {shlex.quote(str(path / WORK_FOLDER))} {shlex.quote(str(path / 'moved'))}"
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
