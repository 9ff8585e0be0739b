"""src/behindproxy/scaffold/writing.py: all of a set of files, or none."""

import signal
import subprocess
import sys

import pytest

from behindproxy.scaffold.writing import File, write
from tests.checkout import ROOT, wait_for

STUCK = """import signal, sys
from pathlib import Path
from behindproxy.scaffold.writing import File, stoppable, write

for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)  # whatever the tests run under
stoppable()
write(Path(sys.argv[1]), {"new/a": File(b"new"), "old": File(b"new"), "gone": None,
                          "added": File(b"old, new"), "fifo": File(b"new")})
"""


@pytest.fixture
def folder(tmp_path):
    for name in ("old", "gone", "added"):
        (tmp_path / name).write_text("old")
        (tmp_path / name).chmod(0o640)
    return tmp_path


def as_it_was(folder) -> bool:
    names = ["added", "gone", "old"]
    return [path.name for path in sorted(folder.iterdir()) if path.name != "fifo"] == names and all(
        (folder / name).read_text() == "old" and (folder / name).stat().st_mode & 0o777 == 0o640
        for name in names
    )


def test_all_is_written(folder):
    write(folder, {"new/a": File(b"new", executable=True), "old": File(b"new"), "gone": None})
    assert (folder / "new/a").read_bytes() == b"new"
    assert (folder / "new/a").stat().st_mode & 0o100
    assert (folder / "old").stat().st_mode & 0o777 == 0o640
    assert not (folder / "gone").exists()


def test_what_fails_in_the_middle_is_taken_back(folder):
    with pytest.raises(OSError):
        write(
            folder,
            {
                "new/a": File(b"new"),
                "old": File(b"new"),
                "gone": None,
                "added": File(b"old, new"),
                "old/below": File(b"new"),
            },
        )
    assert as_it_was(folder)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_what_a_signal_cuts_off_is_taken_back(folder, name):
    subprocess.run(["mkfifo", str(folder / "fifo")], check=True)  # where writing stays
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK, str(folder)], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: (folder / "added").read_text() == "old, new")
        process.send_signal(getattr(signal, name))
        assert process.wait(timeout=10) != 0
    finally:
        process.kill()
    assert as_it_was(folder)
