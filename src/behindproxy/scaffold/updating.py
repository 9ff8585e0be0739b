"""The second `make new`: what changed here since, into what the person has made of it."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import yaml

from behindproxy.stack.paths import ROOT

from .copying import MAKEFILES, TARGETS, exposed_by_dockerignore
from .merge import mark_unmerged, merge
from .render import ANSWERS, KEPT, render
from .repository import git, is_repository
from .request import Request
from .writing import File, write


def update(destination: Path, version: str, request: Request) -> int:
    """Bring the changes; return 1 where there are conflicts."""
    answers, before = read_answers(destination)
    for key, value in {"APP_MODULE": request.module, "API_PREFIX": request.prefix}.items():
        if value:
            print(f"! {key} is a setting of {destination}/.env: change it there")
    refuse_what_cannot_be_taken_back(destination)
    base_version = git(ROOT, "rev-parse", "--verify", "--quiet", f"{before}^{{commit}}")
    if not base_version:
        raise SystemExit(
            f"{destination}/{ANSWERS} was made from {before}, which this clone does not have: git fetch"
        )
    if base_version != version and git(ROOT, "merge-base", base_version, version) == version:
        raise SystemExit(f"{destination} was made from {before}, which is newer than this clone: git pull")
    data = {key: value for key, value in answers.items() if not key.startswith("_")}
    base, new = render(base_version, data), render(version, data)
    own_answers = new.pop(ANSWERS)
    base.pop(ANSWERS)
    for files in (base, new):
        files.pop(".env")  # all of it is the person's
    result = merge(destination, base, new, KEPT)
    if not result.files and not result.notes:
        print(f"{destination} has everything already")
        return 0
    text = (destination / ANSWERS).read_bytes()
    commit = yaml.safe_load(own_answers.data)["_commit"]
    changed = re.sub(rb"(?m)^_commit:[^\r\n]*", f"_commit: {commit}".encode(), text)
    write(destination, {**result.files, ANSWERS: File(changed)})
    mark_unmerged(destination, result.conflicts, base, new)
    print(f"{destination}: from {before} to {commit}")
    for name, file in result.files.items():
        kind = "conflict  " if name in result.conflicts else "" if file else "removed  "
        print(f"  {kind}{name}")
    for line in (*result.notes, *exposed_by_dockerignore(destination), *shared_name(destination, data)):
        print(f"! {line}")
    for name in MAKEFILES:
        if (path := destination / name).is_file() and b"deployment/stack/" in path.read_bytes():
            print(f"! {name} includes deployment/stack/targets.mk, which is {TARGETS} now: change the line")
    if (destination / "build/venv/pyvenv.cfg").exists():
        print(
            "! make writes to .behindproxy/ now: build/venv, and what else it wrote to build/, can be deleted"
        )
    if result.conflicts:
        print(
            f"! both sides changed the same lines of {', '.join(result.conflicts)}: edit what lies between "
            "<<<<<<< and >>>>>>>, then git add"
        )
        return 1
    print(f"\nnext: git -C {shlex.quote(request.folder)} diff, make verify, git commit")
    return 0


def shared_name(destination: Path, data: dict[str, object]) -> Iterator[str]:
    """Name what earlier versions gave a copy: the name of another compose file's project there."""
    path = destination / ".env"
    name = f"COMPOSE_PROJECT_NAME={data['project']}"
    if path.is_file() and name.encode() in path.read_bytes().splitlines():
        yield (
            f".env says {name}, the name that Compose gives a compose file of yours there too: with the "
            f"stack "
            "up, delete the line and make up again (after make down it would not find its certificates)"
        )


def read_answers(destination: Path) -> tuple[dict[str, object], str]:
    """Return what the copy was made with, and from which version."""
    try:
        answers = yaml.safe_load((destination / ANSWERS).read_bytes())
        return answers, str(answers["_commit"])
    except (yaml.YAMLError, TypeError, KeyError):
        raise SystemExit(
            f"{destination}/{ANSWERS} does not say from which version the copy was made: "
            "git log has it as it was"
        ) from None


def refuse_what_cannot_be_taken_back(destination: Path) -> None:
    if not is_repository(destination):
        raise SystemExit(
            f"{destination} is no git repository, so that nothing could be taken back: git init, and "
            "commit the copy"
        )
    if git(destination, "status", "--porcelain", "--", "."):
        raise SystemExit(
            f"{destination} has changes that are not committed: commit or stash them, so that git "
            "can show which are new and take them back"
        )
    if not git(destination, "ls-files", "--", ANSWERS):
        raise SystemExit(
            f"{destination}: {ANSWERS} is not committed, nor perhaps the rest of the copy: commit it, "
            "so that git can take back what comes now"
        )
    if (destination / "build/state.json").exists() and (destination / "build/venv").exists():
        raise SystemExit(
            f"{destination} runs with the tools as they were, which keep its state in build/: make down "
            "there first, and up again after"
        )
