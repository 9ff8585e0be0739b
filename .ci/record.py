"""A pytest plugin: notes what was collected and what became of it, in the file $GATE_RECORD."""

import json
import os
from pathlib import Path

import pytest

# Taken out, so that a pytest that a test starts does not write into the same file.
FILE = Path(os.environ.pop("GATE_RECORD"))
os.environ.pop("PYTEST_ADDOPTS", None)
collected: list[str] = []
outcomes: dict[str, list[str]] = {}


def pytest_collection_finish(session: pytest.Session) -> None:
    collected.extend(item.nodeid for item in session.items)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
    if report.when == "call" or report.outcome != "passed":
        outcomes[report.nodeid] = [report.outcome, reason]


def pytest_sessionfinish() -> None:
    FILE.write_text(json.dumps({"collected": collected, "outcomes": outcomes}))
