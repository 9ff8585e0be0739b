"""What `verify` said of a deployment, beside what is right to say."""

import json
import re
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from .entry import Entry

LEVELS = ("broken", "exposed")  # what hardening lacks is no fault of others


@dataclass(frozen=True)
class Verdict:
    entry: Entry
    seconds: float = 0.0
    red: tuple[str, ...] = ()  # id@entrypoint
    diagnosis: tuple[str, ...] = ()
    not_tested: tuple[str, ...] = ()
    problem: str = ""  # why there is none
    requests: int = 0  # requests
    most: int = 0  # of those, to one path on one entrypoint

    @property
    def caught(self) -> bool:
        ids = [place.partition("@")[0] for place in self.red]
        return any(fnmatch(one, pattern) for one in ids for pattern in self.entry.red)

    @property
    def named(self) -> bool:
        first = self.diagnosis[0].lower() if self.diagnosis else ""
        return any(all(part in first for part in one.lower().split(" + ")) for one in self.entry.named)

    @property
    def counted(self) -> bool:
        """Whether all that the entry wants to see among what was not tested is there."""
        topics = " ".join(self.not_tested).lower()
        return all(one.lower() in topics for one in self.entry.not_tested)

    @property
    def good(self) -> bool:
        if self.problem:
            return False
        if self.entry.right:
            return not self.red and self.counted
        if not self.entry.visible:
            return self.counted
        return self.caught and self.named and self.counted

    @property
    def words(self) -> list[str]:
        if self.problem:
            return [f"COULD NOT RUN: {self.problem}"]
        if self.entry.right:
            words = [f"RED {', '.join(self.red)}" if self.red else "green"]
        elif not self.entry.visible:
            words = ["not visible"] + ([f"red {', '.join(self.red)}"] if self.red else [])
        else:
            others = f" (red: {', '.join(self.red[:4])})" if self.red else " (all green)"
            words = ["caught" if self.caught else f"NOT CAUGHT{others}"]
            if self.red:
                words.append("named" if self.named else "other cause")
        if not self.counted:
            words.append(f"NOT SAID to be not tested: {', '.join(self.entry.not_tested)}")
        if self.diagnosis and not self.good:
            words.append(f"{self.diagnosis[0][:150]}")
        return words

    def as_json(self) -> dict[str, Any]:
        entry = self.entry
        return {
            "name": entry.name,
            "title": entry.title,
            "source": entry.source,
            "right": entry.right,
            "visible": entry.visible,
            "reason": entry.reason,
            "caught": None if entry.right else self.caught,
            "named": None if entry.right else self.named,
            "good": self.good,
            "red": list(self.red),
            "diagnosis": list(self.diagnosis),
            "not_tested": list(self.not_tested),
            "problem": self.problem,
            "seconds": round(self.seconds, 1),
            "sent": self.requests,
            "most": self.most,
        }


@dataclass
class RunReport:
    """A report of either schema."""

    red: list[str] = field(default_factory=list)
    diagnosis: list[str] = field(default_factory=list)
    not_tested: list[str] = field(default_factory=list)
    requests: int = 0
    most: int = 0


def read(report: Path, output: str) -> RunReport:
    content = json.loads(report.read_text())
    red = [check for check in content["checks"] if check["status"] in ("failed", "error")]
    counted_checks = [check for check in red if check.get("level", "broken") in LEVELS]
    causes = content.get("diagnosis")
    if causes is None:  # before schema 2 it is printed only
        diagnosis = re.findall(r"^diagnosis: (.*)$", output, re.MULTILINE)
    else:
        diagnosis = [f"{cause['cause']}: {cause['fix']}" for cause in causes]
    match = re.search(r"^sent: (\d+) requests, at most (\d+) to one path", output, re.MULTILINE)
    return RunReport(
        [f"{check['id']}@{check['entrypoint']}" for check in counted_checks],
        diagnosis,
        [one["topic"] if isinstance(one, dict) else str(one) for one in content.get("not_tested", [])],
        *(map(int, match.groups()) if match else ()),
    )
