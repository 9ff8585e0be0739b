"""One command at a time changes what runs. The kernel frees the lock of a process that has ended."""

import errno
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import psutil

from .paths import BUILD, PLACES

FILE = BUILD / "lock"
# Beside DRAIN_SECONDS, what removing containers takes; after that its process is killed.
GRACE_SECONDS = 80


@contextmanager
def alone(command: str) -> Iterator[None]:
    """Raise SystemExit, with the holder's process id, where another command has the lock."""
    while True:
        with _opened() as file:
            if not _take(file):
                pid, other = _holder(file)
                end = "" if other == "down" else ", or end it with `make down`"
                raise SystemExit(
                    f"`make {other}` of this clone is running (pid {pid}): wait for its end{end}"
                )
            if _is_current(file):
                with _signed(file, command):
                    yield
                return


@contextmanager
def taken_over(command: str, drain_seconds: int = 10) -> Iterator[None]:
    """Take the lock from whoever has it: the command that runs is ended, unless it is a `down` too."""
    last_pid, deadline = 0, time.monotonic() + GRACE_SECONDS + drain_seconds
    while True:
        with _opened(to_stop=True) as file:
            if _take(file):
                if not _is_current(file):  # `clean` removed it while it was waited for
                    continue
                with _signed(file, command):
                    yield
                return
            pid, other = _holder(file)
            late = time.monotonic() > deadline
            if _is_command(pid) and other != command and (pid != last_pid or late):
                print(PLACES.named(f"ending `make {other}` (pid {pid})"), flush=True)
                _send(pid, signal.SIGKILL if late else signal.SIGTERM)
                last_pid = pid
            elif late and (other == command or not _is_command(pid)):
                raise SystemExit(f"`make {other}` of this clone (pid {pid}) does not end")
        time.sleep(0.1)


def _opened(to_stop: bool = False) -> IO[str]:
    """Return the file; `to_stop`: also on a disk that became read-only, where what runs must end too."""
    try:
        BUILD.mkdir(exist_ok=True)
        return FILE.open("a+")
    except OSError as error:
        if error.errno == errno.EROFS and to_stop and FILE.is_file():
            return FILE.open()
        advice = f"give it to this user, for example sudo chown -R $(id -un) {BUILD.name}"
        if error.errno in (errno.EROFS, errno.ENOSPC):
            advice = "df -h . and df -i . show why; then run the command again"
        raise SystemExit(f"{BUILD.name}/ cannot be written: {error.strerror}; {advice}") from None


def forget(path: Path) -> None:
    """Remove it, if it is there; on a disk that became read-only it stays."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise


def _take(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_current(file: IO[str]) -> bool:
    """Whether it is still the file that others open: `clean` removes it, last of all."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(FILE))
    except FileNotFoundError:
        return False


@contextmanager
def _signed(file: IO[str], command: str) -> Iterator[None]:
    with suppress(OSError):  # on a full disk it has no name, and `down` works all the same
        file.truncate(0)
        os.write(file.fileno(), f"{os.getpid()} {command}\n".encode())
    try:
        yield
    finally:
        with suppress(OSError):
            file.truncate(0)


def _holder(file: IO[str]) -> tuple[int, str]:
    """Return its process id and command; 0 in the moment before it has written them."""
    file.seek(0)
    pid, _, command = file.read().strip().partition(" ")
    return int(pid) if pid.isdigit() else 0, command or "…"


def _is_command(pid: int) -> bool:
    """Whether `pid` is a command of these tools, and not a later process of the same number."""
    try:
        return pid > 0 and {"behindproxy", "behindproxy.verify"} & set(psutil.Process(pid).cmdline()) != set()
    except psutil.Error:
        return False


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
    except PermissionError:
        raise SystemExit(f"the process {pid} is another user's: end it, then make down") from None
