"""What a check is: a lasting id, the doors it is asked at, and the statement it proves."""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, TypeVar, get_args

import pytest

DoorName = Literal["proxy", "tls", "direct"]
Place = Literal[DoorName, "all"]
Kind = Literal["claim", "attack", "operation"]

DOORS: tuple[Place, ...] = get_args(Place)
PUBLIC: tuple[DoorName, ...] = ("proxy", "tls")
EVERYWHERE: tuple[DoorName, ...] = get_args(DoorName)

Test = TypeVar("Test", bound=Callable[..., None])


@dataclass(frozen=True)
class Check:
    id: str
    title: str
    doors: tuple[Place, ...]
    kind: Kind
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
        if "all" in self.doors and len(self.doors) > 1:
            raise ValueError(f"{self.id}: `all` is a door of its own")
        if self.kind not in get_args(Kind) or "." not in self.id:
            raise ValueError(f"{self.id}: an id is dotted and a kind is one of {get_args(Kind)}")


def check(
    id: str,
    *,
    title: str,
    doors: tuple[Place, ...],
    kind: Kind,
    source: str,
    statement: str,
    hint: str,
    needs: tuple[str, ...] = (),
    unsafe: bool = False,
    broken_by: tuple[str, ...] = (),
) -> Callable[[Test], Test]:
    """Mark a test as the check `id`, and run it once at each of its doors.

    The test takes that one as `door`; a check of `all` takes the deployment as `target`.
    """
    known = Check(id, title, doors, kind, source, statement, hint, needs, unsafe, broken_by)

    def mark(test: Test) -> Test:
        argument = "target" if doors == ("all",) else "door"
        at_each_door = pytest.mark.parametrize(argument, doors, indirect=True)
        marked: Test = pytest.mark.check.with_args(known)(at_each_door(test))
        return marked

    return mark


def of(item: pytest.Item) -> Check:
    marker = item.get_closest_marker("check")
    if marker is None:
        raise pytest.UsageError(f"{item.nodeid} has no @check: it would not appear in the report")
    known: Check = marker.args[0]
    return known


def door_of(item: pytest.Item) -> Place:
    assert isinstance(item, pytest.Function)
    given = item.callspec.params
    return next(name for name in DOORS if name in (given.get("door"), given.get("target")))


def selected(id: str, patterns: list[str]) -> bool:
    """Say whether one of `patterns` has the id and none with `!` before it; a pattern without a wildcard is
    a part of it."""
    parts = [(one.startswith("!"), one.removeprefix("!")) for one in patterns]
    has = [(no, fnmatchcase(id, one if set(one) & set("*?[") else f"*{one}*")) for no, one in parts]
    wanted = [found for no, found in has if not no]
    return (any(wanted) or not wanted) and not any(found for no, found in has if no)


def refuse_duplicates(items: list[pytest.Item]) -> None:
    """(id, door) names one line of the report, so two tests must not share it."""
    seen: dict[tuple[str, Place], str] = {}
    for item in items:
        key = of(item).id, door_of(item)
        if key in seen:
            raise pytest.UsageError(f"{key[0]} at {key[1]} is both {seen[key]} and {item.nodeid}")
        seen[key] = item.nodeid
