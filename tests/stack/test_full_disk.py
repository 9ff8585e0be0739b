"""A disk that is full: what runs goes on, and each command does its work or says one line."""

import os
import subprocess
from contextlib import contextmanager

import pytest

from tests.checkout import must

MIB = 1024 * 1024


@contextmanager
def small_disk(folder, free):
    """A file system at `folder`, with all that is in it and `free` bytes beside that."""
    if os.geteuid():
        pytest.skip("a file system is mounted: needs root")
    size = int(must("du", "-sk", str(folder)).split()[0]) * 1024 + free
    before = folder.with_name("before")
    must("mkdir", str(before))
    must("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(before))
    try:
        must("cp", "-a", f"{folder}/.", str(before))
        must("mount", "--move", str(before), str(folder))
    except AssertionError:
        subprocess.run(["umount", str(before)], check=False)
        raise
    finally:
        before.rmdir()
    try:
        yield folder
    finally:
        must("umount", "--lazy", str(folder))


def fill(folder):
    with (folder / "fill").open("wb", buffering=0) as file:
        with pytest.raises(OSError, match="No space left"):
            while True:
                file.write(bytes(65_536))


@pytest.mark.parametrize("target", ["up", "down", "ps", "logs", "doctor"])
def test_each_command_says_one_line_or_works(stopped, target):
    with small_disk(stopped.path / "build", MIB) as build:
        fill(build)
        code, output = stopped.make(target, FOLLOW=0)
        assert "Traceback" not in output, output
        if target == "up" and stopped.runtime == "native":
            assert code != 0 and "No space left on device" in output, output
            assert stopped.nothing_left()
        stopped.must("down")


def test_what_runs_goes_on(stopped):
    if stopped.runtime != "native":
        pytest.skip("RUNTIME is not native")
    with small_disk(stopped.path / "build", 40 * MIB) as build:
        stopped.must("up")
        fill(build)
        assert all("Hello" in stopped.answers() for _ in range(50))
        stopped.must("ps")
        code, output = stopped.make("up", APP_SERVER="gunicorn")
        assert code != 0 and "No space left on device" in output and "Traceback" not in output, output
        assert all("Hello" in stopped.answers() for _ in range(50))
        stopped.must("down")
