"""Findings that somebody accepts, each with a reason and, if wanted, a date until which."""

import tomllib
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path

from .result import Result

EXAMPLE = (
    '[[accept]] with id = "host.foreign", reason = "…" and, if wanted, entrypoint = "http", until = '
    "2027-01-31"
)
KEYS = {"id", "entrypoint", "reason", "until"}


class Malformed(Exception):
    """A file of accepted findings that cannot be taken; its text is the one line that is printed."""


@dataclass
class Accepted:
    id: str  # a pattern
    reason: str
    entrypoint: str = "*"
    until: date | None = None
    in_use: bool = False

    def covers(self, result: Result) -> bool:
        return fnmatchcase(result.check.id, self.id) and fnmatchcase(result.entrypoint, self.entrypoint)


def load(path: Path) -> list[Accepted]:
    """Read the `[[accept]]` tables of a TOML file. Raise Malformed."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Malformed(f"--accept {path}: {reason}; it takes {EXAMPLE}") from None
    entries = document.get("accept", [])
    if not isinstance(entries, list):
        raise Malformed(f"--accept {path}: accept is not a list of tables; it takes {EXAMPLE}")
    return [_entry(path, number, entry) for number, entry in enumerate(entries, 1)]


def _entry(path: Path, number: int, entry: object) -> Accepted:
    where = f"--accept {path}: entry {number}"
    if not isinstance(entry, dict):
        raise Malformed(f"{where} is not a table; it takes {EXAMPLE}")
    if unknown := entry.keys() - KEYS:
        raise Malformed(f"{where}: unknown key {sorted(unknown)[0]}; it takes {EXAMPLE}")
    for key in ("id", "reason"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise Malformed(f"{where}: {key} is missing; it takes {EXAMPLE}")
    until = entry.get("until")
    if until is not None and (not isinstance(until, date) or hasattr(until, "hour")):
        raise Malformed(f"{where}: until = {until!r} is not a date; for example until = 2027-01-31")
    if not isinstance(entry.get("entrypoint", "*"), str):
        raise Malformed(f"{where}: entrypoint is one of http, https, direct, all")
    return Accepted(entry["id"], entry["reason"], entry.get("entrypoint", "*"), until)


def apply(accepted: list[Accepted], results: list[Result], today: date) -> list[str]:
    """Mark the failed results that are accepted; return what is to be said of the entries: those that no
    longer fail, those whose date has passed."""
    notes = []
    for entry in accepted:
        late = entry.until is not None and today > entry.until
        for result in results:
            if result.status in ("failed", "accepted") and entry.covers(result):
                entry.in_use = True
                if not late:
                    result.status, result.reason = "accepted", entry.reason
        place = f"{entry.id} ({entry.reason})"
        if late and entry.in_use:
            notes.append(f"no longer accepted since {entry.until}: {place}")
        elif not entry.in_use:
            notes.append(f"accepted, and does not fail: {place}; its entry can go")
    return notes
