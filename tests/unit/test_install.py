"""What an application's environment gets: its packages, itself if it is one, and a reason where it cannot."""

import subprocess
import sys

import pytest

from behindproxy.stack.native import _rename_in_scripts
from behindproxy_serve.install import Failed, conflict, install_project, is_package, refuse_python

# Builds without any network: the project's own file is what builds it.
BACKEND = """
import pathlib, zipfile
NAME = "their-1.2-py3-none-any.whl"
def build_wheel(folder, config_settings=None, metadata_directory=None):
    assert not pathlib.Path("build").exists(), "what an earlier build left"
    pathlib.Path("made-by-the-builder").touch()
    files = {
        "METADATA": "Metadata-Version: 2.1\\nName: their\\nVersion: 1.2\\n",
        "WHEEL": "Wheel-Version: 1.0\\nGenerator: own\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        "entry_points.txt": "[console_scripts]\\ntheir-cli = json.tool:main\\n"
        "[their.plugins]\\none = json:loads\\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(pathlib.Path(folder, NAME), "w") as wheel:
        for name, text in files.items():
            wheel.writestr("their-1.2.dist-info/" + name, text)
    return NAME
"""
PROJECT = '[project]\nname = "their"\nversion = "1.2"\ndependencies = []\n'
BUILD_SYSTEM = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("environment") / "app.part"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return folder


def run(environment, *code):
    process = subprocess.run([str(environment / "bin/python"), "-c", *code], capture_output=True, text=True)
    return process.stdout.strip() or process.stderr


def test_a_package_has_its_metadata_entry_points_and_scripts_and_its_folder_stays(environment, tmp_path):
    (tmp_path / "pyproject.toml").write_text(PROJECT + BUILD_SYSTEM)
    (tmp_path / "backend.py").write_text(BACKEND)
    (tmp_path / "build").mkdir()
    before = sorted(path.name for path in tmp_path.iterdir())
    install_project(environment, tmp_path / "unused.whl", tmp_path)
    code = (
        "from importlib.metadata import entry_points as points, version\n"
        "print(version('their'), *points(group='their.plugins').names)"
    )
    assert run(environment, code) == "1.2 one"
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    # As `up` puts it in the place of the one that may be serving.
    moved = environment.rename(environment.with_name("app"))
    try:
        _rename_in_scripts(moved, environment)
        script = subprocess.run([str(moved / "bin/their-cli"), "--help"], capture_output=True, text=True)
        assert script.returncode == 0, script.stderr
    finally:
        moved.rename(environment)


@pytest.mark.parametrize(
    ("text", "package"),
    [
        ("", False),
        (PROJECT, False),
        (PROJECT + BUILD_SYSTEM, True),
        (PROJECT + BUILD_SYSTEM + "[tool.uv]\npackage = false\n", False),
        (PROJECT + BUILD_SYSTEM + "[tool.poetry]\npackage-mode = false\n", False),
    ],
)
def test_a_project_is_a_package_where_it_says_what_builds_it(tmp_path, text, package):
    (tmp_path / "pyproject.toml").write_text(text)
    assert is_package(tmp_path) is package


def test_another_python_than_the_project_wants_is_named(environment, tmp_path):
    (tmp_path / "pyproject.toml").write_text(PROJECT + 'requires-python = ">=3.99"\n')
    with pytest.raises(Failed, match=r'requires-python = ">=3\.99", and this is Python 3\.'):
        refuse_python(environment, tmp_path)
    (tmp_path / "pyproject.toml").write_text(PROJECT + 'requires-python = ">=3.11"\n')
    refuse_python(environment, tmp_path)


CONFLICT = """ERROR: Cannot install behindproxy-serve[fastapi]==0.1 because these package versions conflict.

The conflict is caused by:
    behindproxy-serve[fastapi,reload] 0.1 depends on starlette>=1.3.1
    The user requested (constraint) starlette==0.27.0

To fix this you could try to:
1. loosen the range of package versions you've specified
"""


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("requirements.txt", "fastapi-cli\nStarlette==0.27.0\n", " (requirements.txt line 2)"),
        ("pyproject.toml", 'dependencies = [\n  "starlette==0.27.0",\n]\n', " (pyproject.toml line 2)"),
        ("pyproject.toml", 'dependencies = ["starlette==0.27.0"]\n', " (pyproject.toml line 1)"),
        ("requirements.txt", "starlette-admin\n", ""),
    ],
)
def test_a_pin_of_theirs_that_does_not_fit_is_named_with_its_line(environment, tmp_path, name, text, place):
    (tmp_path / name).write_text(text)
    assert conflict(CONFLICT, environment, tmp_path) == (
        f"starlette==0.27.0{place} does not fit what else is needed: "
        "behindproxy-serve 0.1 depends on starlette>=1.3.1; change the pin"
    )


def test_other_failures_are_no_conflict(environment, tmp_path):
    assert conflict("ERROR: No matching distribution found for ghost", environment, tmp_path) == ""
