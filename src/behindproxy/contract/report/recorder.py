"""Turns what pytest saw into results: one per check and entrypoint, and the files made of them."""

import time
from collections import Counter
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from ..advice import diagnosis, reference
from ..advice.setting import Setting
from ..engine import check
from ..engine.check import LEVELS, Level
from ..engine.deadline import NO_ANSWER, OutOfTime
from ..engine.entrypoint import Entrypoint, RateLimited
from ..engine.expect import Expect, Unexpected
from ..engine.shown import visible
from ..engine.target import Addresses, Target
from . import accepted, reports, topics
from .accepted import Accepted
from .result import UNFORESEEN, Result, Status

EXPECT = pytest.StashKey[Expect]()
ENTRYPOINT = pytest.StashKey[Entrypoint]()
COULD_NOT_CHECK = (httpx.TransportError, OSError)
CERTIFICATE_FIX = (
    "No authority that is known here signed the certificate for this host: --ca names the file of yours; "
    "without it the system's count."
)
OUT_OF_TIME_FIX = (
    "Something answers slowly. --max-seconds 3600 gives the run more time, and --only some checks."
)
NO_ANSWER_FIX = "The entrypoint stopped answering: see whether proxy and server still run, and their logs."


class Recorder:
    def __init__(self, report_dir: Path):
        self.report_dir = report_dir
        self.results: dict[str, Result] = {}
        self.target: Target | None = None
        self.addresses: Addresses = {"http_url": "", "https_url": "", "direct_url": ""}
        self.logs = ""
        self.formats: list[str] = list(reports.FORMATS)
        self.notes: list[str] = []  # what is to be said of accepted findings
        self.accepted: list[Accepted] = []
        self.is_written = False
        self.selected = False  # some checks were chosen by --only
        self.start = time.monotonic()

    def plan(self, items: list[pytest.Item]) -> None:
        """Everything starts as not tested, so that an interrupted run cannot look green."""
        self.results = {item.nodeid: Result(check.of(item), check.entrypoint_of(item)) for item in items}

    @property
    def counts(self) -> Counter[Status]:
        return Counter(result.status for result in self.results.values())

    @property
    def red(self) -> list[Result]:
        return [result for result in self.results.values() if result.red]

    @property
    def diagnosis(self) -> diagnosis.Diagnosis:
        if self.target is None:
            return diagnosis.Diagnosis()
        return diagnosis.diagnose(self.results.values(), self.target.source, self.setting)

    @property
    def setting(self) -> Setting:
        """For which deployment a change is named."""
        target = self.target
        if target is None:
            return Setting()
        hosts = tuple(address.host for address in target.addresses.values())
        return Setting(target.proxy, target.server, target.ours, target.prefix, hosts, target.places)

    @property
    def not_tested(self) -> list[topics.NotTested]:
        whole = self.target is not None and not self.selected
        return topics.not_tested(self.results.values()) if whole else []

    def grave(self, level: Level) -> list[Result]:
        """Return the failed results of this level and of graver ones."""
        enough = LEVELS[: LEVELS.index(level) + 1]
        return [one for one in self.results.values() if one.status == "failed" and one.level in enough]

    def could_not_check(self, reason: str, addresses: Addresses) -> None:
        self.addresses = addresses
        for result in self.results.values():
            result.observed = visible(reason)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        result = self.results[item.nodeid]
        result.seconds += call.duration
        if (entrypoint := item.stash.get(ENTRYPOINT, None)) is not None:
            result.screenshot = entrypoint.screenshot  # taken when the page closes, in the teardown
            if call.when != "teardown":
                result.request, result.response = entrypoint.request_text, entrypoint.response_text
        raised = call.excinfo
        skipped = raised is not None and raised.errisinstance(pytest.skip.Exception)
        skipped = skipped or (raised is not None and raised.errisinstance(RateLimited))
        if raised is not None and skipped:
            result.status, result.observed = "skipped", str(raised.value)
            report.outcome, report.longrepr = "skipped", (str(item.path), 0, f"Skipped: {raised.value}")
        elif raised is not None:
            self._went_wrong(item, raised, result)
        elif call.when == "call":
            self._held(item, result)
        if (expect := item.stash.get(EXPECT, None)) is not None:
            result.subject = expect.subject
            if result.status == "failed":
                result.level = expect.level or result.level
                ours = reference.CHECKS.get(result.check.id, "")
                here = self.setting.ours and self.setting.places.has(ours)
                result.fix = expect.fix or (ours if here else "") or result.fix
        places = self.setting.places
        result.fix, result.source = places.named(result.fix), places.named(result.source)
        result.show()
        if raised is not None and not skipped:
            report.longrepr = reports.failure_text(result)
        return report

    def _held(self, item: pytest.Item, result: Result) -> None:
        result.status, result.expected = "passed", item.stash[EXPECT].summary
        result.observed = "as expected"

    def _went_wrong(
        self, item: pytest.Item, raised: pytest.ExceptionInfo[BaseException], result: Result
    ) -> None:
        error = raised.value
        entrypoint = item.stash.get(ENTRYPOINT, None)
        if isinstance(error, Unexpected):
            result.status, result.expected, result.observed = "failed", error.expected, error.observed
            if entrypoint is not None and error.cases:
                texts = entrypoint.case_texts.get(error.cases[0])
                result.request, result.response = texts or (result.request, result.response)
            return
        result.status, result.expected = "error", ""
        if isinstance(error, COULD_NOT_CHECK):
            result.observed = f"{NO_ANSWER}{type(error).__name__}: {error}"
            if "CERTIFICATE" in str(error):
                result.fix = reference.CHECKS["tls.certificate"] if self.setting.ours else CERTIFICATE_FIX
            else:
                result.fix = reference.NO_ANSWER if self.setting.ours else NO_ANSWER_FIX
        elif isinstance(error, OutOfTime):
            result.observed, result.fix = str(error), OUT_OF_TIME_FIX
        else:
            where = raised.traceback[-1]
            place = f"{Path(str(where.path)).name}:{where.lineno + 1}"
            result.observed = f"{type(error).__name__}: {error} ({place})"
            result.fix = UNFORESEEN

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self) -> Generator[None, None, None]:
        """Accept what is accepted before the terminal shows it; write the files after, with the logs that it
        collects."""
        first, self.is_written = bool(self.results) and not self.is_written, True
        if first:
            today = datetime.now(UTC).date()
            self.notes = accepted.apply(self.accepted, list(self.results.values()), today)
        yield
        if first:
            reports.write(self)
