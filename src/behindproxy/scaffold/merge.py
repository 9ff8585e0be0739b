"""Brings what changed in the template into what a person has made of a copy.

By `git merge-file` on the files themselves: how git shows or stores them (.gitattributes, its settings)
has no say in it.
"""

import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .repository import git
from .writing import File, load, obstacle


@dataclass
class Merge:
    """What is to be written, which of it are conflicts, and what is left as it is, with the reason."""

    files: dict[str, File | None] = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def merge(destination: Path, base: Mapping[str, File], new: Mapping[str, File]) -> Merge:
    result = Merge()
    for name in sorted({*base, *new}):
        if base.get(name) == new.get(name):
            continue
        if reason := obstacle(destination, name):
            result.notes.append(f"{name} stays as it is, since {reason}; it changed here")
            continue
        path = destination / name
        theirs = load(path) if path.is_file() else None
        before, after = (fitted(files.get(name), theirs) for files in (base, new))
        if theirs is None:
            if before is None:
                result.files[name] = after
            elif after is not None:
                result.notes.append(f"{name} stays deleted; it changed here")
        elif after is None:
            if before is not None and theirs.data == before.data:
                result.files[name] = None
            else:
                result.notes.append(f"{name} stays as it is; here it is gone")
        elif theirs.data != after.data or after.executable and not theirs.executable:
            data, conflict = three_way(theirs.data, before.data if before else b"", after.data)
            if conflict and b"\0" in theirs.data:
                result.notes.append(f"{name} stays as it is; it changed here")
            elif data != theirs.data or after.executable and not theirs.executable:
                result.files[name] = File(data, after.executable)
                result.conflicts += [name] if conflict else []
    return result


def fitted(file: File | None, theirs: File | None) -> File | None:
    """Return `file` with their line ends, where all of them are CRLF."""
    if not file or not theirs or not (ends := theirs.data.count(b"\n")):
        return file
    if theirs.data.count(b"\r\n") != ends:
        return file
    return File(file.data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), file.executable)


def three_way(theirs: bytes, base: bytes, new: bytes) -> tuple[bytes, bool]:
    """Return the merged text, and whether it has a conflict, between marks."""
    if theirs == base:
        return new, False
    if b"\0" in theirs + base + new:
        return theirs, True
    with tempfile.TemporaryDirectory() as folder:
        for name, data in (("theirs", theirs), ("base", base), ("new", new)):
            (Path(folder) / name).write_bytes(data)
        labels = ("-L", "yours", "-L", "the previous version", "-L", "the current version")
        process = subprocess.run(
            ["git", "merge-file", "-p", *labels, "theirs", "base", "new"], cwd=folder, capture_output=True
        )
    if process.returncode < 0 or process.returncode > 127:
        raise OSError(f"git merge-file: {process.stderr.decode(errors='replace').strip()}")
    return process.stdout, process.returncode > 0


def mark_unmerged(
    destination: Path, names: list[str], base: Mapping[str, File], new: Mapping[str, File]
) -> None:
    """Tell git of the conflicts, so that it commits none before somebody has resolved it."""
    prefix, entries = git(destination, "rev-parse", "--show-prefix"), ""
    for name in names:
        before = git(destination, "ls-files", "--stage", "--", name)
        if not before:  # git ignores it
            continue
        mode, theirs = before.split()[:2]
        entries += f"0 {'0' * len(theirs)}\t{prefix}{name}\n"
        if name in base:
            entries += f"{mode} {store(destination, base[name])} 1\t{prefix}{name}\n"
        entries += f"{mode} {theirs} 2\t{prefix}{name}\n"
        entries += f"{mode} {store(destination, new[name])} 3\t{prefix}{name}\n"
    git(destination, "update-index", "--index-info", data=entries.encode())


def store(destination: Path, file: File) -> str:
    return git(destination, "hash-object", "-w", "--stdin", data=file.data)
