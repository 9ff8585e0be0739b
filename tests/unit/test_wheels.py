"""The two packages: the same bytes wherever they are built, and all that the commands need."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import pytest

import behindproxy
import behindproxy_serve
from behindproxy.scaffold.render import included
from behindproxy.stack.paths import ROOT

pytestmark = pytest.mark.skipif(
    not (find_spec("hatchling") and find_spec("build")),
    reason="hatchling or build is not installed: src/behindproxy/make/environment.sh build",
)
LICENSE = (ROOT / "LICENSE").read_text()


def build(folder: Path, umask: int) -> dict[str, bytes]:
    """What `make wheels` makes of a clone in `folder`, by name."""
    before = os.umask(umask)
    try:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
        (folder / "build").mkdir()
        (folder / "build" / "venv").symlink_to(ROOT / "build" / "venv")
        environ = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
        command = ["deploy/tool/wheels.sh"]
        process = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)
    finally:
        os.umask(before)
    assert process.returncode == 0, process.stdout + process.stderr
    return {path.name: path.read_bytes() for path in sorted((folder / "build" / "dist").iterdir())}


@pytest.fixture(scope="module")
def first_build(tmp_path_factory) -> tuple[Path, dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("one") / "clone"
    return folder, build(folder, 0o022)


def contents(first_build, package: str) -> dict[str, str]:
    """Each name in a wheel, with what it holds."""
    folder, _ = first_build
    (wheel,) = (folder / "build" / "dist").glob(f"{package}-*.whl")
    with ZipFile(wheel) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_two_builds_have_the_same_bytes(first_build, tmp_path):
    other = build(tmp_path / "another" / "folder", 0o077)
    assert [name for name in other if name.endswith(".whl")] and len(other) == 4
    assert first_build[1].keys() == other.keys()
    assert [name for name in other if first_build[1][name] != other[name]] == []


def test_a_checkout_gives_the_wheel_that_its_source_distribution_gives(first_build, tmp_path):
    """What `pip install .` builds."""
    folder, _ = first_build
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(tmp_path), "."]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (wheel,) = tmp_path.iterdir()
    assert set(ZipFile(wheel).namelist()) == contents(first_build, "behindproxy").keys()


def test_what_the_commands_need_is_in_the_wheel(first_build):
    tool, serve = contents(first_build, "behindproxy"), contents(first_build, "behindproxy_serve")
    names = {"curl.sh", "py.typed", "contract/conftest.py", "contract/report/templates/report.html.j2"}
    assert {f"behindproxy/{name}" for name in names} <= tool.keys()
    assert {"behindproxy_serve/__init__.py", "behindproxy_serve/logging.json"} <= serve.keys()
    assert "behindproxy_serve/py.typed" in serve


@pytest.mark.parametrize("package", ["behindproxy", "behindproxy_serve"])
def test_each_wheel_has_its_own_package_alone_and_the_license(first_build, package):
    files = contents(first_build, package)
    own = re.compile(rf"{package}(-[\d.]+\.dist-info)?/(?!tests/)[^.]|{package}/template/")
    assert [name for name in files if not own.match(name)] == []
    assert [text for name, text in files.items() if name.endswith(".dist-info/licenses/LICENSE")] == [LICENSE]
    assert not [name for name in files if "__pycache__" in name]


def test_a_wheel_has_the_files_of_a_copy_as_a_clone_has_them(first_build):
    originals = {name: path.read_text() for name, path in included().items()}
    start = "behindproxy/template/", "behindproxy/pages/", "behindproxy/pins/"
    files = {
        name: text for name, text in contents(first_build, "behindproxy").items() if name.startswith(start)
    }
    assert originals.keys() ^ files.keys() == set()
    assert [name for name in originals if originals[name] != files[name]] == []


def test_a_clone_builds_for_a_copy_what_make_wheels_builds(first_build):
    wheels = {name: data for name, data in first_build[1].items() if name.endswith(".whl")}
    environ = os.environ | {"PYTHONPATH": str(first_build[0] / "src")}
    folder = first_build[0] / "build" / "again"
    folder.mkdir()
    command = [sys.executable, "-m", "behindproxy.scaffold.wheels", str(folder)]
    subprocess.run(command, check=True, env=environ)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == wheels


@pytest.mark.parametrize("package", ["behindproxy", "behindproxy_serve"])
def test_a_source_distribution_has_the_license(first_build, package):
    folder, _ = first_build
    (archive,) = (folder / "build" / "dist").glob(f"{package}-*.tar.gz")
    with tarfile.open(archive) as tar:
        license_file = tar.extractfile(f"{archive.name.removesuffix('.tar.gz')}/LICENSE")
        assert license_file is not None and license_file.read().decode() == LICENSE
        names = [name for name in tar.getnames() if "/template/" not in name]
        assert not [name for name in names if "/./" in name or "/tests/" in name]


def test_both_packages_and_the_pin_have_one_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (pin,) = (one for one in project["dependencies"] if one.startswith("behindproxy-serve"))
    assert behindproxy.__version__ == behindproxy_serve.__version__ == pin.removeprefix("behindproxy-serve==")
