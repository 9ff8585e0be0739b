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
        done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)
    finally:
        os.umask(before)
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.name: path.read_bytes() for path in sorted((folder / "build" / "dist").iterdir())}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("one") / "clone"
    return folder, build(folder, 0o022)


def contents(built, package: str) -> dict[str, str]:
    """Each name in a wheel, with what it holds."""
    folder, _ = built
    (wheel,) = (folder / "build" / "dist").glob(f"{package}-*.whl")
    with ZipFile(wheel) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_two_builds_have_the_same_bytes(built, tmp_path):
    other = build(tmp_path / "another" / "folder", 0o077)
    assert [name for name in other if name.endswith(".whl")] and len(other) == 4
    assert built[1].keys() == other.keys()
    assert [name for name in other if built[1][name] != other[name]] == []


def test_a_checkout_gives_the_wheel_that_its_source_distribution_gives(built, tmp_path):
    """What `pip install .` builds."""
    folder, _ = built
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(tmp_path), "."]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (wheel,) = tmp_path.iterdir()
    assert set(ZipFile(wheel).namelist()) == contents(built, "behindproxy").keys()


def test_what_the_commands_need_is_in_the_wheel(built):
    tool, serve = contents(built, "behindproxy"), contents(built, "behindproxy_serve")
    needed = {"curl.sh", "py.typed", "contract/conftest.py", "contract/report/templates/report.html.j2"}
    assert {f"behindproxy/{name}" for name in needed} <= tool.keys()
    assert {"behindproxy_serve/__init__.py", "behindproxy_serve/logging.json"} <= serve.keys()
    assert "behindproxy_serve/py.typed" in serve


@pytest.mark.parametrize("package", ["behindproxy", "behindproxy_serve"])
def test_each_wheel_has_its_own_package_alone_and_the_license(built, package):
    held = contents(built, package)
    own = re.compile(rf"{package}(-[\d.]+\.dist-info)?/(?!tests/)[^.]|{package}/template/")
    assert [name for name in held if not own.match(name)] == []
    assert [text for name, text in held.items() if name.endswith(".dist-info/licenses/LICENSE")] == [LICENSE]
    assert not [name for name in held if "__pycache__" in name]


def test_a_wheel_has_the_files_of_a_copy_as_a_clone_has_them(built):
    wanted = {name: path.read_text() for name, path in included().items()}
    start = "behindproxy/template/", "behindproxy/pins/"
    held = {name: text for name, text in contents(built, "behindproxy").items() if name.startswith(start)}
    assert wanted.keys() ^ held.keys() == set()
    assert [name for name in wanted if wanted[name] != held[name]] == []


def test_a_clone_builds_for_a_copy_what_make_wheels_builds(built):
    made = {name: data for name, data in built[1].items() if name.endswith(".whl")}
    environ = os.environ | {"PYTHONPATH": str(built[0] / "src")}
    folder = built[0] / "build" / "again"
    folder.mkdir()
    command = [sys.executable, "-m", "behindproxy.scaffold.wheels", str(folder)]
    subprocess.run(command, check=True, env=environ)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == made


@pytest.mark.parametrize("package", ["behindproxy", "behindproxy_serve"])
def test_a_source_distribution_has_the_license(built, package):
    folder, _ = built
    (archive,) = (folder / "build" / "dist").glob(f"{package}-*.tar.gz")
    with tarfile.open(archive) as opened:
        held = opened.extractfile(f"{archive.name.removesuffix('.tar.gz')}/LICENSE")
        assert held is not None and held.read().decode() == LICENSE
        names = [name for name in opened.getnames() if "/template/" not in name]
        assert not [name for name in names if "/./" in name or "/tests/" in name]


def test_both_packages_and_the_pin_have_one_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (pin,) = (one for one in project["dependencies"] if one.startswith("behindproxy-serve"))
    assert behindproxy.__version__ == behindproxy_serve.__version__ == pin.removeprefix("behindproxy-serve==")
