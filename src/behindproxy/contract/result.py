"""What came of one check at one entrypoint."""

from dataclasses import dataclass
from typing import Literal

from .check import Check, Place
from .shown import visible

Status = Literal["passed", "failed", "error", "skipped"]


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
    hint: str = ""

    def __post_init__(self) -> None:
        self.hint = self.check.hint

    def show(self) -> None:
        """Take the control characters out of what the other side said."""
        self.expected, self.observed = visible(self.expected), visible(self.observed)
        self.request, self.response = visible(self.request), visible(self.response)

    @property
    def red(self) -> bool:
        return self.status in ("failed", "error")
