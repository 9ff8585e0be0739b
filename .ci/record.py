"""A pytest plugin: notes what was collected, what became of it and how long each took, in $GATE_RECORD."""

import json
import os
from collections import Counter
from pathlib import Path

import pytest

# Taken out, so that a pytest that a test starts does not write into the same file.
FILE = Path(os.environ.pop("GATE_RECORD"))
os.environ.pop("PYTEST_ADDOPTS", None)
collected: list[str] = []
outcomes: dict[str, list[str]] = {}
seconds: Counter[str] = Counter()  # with what its fixtures take


def pytest_collection_finish(session: pytest.Session) -> None:
    collected.extend(item.nodeid for item in session.items)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    seconds[report.nodeid] += report.duration
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
    if report.when == "call" or report.outcome != "passed":
        outcomes[report.nodeid] = [report.outcome, reason]


def pytest_sessionfinish() -> None:
    FILE.write_text(json.dumps({"collected": collected, "outcomes": outcomes, "seconds": seconds}))
