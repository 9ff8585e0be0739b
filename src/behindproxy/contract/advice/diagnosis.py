"""What the red checks have in common: the likely cause first, and the change that removes it.

A cause is judged by the pattern of red (check, entrypoint) pairs and by what was observed there; what one
explains is not explained twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..engine.deadline import NOT_CHECKED
from ..report.result import Result
from .cause import Red
from .causes import CAUSES
from .setting import Setting

if TYPE_CHECKING:
    from .source import Source

MAX_CAUSES = 3  # named at once
COOKIE = r"\bset_cookie\(|\bSessionMiddleware\s*[,(]"

# What a request meets before something else can be judged.
WAY = (
    "container",
    "tls",
    "host",
    "app",
    "scope",
    "prefix",
    "path",
    "trust",
    "redirect",
    "links",
    "openapi",
    "docs",
    "application",
    "mount",
    "static",
    "websocket",
    "stream",
    "exposure",
    "logs",
)


@dataclass(frozen=True)
class Named:
    cause: str
    fix: str
    explains: list[str] = field(default_factory=list)  # id@entrypoint

    def __str__(self) -> str:
        return f"{self.cause}: {self.fix}"


@dataclass(frozen=True)
class Diagnosis:
    causes: list[Named] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)


def diagnose(
    results: Iterable[Result], source: "Source | None" = None, setting: Setting | None = None
) -> Diagnosis:
    """Return at most three causes, the one that explains most of what breaks first, and what is left.

    With the application's `source`, its own faults come with the line to change; `setting` says which proxy
    and which server the changes are for.
    """
    setting = setting or Setting()
    results = [one for one in results if not one.observed.startswith(NOT_CHECKED)]
    reds = [result for result in results if result.red]
    by_place = {f"{result.check.id}@{result.entrypoint}": result for result in reds}
    held = [f"{one.check.id}@{one.entrypoint}" for one in results if one.status == "passed"]
    ran = [f"{one.check.id}@{one.entrypoint}" for one in results]
    left = Red({place: result.observed for place, result in by_place.items()}, setting, held, ran)
    named: list[Named] = []
    minor: list[Named] = []  # of somebody's deployment: what nobody meets and no attacker can use
    for cause in CAUSES:
        if not left.observed or len(named) == MAX_CAUSES or not cause.fits(left):
            continue
        rest = left.without(cause.explains)
        explained = [place for place in left.observed if place not in rest.observed]
        if not explained:
            continue
        pattern = cause.line.replace("{prefix}", source.prefix) if source else ""
        place = source.fault(pattern, "") if source and pattern else ""
        felt = setting.ours or any(by_place[one].level != "hardening" for one in explained)
        (named if felt else minor).append(Named(cause.says, cause.fix_for(setting) + place, explained))
        left = rest
    for place in list(left.observed):
        if len(named) == MAX_CAUSES:
            break
        one = by_place[place]
        if one.check.group == "application" and place in left.observed:
            # A cookie says nothing of the line that sets it.
            pattern = COOKIE if one.check.id == "application.cookies" else ""
            line = source.fault(pattern, one.observed) if source else ""
            alike = [other for other in left.observed if other.startswith(f"{one.check.id}@")]
            said = f"the application's own fault: {one.check.title} ({one.check.id})"
            named.append(Named(said, one.fix + line, alike))
            left = left.without(alike)
    grave = [place for place in left.observed if counts(by_place[place])]
    if (grave and len(named) < MAX_CAUSES) or (left.observed and not (named or minor)):
        # No known cause: what a request meets first.
        first = min(grave or left.observed, key=lambda place: upstream(by_place[place]))
        one = by_place[first]
        alike = [place for place in left.observed if place.startswith(f"{one.check.id}@")]
        named.append(Named(f"{one.check.title} ({one.check.id})", one.fix, alike))
        left = left.without(alike)
    if not setting.ours:
        named.sort(key=lambda one: weight([by_place[place] for place in one.explains]))
    causes = [*named, *minor]
    untold = [place for one in causes[MAX_CAUSES:] for place in one.explains]
    return Diagnosis(causes[:MAX_CAUSES], [*left.observed, *untold])


def counts(result: Result) -> bool:
    """Say whether a red check tells a cause from another: a wrong answer that somebody meets."""
    return result.status == "failed" and result.level != "hardening"


def weight(explained: list[Result]) -> tuple[int, int]:
    """Order causes: what users meet, most of it first, before what an attacker can use."""
    grave = [one for one in explained if counts(one)]
    broken = [one for one in grave if one.level == "broken"]
    return -len(broken), -len(grave)


def upstream(result: Result) -> int:
    group = result.check.group
    return WAY.index(group) if group in WAY else len(WAY)
