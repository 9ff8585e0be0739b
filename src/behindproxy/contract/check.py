"""What a check is: a lasting id, the doors it is asked at, and the statement it proves."""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

import pytest

DOORS = ("proxy", "tls", "direct", "all")
KINDS = ("claim", "attack", "operation")


@dataclass(frozen=True)
class Check:
    id: str
    title: str
    doors: tuple[str, ...]
    kind: str
    source: str
    statement: str
    hint: str
    # What the deployment must offer for the question to make sense; see target.Target.lacks.
    needs: tuple[str, ...] = ()
    # It sends what a third-party application must not get: another method, a body, a broken request.
    unsafe: bool = False
    # Configurations under which this check has been seen going red.
    broken_by: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        return self.id.partition(".")[0]

    def __post_init__(self) -> None:
        if unknown := set(self.doors) - set(DOORS):
            raise ValueError(f"{self.id}: unknown doors {sorted(unknown)}")
        if self.kind not in KINDS or "." not in self.id:
            raise ValueError(f"{self.id}: an id is dotted and a kind is one of {KINDS}")


def check(id: str, **fields) -> Callable:
    """Marks a test as the check `id` and asks it once at each of its doors."""
    known = Check(id=id, **fields)

    def mark(function: Callable) -> Callable:
        at_each_door = pytest.mark.parametrize("door", known.doors, indirect=True)
        return pytest.mark.check(known)(at_each_door(function))

    return mark


def of(item: pytest.Item) -> Check:
    return item.get_closest_marker("check").args[0]


def door_of(item: pytest.Item) -> str:
    return item.callspec.params["door"]


def selected(id: str, patterns: list[str]) -> bool:
    """Say whether one of `patterns` has the id and none with `!` before it; a pattern without a wildcard is
    a part of it."""
    parts = [(one.startswith("!"), one.removeprefix("!")) for one in patterns]
    has = [(no, fnmatchcase(id, one if set(one) & set("*?[") else f"*{one}*")) for no, one in parts]
    wanted = [found for no, found in has if not no]
    return (any(wanted) or not wanted) and not any(found for no, found in has if no)


def refuse_duplicates(items: list[pytest.Item]) -> None:
    """(id, door) names one line of the report, so two tests must not share it."""
    seen: dict[tuple[str, str], str] = {}
    for item in items:
        if item.get_closest_marker("check") is None:
            raise pytest.UsageError(f"{item.nodeid} has no @check: it would not appear in the report")
        key = of(item).id, door_of(item)
        if key in seen:
            raise pytest.UsageError(f"{key[0]} at {key[1]} is both {seen[key]} and {item.nodeid}")
        seen[key] = item.nodeid
