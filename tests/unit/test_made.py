"""What `clean` removes, and what it leaves."""

import subprocess

import pytest

from behindproxy.stack import lock, made, paths
from behindproxy.stack.paths import ROOT


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(made, "ROOT", tmp_path)
    path = tmp_path / "build"
    path.mkdir()
    return path


def test_a_folder_that_the_tools_made_goes_whole(folder):
    (folder / ".gitignore").write_text(f"{made.MARK}\n*\n")
    (folder / "verify").mkdir()
    (folder / "bench").mkdir()
    assert made.remove(folder) == []
    assert not folder.exists()


def test_in_a_folder_that_was_there_before_only_what_they_wrote_goes(folder):
    for name in ("verify", "native", "theirs"):
        (folder / name).mkdir()
        (folder / name / "file").write_text("")
    for path in (paths.KEPT_PORTS, paths.KEPT_SUBNET, paths.STATE, lock.FILE):
        (folder / path.name).write_text("")
    (folder / ".gitignore").write_text("*.o\n")
    assert made.remove(folder) == ["build/.gitignore", "build/theirs"]
    assert sorted(path.name for path in folder.iterdir()) == [".gitignore", "theirs"]


def test_a_link_is_taken_away_and_not_what_it_leads_to(folder, tmp_path):
    (tmp_path / "environment").mkdir()
    (folder / "venv").symlink_to(tmp_path / "environment")
    assert made.remove(folder) == []
    assert (tmp_path / "environment").is_dir()


def test_a_folder_elsewhere_is_emptied_of_what_they_wrote_and_stays(folder, tmp_path):
    folder.rmdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".gitignore").write_text(f"{made.MARK}\n*\n")
    (elsewhere / "theirs").write_text("")
    folder.symlink_to(elsewhere)
    made.remove(folder)
    assert (elsewhere / "theirs").exists()


def test_nothing_there_is_nothing_to_do(tmp_path):
    assert made.remove(tmp_path / "none") == []


def test_the_shell_writes_the_same_first_line():
    script = (ROOT / "src/behindproxy/make/environment.sh").read_text()
    assert f"made='{made.MARK}'\n" in script
    makefile = (ROOT / "src/behindproxy/template/makefile").read_text()
    assert f"made := \\{made.MARK}\n" in makefile
    assert subprocess.run(["bash", "-n", ROOT / "src/behindproxy/make/environment.sh"]).returncode == 0
