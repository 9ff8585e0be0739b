"""Writes a set of files into a folder: all of them, or none."""

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class File:
    data: bytes
    executable: bool = False


def load(path: Path) -> File:
    return File(path.read_bytes(), bool(path.stat().st_mode & 0o100))


def obstacle(destination: Path, name: str) -> str:
    """Return what stands where the file `name` would be written and is no file; or nothing."""
    path = Path(name)
    for place in (*reversed(path.parents[:-1]), path):
        there = destination / place
        if there.is_symlink():
            return f"{place} is a link"
        if there.is_dir() if place == path else there.is_file():
            return f"{place} is a {'folder' if place == path else 'file'}"
        if there.exists() and not there.is_dir() and not there.is_file():
            return f"{place} is neither a file nor a folder"
    return ""


def stoppable() -> None:
    """Let a signal that ends this process undo what is half written."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for number in ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
            signal.signal(number, stop)


def write(destination: Path, files: Mapping[str, File | None]) -> None:
    """Write `files` in their order; one that is None is removed. A file that is there keeps its mode.

    Whatever fails or cuts it off, everything is as it was before."""
    before = {name: load(destination / name) for name in files if (destination / name).is_file()}
    modes = {name: (destination / name).stat().st_mode & 0o7777 for name in before}
    paths: list[Path] = []
    try:
        for name, file in files.items():
            path = destination / name
            if file is None:
                path.unlink()
                continue
            for folder in reversed(path.parents):
                if not folder.exists():
                    paths.append(folder)
                    folder.mkdir()
            if not os.path.lexists(path):
                paths.append(path)
            put(path, file, before.get(name))
    except BaseException:
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)
        for name, file in before.items():
            put(destination / name, file, None)
            (destination / name).chmod(modes[name])
        for path in reversed(paths):
            if path.is_dir():
                path.rmdir()
            elif os.path.lexists(path):
                path.unlink()
        raise


def put(path: Path, file: File, before: File | None) -> None:
    if before and file.data.startswith(before.data):
        if addition := file.data[len(before.data) :]:
            with path.open("ab") as end:
                end.write(addition)
    else:
        path.write_bytes(file.data)
    executable = bool(path.stat().st_mode & 0o100)
    if file.executable and not executable:
        mode = path.stat().st_mode
        path.chmod(mode | (mode & 0o444) >> 2)
