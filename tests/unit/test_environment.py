"""src/behindproxy/make/environment.sh, with a list of no packages."""

import shutil
import subprocess

import pytest

from tests.checkout import ROOT

INSTALLS = "installing requirements/nothing.txt into build/venv\n"


def folder_with_the_script(path):
    for folder in ("src/behindproxy/make", "requirements"):
        (path / folder).mkdir(parents=True)
    (path / "requirements" / "nothing.txt").write_text("# no package\n")
    return shutil.copy2(ROOT / "src/behindproxy/make/environment.sh", path / "src/behindproxy/make")


def test_two_first_commands_at_once_install_once(tmp_path):
    script = folder_with_the_script(tmp_path)
    both = [
        subprocess.Popen([script, "nothing"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert "".join(outputs) == INSTALLS


@pytest.mark.parametrize("what", ["upgraded", "removed"])
def test_an_environment_whose_python_went_is_made_again(tmp_path, what):
    script = folder_with_the_script(tmp_path)
    assert subprocess.run([script, "nothing"], capture_output=True).returncode == 0
    venv = tmp_path / "build" / "venv"
    if what == "upgraded":
        next((venv / "lib").glob("python3.*")).rename(venv / "lib" / "python3.0")
    else:
        (venv / "bin" / "python").unlink()
        (venv / "bin" / "python").symlink_to("/none/python3")
    process = subprocess.run([script, "nothing"], capture_output=True, text=True)
    assert (process.returncode, process.stdout) == (0, INSTALLS), process.stderr
    assert subprocess.run([venv / "bin" / "python", "-c", "import pip"]).returncode == 0
    assert subprocess.run([script, "nothing"], capture_output=True, text=True).stdout == ""
