"""What the red checks have in common: the likely cause first, and the change that removes it.

A cause is judged by the pattern of red (check, entrypoint) pairs and by what was observed there; what one
explains is not explained twice.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..engine.deadline import NO_ANSWER, NOT_CHECKED
from ..report.result import UNFORESEEN, Result
from .cause import Red
from .causes import CAUSES
from .setting import Setting

if TYPE_CHECKING:
    from .source import Source

MAX_CAUSES = 3  # named at once
COOKIE = r"\bset_cookie\(\s*(?![\"'](?!(?:{names})[\"']))|\bSessionMiddleware\s*[,(]"
COOKIES_NAME = r"(?:-> |[\[ ]\")([^\s=\";]+)="

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
MET_IN_PAGES = ("application.assets", "application.requests", "websocket.socket_io")


@dataclass(frozen=True)
class Named:
    cause: str
    fix: str
    explains: list[str] = field(default_factory=list)  # id@entrypoint

    @property
    def end(self) -> str:
        """How the cause ends: a check's fix begins another sentence, a cause's own does not."""
        return "." if self.fix[:1].isupper() else ":"

    def __str__(self) -> str:
        return f"{self.cause}{self.end} {self.fix}"


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
    passes = [f"{one.check.id}@{one.entrypoint}" for one in results if one.status == "passed"]
    places = [f"{one.check.id}@{one.entrypoint}" for one in results]
    reds_left = Red({place: result.observed for place, result in by_place.items()}, setting, passes, places)
    major: list[Named] = []
    minor: list[Named] = []  # of somebody's deployment: what nobody meets and no attacker can use
    for cause in CAUSES:
        if not reds_left.observed or len(major) == MAX_CAUSES or not cause.fits(reds_left):
            continue
        rest = reds_left.without(cause.explains)
        explained = [place for place in reds_left.observed if place not in rest.observed]
        if all(by_place[place].fix == UNFORESEEN for place in explained):
            continue  # nothing was seen that a cause explains
        pattern = cause.line.replace("{prefix}", source.prefix) if source else ""
        place = source.fault(pattern, "") if source and pattern else ""
        is_major = setting.ours or any(by_place[one].level != "hardening" for one in explained)
        (major if is_major else minor).append(Named(cause.says, cause.fix_for(setting) + place, explained))
        reds_left = rest
    for place in list(reds_left.observed):
        if len(major) == MAX_CAUSES:
            break
        one = by_place[place]
        has_answer = not one.observed.startswith(NO_ANSWER)
        if one.check.group == "application" and has_answer and place in reds_left.observed:
            pattern = cookie_lines(one.observed) if one.check.id == "application.cookies" else ""
            line = source.fault(pattern, one.observed) if source else ""
            alike = same_fault(reds_left, one.check.id)
            sentence = f"the application's own fault ({one.check.id})"
            major.append(Named(sentence, one.fix + line, alike))
            reds_left = reds_left.without(alike)
    grave = [place for place in reds_left.observed if counts(by_place[place])]
    if (grave and len(major) < MAX_CAUSES) or (reds_left.observed and not (major or minor)):
        # No known cause: what a request meets first.
        first = min(grave or reds_left.observed, key=lambda place: upstream(by_place[place]))
        one = by_place[first]
        alike = same_fault(reds_left, one.check.id)
        major.append(Named(f"{one.check.id} fails", one.fix, alike))
        reds_left = reds_left.without(alike)
    if not setting.ours:
        major.sort(key=lambda one: weight([by_place[place] for place in one.explains]))
    causes = [*major, *minor]
    untold = [place for one in causes[MAX_CAUSES:] for place in one.explains]
    return Diagnosis(causes[:MAX_CAUSES], [*reds_left.observed, *untold])


def cookie_lines(observed: str) -> str:
    """Return the pattern of lines that may set these cookies: not of one that sets another."""
    names = "|".join(map(re.escape, dict.fromkeys(re.findall(COOKIES_NAME, observed))))
    return COOKIE.replace("{names}", names)


def same_fault(red: Red, id: str) -> list[str]:
    """Return the places at which a check is red; a browser meets there what some checks read."""
    ids = (id, "browser.pages") if id in MET_IN_PAGES else (id,)
    return [place for place in red.observed if place.partition("@")[0] in ids]


def counts(result: Result) -> bool:
    """Say whether a red check tells a cause from another: a wrong response that somebody meets."""
    return result.status == "failed" and result.level != "hardening"


def weight(explained: list[Result]) -> tuple[int, int]:
    """Order causes: what users meet, most of it first, before what an attacker can use."""
    grave = [one for one in explained if counts(one)]
    broken = [one for one in grave if one.level == "broken"]
    return -len(broken), -len(grave)


def upstream(result: Result) -> int:
    group = result.check.group
    return WAY.index(group) if group in WAY else len(WAY)
