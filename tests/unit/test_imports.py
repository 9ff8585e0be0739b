"""Imports go one way: what a person installs needs nothing of this repository's tests or demonstration."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from behindproxy.stack.paths import ROOT

OURS = ("app", "bench", "behindproxy", "behindproxy_serve", "tests")
# The folder of each package, and which of ours its modules may import.
ALLOWED = {
    "src/behindproxy": {"behindproxy", "behindproxy_serve"},
    "src/behindproxy/contract": {"behindproxy.contract"},
    "src/behindproxy_serve": {"behindproxy_serve"},
    "app": {"app", "behindproxy_serve"},
}


def modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def package_of(path: Path) -> list[str]:
    """The names of the package that the module at `path` lies in."""
    relative = path.relative_to(ROOT).parent
    return list(relative.relative_to("src").parts if relative.parts[0] == "src" else relative.parts)


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Each module of ours that the one at `path` imports, anywhere in it, and the line."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = package_of(path)
            base = package[: len(package) + 1 - node.level] if node.level else []
            start = [*base, *filter(None, [node.module])]
            names = [".".join([*start, alias.name]) for alias in node.names]
        for name in names:
            if name.partition(".")[0] in OURS:
                yield name, node.lineno


def forbidden(path: Path, allowed: set[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for name, line in imported(path)
        if not any(name == one or name.startswith(f"{one}.") for one in allowed)
    ]


@pytest.mark.parametrize("folder", ALLOWED)
def test_it_imports_nothing_but(folder):
    paths = modules(ROOT / folder)
    assert paths
    assert [one for path in paths for one in forbidden(path, ALLOWED[folder])] == []


def test_the_suite_tells_nobody_else_to_run_a_target_of_this_repository():
    """What helps in this stack alone is in reference.py."""
    targets = [
        f"{path.name}:{node.lineno}: {node.value}"
        for path in modules(ROOT / "src/behindproxy/contract")
        for node in ast.walk(ast.parse(path.read_text(), str(path)))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "`make " in node.value
        if path.name != "reference.py"
    ]
    assert targets == []


@pytest.mark.parametrize(
    "line",
    [
        "from tests.checkout import ROOT",
        "import behindproxy.stack.paths",
        "from ..stack import paths",
        "from .. import doctor",
        "def later():\n    from behindproxy import scaffold",
    ],
)
def test_a_wrong_import_is_seen(tmp_path, monkeypatch, line):
    path = ROOT / "src" / "behindproxy" / "contract" / "made_up.py"
    monkeypatch.setattr(Path, "read_text", lambda self: line)
    assert len(forbidden(path, ALLOWED["src/behindproxy/contract"])) == 1
