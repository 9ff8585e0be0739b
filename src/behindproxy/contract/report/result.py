"""What came of one check on one entrypoint."""

from dataclasses import dataclass
from typing import Literal

from ..engine.check import Check, Level, Place
from ..engine.shown import visible

Status = Literal["passed", "failed", "error", "skipped", "accepted"]
UNFORESEEN = "The check itself is broken, or met a response that it did not foresee."


@dataclass
class Result:
    check: Check
    entrypoint: Place
    status: Status = "error"
    expected: str = ""
    observed: str = "not tested"
    request: str = ""
    response: str = ""
    screenshot: str = ""
    seconds: float = 0.0
    subject: str = ""
    fix: str = ""
    source: str = ""
    level: Level = "broken"
    reason: str = ""  # why a red one is accepted

    def __post_init__(self) -> None:
        self.fix, self.level, self.source = self.check.fix, self.check.level, self.check.source

    def show(self) -> None:
        """Take the control characters out of what the other side said."""
        self.expected, self.observed = visible(self.expected), visible(self.observed)
        self.request, self.response = visible(self.request), visible(self.response)
        self.subject, self.fix = visible(self.subject), visible(self.fix)

    @property
    def place(self) -> str:
        return f"{self.check.id}@{self.entrypoint}"

    @property
    def red(self) -> bool:
        return self.status in ("failed", "error")
