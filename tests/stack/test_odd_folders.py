"""`up` in a folder with an odd name."""

import os
import shutil

import pytest

from tests.checkout import ROOT, Checkout
from tests.unit.test_odd_folders import NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_stack_runs_in_a_folder_with_an_odd_name(name):
    if os.environ.get("RUNTIME") == "docker":
        pytest.skip("RUNTIME is not native: of Docker's names a unit test says which it refuses")
    odd = Checkout(ROOT / "build" / name)
    odd.fill()
    try:
        code, output = odd.run("up")
        assert code == 0, output
        assert "Hello World" in odd.answers()
        assert odd.run("ps")[0] == 0
    finally:
        odd.run("clean")
        shutil.rmtree(odd.path, ignore_errors=True)
