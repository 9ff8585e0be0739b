"""The files of a copy, as one version of this repository has them."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml
from copier import run_copy

from behindproxy.stack.paths import ROOT

from .writing import File, load

# What says that a copy is whole, and from which version: written last.
ANSWERS = ".copier-answers.yml"
MADE = ".behindproxy"  # what the tools write in a copy
# Written where there is none, and left alone where there is.
KEPT = tuple(yaml.safe_load((ROOT / "copier.yml").read_text())["_skip_if_exists"])


def render(version: str, data: Mapping[str, object]) -> dict[str, File]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        run_copy(".", folder, data=dict(data), vcs_ref=version, defaults=True, quiet=True)
        files = {
            str(path.relative_to(folder)): load(path) for path in sorted(folder.rglob("*")) if path.is_file()
        }
    files[ANSWERS] = files.pop(ANSWERS)
    return files
