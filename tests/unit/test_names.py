"""A value's name is a noun: what it is (`matches`, `inventory`), and not what happened to it (`found`).

A participle before a noun is part of one (`seen_paths`). States (`closed`, `started`, `stopped`) and terms
(`expected`, `observed`) are names; functions are not looked at.
"""

import ast
from collections.abc import Iterator

import pytest

from behindproxy.stack.paths import ROOT

FOLDERS = ("src", "app", "tests", "bench", ".ci", "docs")
PARTICIPLES = frozenset(
    "added asked begun bound built called caught checked chosen counted covered done drawn edited found "
    "given gone got held inspected kept known left listed lost made meant named needed noted offered "
    "opened printed ran read received said saved seen sent shown taken told used waited wanted "
    "written".split()
)
# Keys of files that are read into these classes.
ALLOWED = {("tests/mutants/mutant.py", "named"), ("tests/foreign/entry.py", "named")}


def names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield the names that are bound, with their lines: of variables, parameters and attributes."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name, node.lineno
            case ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                yield name, node.lineno
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name, node.lineno


def participles(text: str) -> list[tuple[str, int]]:
    return [(name, line) for name, line in names(ast.parse(text)) if name.strip("_").lower() in PARTICIPLES]


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_value_is_named_by_a_participle(folder):
    paths = {path.relative_to(ROOT).as_posix(): path for path in sorted((ROOT / folder).rglob("*.py"))}
    assert paths
    assert [
        f"{path}:{line}: {name}: write a noun that says what it is"
        for path, file in paths.items()
        for name, line in participles(file.read_text())
        if (path, name) not in ALLOWED
    ] == []


@pytest.mark.parametrize(
    "text",
    [
        "found = 1",
        "SEEN = ()",
        "self.sent_, other = 1, 2",
        "def name(told): ...",
        "def name(*, given=1): ...",
        "[1 for kept in ()]",
        "lambda found: 1",
        "if left := 1: ...",
        "with open('') as read: ...",
        "class Name:\n    said: str = ''",
        "try: ...\nexcept ValueError as caught: ...",
        "match 1:\n    case [*taken]: ...",
    ],
)
def test_a_participle_is_found_wherever_a_name_is_bound(text):
    assert participles(text)


@pytest.mark.parametrize("text", ["seen_paths = 1", "expected = 1", "closed = True", "def found(): ..."])
def test_a_noun_a_term_a_state_and_a_function_are_none(text):
    assert not participles(text)
