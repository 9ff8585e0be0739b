"""`behindproxy update`: what changed in the deployment since, into what the person has made of it.

What the copy was made of is rendered by the tool that made it, from the wheel that lies in the copy: neither
a clone of the tool's repository nor a network is needed.
"""

import base64
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from behindproxy import __version__
from behindproxy.contract.advice.places import Places
from behindproxy.stack.index import fetch, named, requirement

from .copying import in_index, of_this_version
from .merge import mark_unmerged, merge
from .render import LOCK, OURS, RECORD, render
from .repository import is_committed, is_repository, top
from .request import Request
from .wheels import wheels
from .writing import File, load, write


def update(destination: Path, request: Request) -> int:
    """Bring the changes; return 1 where there are conflicts."""
    for key, value in {"APP_MODULE": request.module, "API_PREFIX": request.prefix}.items():
        if value:
            print(f"! {key} is a setting of {destination}/.env: change it there")
    root = top(destination)
    before = read_record(destination)
    if numbers(str(before["version"])) > numbers(__version__):
        raise SystemExit(
            f"{destination} was made by behindproxy {before['version']}, and this is {__version__}: install "
            "that version or a later one"
        )
    before["folder"] = "" if root == destination else destination.relative_to(root).as_posix()
    start = f"{before['folder']}/" if before["folder"] else ""
    tool = wheels()
    old = present_wheels(destination, tool)
    before["wheels"] = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(old.items())}
    parts = sorted({*before["with"], *request.parts})
    index = before["index"] if request.index is None else request.index
    after = {**before, **of_this_version(tool), "with": parts, "index": index}
    if before == after:
        print(f"{destination} has everything already")
        return 0
    if index:
        in_index(tool)
    base, new = (
        {} if choices["index"] else {f"{start}{OURS}/{name}": File(data) for name, data in content.items()}
        for choices, content in ((before, old), (after, tool))
    )
    base |= rendered_by(old, before)
    new |= render(after)
    for files in (base, new):
        files.pop(f"{start}.env", None)  # all of it is the person's
    record = start + RECORD
    recorded = kept_in(load(root / record), base.pop(record), new.pop(record))
    result = merge(root, base, new)
    result.files[record] = recorded
    refuse_what_cannot_be_taken_back(root, result.files)
    write(root, result.files)
    mark_unmerged(root, result.conflicts, base, new)
    print(f"{destination}: from {before['version']} to {__version__}")
    for name, file in result.files.items():
        kind = "conflict  " if name in result.conflicts else "" if file else "removed  "
        print(f"  {kind}{name}")
    for line in result.notes:
        print(f"! {line}")
    if result.conflicts:
        print(
            f"! both sides changed the same lines of {', '.join(result.conflicts)}: edit what is between "
            "<<<<<<< and >>>>>>>, then git add"
        )
        return 1
    verify = Places(before["makefile"]).named("make verify")
    print(f"\nnext: git -C {shlex.quote(request.folder)} diff, {verify}, git commit")
    return 0


def read_record(destination: Path) -> dict[str, Any]:
    """Return what the copy was made with. Raise SystemExit with one line."""
    path = destination / RECORD
    try:
        answers = tomllib.loads(path.read_text(encoding="utf-8"))
        keys = {"version", "project", "app_module", "api_prefix", "with", "stack", "makefile", "allowed"}
        if not keys <= answers.keys() or not re.fullmatch(r"\d+(\.\d+)*\S*", str(answers["version"])):
            raise ValueError
    except FileNotFoundError:
        raise SystemExit(
            f"{destination} has no {RECORD}, so behindproxy new did not write its deployment: for example "
            f"behindproxy update ../theirs"
        ) from None
    except (OSError, ValueError):
        raise SystemExit(
            f"{path} does not say what the copy was made with: git log has the original"
        ) from None
    answers.setdefault("index", False)
    return answers


def kept_in(theirs: File, before: File, after: File) -> File:
    """Return the record as it is there, with the lines of the new one in place of those that changed."""
    text = theirs.data
    old, new = before.data.splitlines(), after.data.splitlines()
    for line in new:
        key = line.partition(b" = ")[0]
        if line not in old and b" = " in line:
            pattern = rb"(?m)^" + re.escape(key) + rb" *=[^\r\n]*"
            text, count = re.subn(pattern, line.replace(b"\\", rb"\\"), text, count=1)
            text = text if count else text + line + b"\n"
    return File(text)


def present_wheels(destination: Path, tool: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the wheels that the lock names; `tool` are this version's. Raise SystemExit where one is not as
    it was, or no index has it."""
    lock = destination / LOCK
    text = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    if digests := named(text):
        here = {requirement(name): hashlib.sha256(data).hexdigest() for name, data in tool.items()}
        return dict(tool) if digests == here else fetch(digests)
    beside = re.findall(rf"(?m)^\./{OURS}/(\S+\.whl) \\\s+--hash=sha256:(\w+)", text)
    if len(beside) != 2:
        raise SystemExit(f"{lock} does not name the two wheels of the tool: git log has it as it was")
    result = {}
    for name, digest in beside:
        path = destination / OURS / name
        data = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(data).hexdigest() != digest:
            raise SystemExit(
                f"{path} is not the wheel that {LOCK} names, and without it your changes cannot be "
                f"distinguished from the tool's: git checkout {shlex.quote(str(path))}"
            )
        result[name] = data
    return result


def rendered_by(tool: Mapping[str, bytes], answers: Mapping[str, Any]) -> dict[str, File]:
    """Return the files of a copy as the version in the wheels writes them."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in tool.items():
            wheel = Path(folder, name)
            wheel.write_bytes(data)
            try:
                ZipFile(wheel).extractall(folder)
            except BadZipFile:
                raise SystemExit(f"{OURS}/{name} is no wheel: git log has it as it was") from None
        process = subprocess.run(
            [sys.executable, "-P", "-m", "behindproxy.scaffold.render"],
            input=json.dumps(dict(answers)).encode(),
            capture_output=True,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": folder},
        )
    if process.returncode:
        lines = process.stderr.decode(errors="replace").strip().splitlines() or ["it does not say why"]
        raise SystemExit(f"behindproxy {answers['version']} cannot render what it wrote here: {lines[-1]}")
    return {
        name: File(base64.b64decode(file["data"]), file["executable"])
        for name, file in json.loads(process.stdout).items()
    }


def refuse_what_cannot_be_taken_back(root: Path, files: Mapping[str, File | None]) -> None:
    if not is_repository(root):
        raise SystemExit(
            f"{root} is no git repository, so nothing could be undone: git init, and commit the copy"
        )
    there = [name for name in files if os.path.lexists(root / name)]
    if losses := [name for name in there if not is_committed(root, name)]:
        raise SystemExit(
            f"{root} has changes that are not committed: {', '.join(losses)}; commit or stash them, so that "
            "git can show and undo the new ones; nothing was changed"
        )


def numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]
