"""The tool from a package index: wheels by the names and hashes that a copy's lock has.

Which index, pip's own configuration says (PIP_INDEX_URL, pip.conf); a file with another hash is refused.
"""

import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

SERVE = "behindproxy-serve"


def requirement(wheel: str) -> str:
    """Return what the wheel of this file name is called in an index."""
    name, version = wheel.split("-")[:2]
    return f"{name.replace('_', '-')}=={version}"


def named(lock: str) -> dict[str, str]:
    """Return the digest of each of the tool's packages that the text of a lock takes from an index."""
    return dict(re.findall(r"(?m)^(behindproxy(?:-serve)?==\S+) \\\s+--hash=sha256:(\w+)", lock))


def fetch(digests: Mapping[str, str]) -> dict[str, bytes]:
    """Return the wheels of these requirements, by file name. Raise SystemExit with pip's reason."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [f"{name} --hash=sha256:{digest}\n" for name, digest in digests.items()]
        Path(folder, "wanted.txt").write_text("".join(lines), encoding="utf-8")
        options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--disable-pip-version-check"]
        process = subprocess.run(
            [_python(folder), "-m", "pip", "download", *options, "--quiet", "-r", "wanted.txt"],
            cwd=folder,
            capture_output=True,
            text=True,
        )
        if process.returncode:
            errors = process.stderr.strip().splitlines() or ["pip does not say why"]
            reasons = [line.strip() for line in errors if line.startswith("ERROR: ")] or errors
            raise SystemExit(
                f"no index has {' and '.join(digests)} with the hash that is expected: {reasons[-1]}"
            )
        return {path.name: path.read_bytes() for path in sorted(Path(folder).glob("*.whl"))}


def _python(folder: str) -> str:
    """Return a Python that has pip: an environment that another installer made has none."""
    if find_spec("pip"):
        return sys.executable
    venv.create(Path(folder, "venv"), with_pip=True)
    return str(Path(folder, "venv", "bin", "python"))
