"""What makes `pytest --pyargs behindproxy.contract --url …` know the suite's options.

Every run of pytest in an environment that has the package loads this, and it does nothing to the others.
"""

from importlib.util import find_spec
from pathlib import Path

import pytest

CONTRACT = "behindproxy.contract"


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Load the suite's conftest.py in the place of the working directory's."""
    namespace = early_config.known_args_namespace
    spec = find_spec(CONTRACT) if namespace.pyargs and CONTRACT in namespace.file_or_dir else None
    if spec and spec.origin:
        folder = str(Path(spec.origin).parent)
        namespace.file_or_dir, namespace.confcutdir = [folder], folder
        # A project may turn warnings of its own packages into errors; the suite's are none of it.
        namespace.pythonwarnings = ["default", *(namespace.pythonwarnings or [])]
