"""The two wheels of this version, with the same bytes wherever they are made.

In a clone hatchling builds them; an installed package is put together again from the files that its RECORD
names. Both are then written in one way: names in order, one date, and not compressed, so that git stores of
a later version what changed.
"""

import base64
import hashlib
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from .render import PACKAGE, REPOSITORY

PACKAGES = ("behindproxy", "behindproxy-serve")
DATE = (2020, 1, 1, 0, 0, 0)
# What an installer adds to a distribution's own files.
INSTALLER = ("INSTALLER", "REQUESTED", "direct_url.json", "RECORD", "uv_cache.json")


def wheels() -> dict[str, bytes]:
    """Return both, by their file names. Raise SystemExit with one line where they cannot be made."""
    if PACKAGE.parent.name == "src" and (REPOSITORY / "pyproject.toml").is_file():
        return built()
    try:
        return dict(again(distribution(name)) for name in PACKAGES)
    except PackageNotFoundError as error:
        raise SystemExit(f"{error.name} is not installed with behindproxy: pip install it") from None


def built() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        for package in (REPOSITORY, REPOSITORY / "src" / "behindproxy_serve"):
            command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
            environ = os.environ | {"SOURCE_DATE_EPOCH": "1577836800"}
            environ.pop("PYTHONPATH", None)
            process = subprocess.run(command, cwd=package, env=environ, capture_output=True, text=True)
            if process.returncode:
                lines = process.stderr.strip().splitlines() or ["hatchling does not say why"]
                raise SystemExit(
                    f"the wheels could not be built: {lines[-1]} (src/behindproxy/make/environment.sh build)"
                )
        return {path.name: normal(path.read_bytes()) for path in sorted(Path(folder).glob("*.whl"))}


def again(installed: Distribution) -> tuple[str, bytes]:
    """Return the wheel that `installed` came from."""
    name = f"{installed.metadata['Name'].replace('-', '_')}-{installed.version}-py3-none-any.whl"
    files = {}
    for path in installed.files or ():
        inside = not path.is_absolute() and ".." not in path.parts and "__pycache__" not in path.parts
        if not inside or path.parts[0].endswith(".dist-info") and path.name in INSTALLER:
            continue
        data = Path(str(path.locate())).read_bytes()
        if path.hash and path.hash.value != digest(data):
            raise SystemExit(f"{path.locate()} is not as it was installed: pip install --force-reinstall")
        files[str(path)] = data
    return name, packed(files)


def normal(wheel: bytes) -> bytes:
    with ZipFile(io.BytesIO(wheel)) as archive:
        return packed({name: archive.read(name) for name in archive.namelist() if not name.endswith("/")})


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return a wheel of `files`, with a new RECORD."""
    (info,) = {name.partition("/")[0] for name in files if name.partition("/")[0].endswith(".dist-info")}
    own = {name: files[name] for name in sorted(files) if name != f"{info}/RECORD"}
    rows = [f"{name},sha256={digest(data)},{len(data)}" for name, data in own.items()]
    own[f"{info}/RECORD"] = ("\n".join([*rows, f"{info}/RECORD,,"]) + "\n").encode()
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_STORED) as archive:
        for name, data in own.items():
            entry = ZipInfo(name, DATE)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, data)
    return buffer.getvalue()


def digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def main() -> None:
    """Write the wheels into the folder that is named; those that are there already, in the one way."""
    folder = Path(sys.argv[1])
    there = {path.name: normal(path.read_bytes()) for path in folder.glob("*.whl")}
    for name, data in (there or wheels()).items():
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
