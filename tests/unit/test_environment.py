"""src/behindproxy/make/environment.sh, with a list of no packages."""

import shutil
import subprocess

from tests.checkout import ROOT


def test_two_first_commands_at_once_install_once(tmp_path):
    for folder in ("src/behindproxy/make", "requirements"):
        (tmp_path / folder).mkdir(parents=True)
    script = shutil.copy2(ROOT / "src/behindproxy/make/environment.sh", tmp_path / "src/behindproxy/make")
    (tmp_path / "requirements" / "nothing.txt").write_text("# no package\n")
    both = [
        subprocess.Popen([script, "nothing"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    printed = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], printed
    assert "".join(printed).splitlines() == ["installing requirements/nothing.txt into build/venv"]
