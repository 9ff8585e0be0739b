"""The definition of a check: a stable id, its entrypoints, and the statement that it proves."""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, TypeVar, get_args

import pytest

EntrypointName = Literal["http", "https", "direct"]
Place = Literal[EntrypointName, "all"]
Level = Literal["broken", "exposed", "hardening"]

ENTRYPOINTS: tuple[Place, ...] = get_args(Place)
# The most severe first: a user meets it, an attacker can use it, good practice that others may not follow.
LEVELS: tuple[Level, ...] = get_args(Level)
PUBLIC: tuple[EntrypointName, ...] = ("http", "https")
EVERYWHERE: tuple[EntrypointName, ...] = get_args(EntrypointName)

Test = TypeVar("Test", bound=Callable[..., None])


@dataclass(frozen=True)
class Check:
    id: str
    title: str
    entrypoints: tuple[Place, ...]
    level: Level
    source: str
    statement: str
    fix: str
    # What the deployment must have for the check to apply; see target.Target.lacks.
    needs: tuple[str, ...] = ()
    # It sends what a third-party application must not get: another method, a body, a malformed request.
    unsafe: bool = False

    @property
    def group(self) -> str:
        return self.id.partition(".")[0]

    def __post_init__(self) -> None:
        if unknown := set(self.entrypoints) - set(ENTRYPOINTS):
            raise ValueError(f"{self.id}: unknown entrypoints {sorted(unknown)}")
        if "all" in self.entrypoints and len(self.entrypoints) > 1:
            raise ValueError(f"{self.id}: `all` cannot be combined with another entrypoint")
        if self.level not in LEVELS or "." not in self.id:
            raise ValueError(f"{self.id}: an id is dotted and a level is one of {LEVELS}")


def check(
    id: str,
    *,
    title: str,
    entrypoints: tuple[Place, ...],
    level: Level,
    source: str,
    statement: str,
    fix: str,
    needs: tuple[str, ...] = (),
    unsafe: bool = False,
) -> Callable[[Test], Test]:
    """Mark a test as the check `id`, and run it once on each of its entrypoints.

    The test takes that one as `entrypoint`; a check of `all` takes the deployment as `target`.
    """
    definition = Check(id, title, entrypoints, level, source, statement, fix, needs, unsafe)

    def mark(test: Test) -> Test:
        argument = "target" if entrypoints == ("all",) else "entrypoint"
        at_each = pytest.mark.parametrize(argument, entrypoints, indirect=True)
        marked: Test = pytest.mark.check.with_args(definition)(at_each(test))
        return marked

    return mark


def of(item: pytest.Item) -> Check:
    marker = item.get_closest_marker("check")
    if marker is None:
        raise pytest.UsageError(f"{item.nodeid} has no @check: it would not appear in the report")
    definition: Check = marker.args[0]
    return definition


def entrypoint_of(item: pytest.Item) -> Place:
    assert isinstance(item, pytest.Function)
    params = item.callspec.params
    return next(name for name in ENTRYPOINTS if name in (params.get("entrypoint"), params.get("target")))


def selected(id: str, patterns: list[str]) -> bool:
    """Say whether one of `patterns` has the id and none with `!` before it; a pattern without a wildcard is
    a part of it."""
    parts = [(one.startswith("!"), one.removeprefix("!")) for one in patterns]
    has = [(no, fnmatchcase(id, one if set(one) & set("*?[") else f"*{one}*")) for no, one in parts]
    inclusions = [match for no, match in has if not no]
    return (any(inclusions) or not inclusions) and not any(match for no, match in has if no)


def refuse_duplicates(items: list[pytest.Item]) -> None:
    """(id, entrypoint) names one line of the report, so two tests must not share it."""
    node_ids: dict[tuple[str, Place], str] = {}
    for item in items:
        key = of(item).id, entrypoint_of(item)
        if key in node_ids:
            raise pytest.UsageError(f"{key[0]} at {key[1]} is both {node_ids[key]} and {item.nodeid}")
        node_ids[key] = item.nodeid
