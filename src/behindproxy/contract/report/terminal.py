"""What a run shows: progress, the verdict, what was not tested, the causes, the failures, and one line of
numbers. The reports have the same order."""

import json
import subprocess
import sys
import textwrap
from dataclasses import asdict
from itertools import islice, takewhile

import pytest
from rich.console import Console
from rich.text import Text

from ..engine import check
from ..engine.check import LEVELS
from ..engine.shown import one_line, visible
from . import reports, verdict
from .recorder import Recorder
from .result import Result, Status

WIDTH = 100
SHOWN_WHOLE = 10  # failures; of the others the terminal has the names
REASONS = 8  # why checks were skipped
LOG_LINES = 40
LOG_CHARACTERS = 400
MARKS: dict[Status, str] = {"passed": "✓", "failed": "✗", "error": "E", "skipped": "–", "accepted": "a"}
ASCII_MARKS: dict[Status, str] = {"passed": "+", "failed": "x", "error": "E", "skipped": "-", "accepted": "a"}
COUNT_NAMES: dict[Status, str] = {
    "passed": "passed",
    "failed": "failed",
    "error": "errors",
    "accepted": "accepted",
    "skipped": "skipped",
}
STYLES: dict[Status, str] = {
    "passed": "green",
    "failed": "bold red",
    "error": "bold red",
    "skipped": "dim",
    "accepted": "yellow",
}


def print_checks(items: list[pytest.Item]) -> None:
    """Each check once, as JSON: the list of claims in the documentation is made of it."""
    checks = {check.of(item).id: check.of(item) for item in items}
    print(json.dumps([asdict(one) for one in checks.values()], indent=2, ensure_ascii=False))


class Reporter:
    def __init__(self, config: pytest.Config, run: Recorder):
        self.run, self.logs_command = run, config.option.logs_command
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="replace")
        encoding = getattr(sys.stdout, "encoding", None) or "ascii"
        self.marks = MARKS if encodes("".join(MARKS.values()), encoding) else ASCII_MARKS
        self.console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False, soft_wrap=True)
        self.quiet = config.option.list_checks
        self.verbose, self.fail_on = config.option.verbose_checks, config.option.fail_on
        self.group, self.column = "", 0

    def show(self, text: str | Text = "", style: str = "", end: str = "\n") -> None:
        self.console.print(text, style=style, end=end)
        self.console.file.flush()

    def pytest_runtestloop(self) -> None:
        """Say what was found before anything is checked."""
        target = self.run.target
        if target is None or self.quiet:
            return
        if not target.demo:
            proxy, server = target.proxy or "not recognized", target.server or "not recognized"
            way = "leaves" if target.inventory.in_code or not target.strip else "strips"
            self.show(f"proxy {proxy} ({way} {target.prefix or 'no prefix'}), server {server}")
            for line in target.inventory.summary():
                self.show(f"found: {one_line(line)}")
            self.show()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        group = self.run.results[nodeid].check.group
        if group != self.group:
            after = list(self.run.results).index(nodeid)
            following = [one.check.group for one in islice(self.run.results.values(), after, None)]
            width = len(group) + 1 + len(list(takewhile(lambda one: one == group, following)))
            self.column += 2 + width
            if not self.group or self.column > WIDTH:
                space, self.column = "\n" if self.group else "", width
            else:
                space = "  "
            self.show(f"{space}{group} ", end="")
            self.group = group

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        status = self.run.results[nodeid].status
        self.show(self.marks[status], STYLES[status], end="")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.show(str(report.longrepr))

    def pytest_internalerror(self, excrepr: object) -> None:
        self.show(str(excrepr))

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        reason = str(excinfo.value) if excinfo.errisinstance(pytest.exit.Exception) else "interrupted"
        self.show(f"{chr(10) if self.group else ''}{reason}")

    def pytest_sessionfinish(self) -> None:
        if self.quiet:
            return
        if not self.group:
            if not self.run.results:
                self.show("no check matches")
            return
        self.show("\n")
        self.verdict()
        self.diagnosis()
        self.matrix()
        self.reasons()
        if self.run.red:
            self.failures()
            self.logs()

    def pytest_unconfigure(self) -> None:
        # Last of all, after the report files: scripts read the final line.
        if self.quiet or not self.group:
            return
        for note in self.run.notes:
            self.show(f"note: {note}")
        if self.run.target is not None and (requests := self.run.target.request_counts):
            (place, path), most = requests.most_common(1)[0]
            busiest = one_line(f"{path} on {place}")
            self.show(f"sent: {requests.total()} requests, at most {most} to one path ({busiest})", "dim")
        files = [
            reports.FILES[form] for form in reports.FORMATS if form in self.run.formats and form != "text"
        ]
        if files:
            self.show(f"reports: {self.run.report_dir}/{', '.join(files)}")
        counts = self.run.counts
        line = ", ".join(f"{counts[status]} {name}" for status, name in COUNT_NAMES.items())
        if missing := self.run.not_tested:
            line += f"; not tested: {', '.join(one.topic for one in missing)}"
        self.show(line, "bold red" if counts["failed"] + counts["error"] else "bold green")

    def verdict(self) -> None:
        """Answer what a reader asks first."""
        for one in verdict.verdict(self.run.results.values()):
            style = {True: "green", False: "bold red", None: "yellow"}[one.good]
            self.show(Text(f"{one.question:<24}").append(str(one), style))
        for missing in self.run.not_tested:
            self.show(one_line(f"not tested: {missing.topic} ({missing.reason}); {missing.how}"), "dim")
        self.show()

    def diagnosis(self) -> None:
        result = self.run.diagnosis
        for one in result.causes:
            self.show(one_line(f"diagnosis: {one}"), "bold")
            self.show(
                f"           explains {len(one.explains)} of {len(self.run.red)} red: {some(one.explains)}"
            )
        if result.unexplained:
            self.show(f"not explained ({len(result.unexplained)}): {some(result.unexplained)}")
        if result.causes or result.unexplained:
            self.show()

    def matrix(self) -> None:
        """Show each check that is red on an entrypoint; with -v, every check."""
        results = self.run.results.values()
        entrypoints, table = reports.entrypoints_used(results), reports.matrix(results)
        rows = [
            (id, row)
            for group in table.values()
            for id, row in group.items()
            if self.verbose or any(one.red for one in row.values())
        ]
        if not rows:
            return
        ids = max(len(id) for id, _ in rows)
        widths = {entrypoint: len(entrypoint) + 2 for entrypoint in entrypoints}
        titles = WIDTH - ids - 2 - sum(widths.values())
        self.show(
            " " * (ids + 2 + titles)
            + "".join(f"{entrypoint:^{widths[entrypoint]}}" for entrypoint in entrypoints).rstrip(),
            "dim",
        )
        for id, row in rows:
            title = next(iter(row.values())).check.title
            line = Text(f"{id:<{ids}}  ").append(f"{clipped(title, titles - 1):<{titles}}", "dim")
            for entrypoint in entrypoints:
                if entrypoint in row:
                    status = row[entrypoint].status
                    line.append(f"{self.marks[status]:^{widths[entrypoint]}}", STYLES[status])
                else:
                    line.append(" " * widths[entrypoint])
            line.rstrip()
            self.show(line)
            subjects = {one.subject for one in row.values() if one.subject}
            if self.verbose and subjects:
                self.show(one_line(f"{'':<{ids}}  on {', '.join(sorted(subjects))}"), "dim")
        self.show()

    def reasons(self) -> None:
        """Say why checks were skipped, what most of them have in common first."""
        why: dict[str, list[str]] = {}
        for result in self.run.results.values():
            if result.status == "skipped":
                why.setdefault(result.observed, []).append(result.place)
        reasons = sorted(why.items(), key=lambda one: -len(one[1]))
        rows = reasons if self.verbose else reasons[:REASONS]
        for reason, skipped in rows:
            which = ", ".join(skipped) if len(skipped) <= 3 else f"{len(skipped)} checks"
            self.show(one_line(f"{self.marks['skipped']} {reason}: {which}"), "dim")
        if rest := reasons[len(rows) :]:
            checks = sum(len(skipped) for _, skipped in rest)
            self.show(f"{self.marks['skipped']} {checks} more for {len(rest)} other reasons (-v)", "dim")
        if why:
            self.show()

    def failures(self) -> None:
        """One text per cause: forty checks that met the same refused connection are one."""
        by_cause: dict[str, list[Result]] = {}
        for result in self.run.red:
            cause = result.observed if result.status == "error" else result.place
            by_cause.setdefault(cause, []).append(result)
        groups = sorted(by_cause.values(), key=lambda alike: LEVELS.index(alike[0].level))
        counts = LEVELS[: LEVELS.index(self.fail_on) + 1]
        counted_groups = [alike for alike in groups if alike[0].level in counts or alike[0].status == "error"]
        whole = groups if self.verbose else counted_groups[:SHOWN_WHOLE]
        rest = [alike for alike in groups if alike not in whole]
        for alike in whole:
            self.show("-" * WIDTH, "dim")
            headline, _, text = reports.failure_text(alike[0]).partition("\n")
            self.show(f"{self.marks[alike[0].status]} {headline}", "bold")
            self.show(text)
            if len(alike) > 1:
                others = ", ".join(one.place for one in alike[1:6])
                self.show(f"the same on {len(alike) - 1} more: {others}{', …' if len(alike) > 6 else ''}")
        self.show("-" * WIDTH, "dim")
        if rest:
            places = ", ".join(one.place for alike in rest for one in alike)
            uncounted = len(rest) - (len(counted_groups) - len(whole))
            below = f" ({uncounted} below --fail-on {self.fail_on})" if uncounted > 0 else ""
            self.show(f"and {len(rest)} more{below}, each in {self.run.report_dir}/report.html (or -v):")
            self.show(textwrap.fill(places, WIDTH, break_on_hyphens=False, break_long_words=False))
            self.show("-" * WIDTH, "dim")

    def logs(self) -> None:
        if not self.logs_command:
            return
        try:
            process = subprocess.run(
                self.logs_command, capture_output=True, text=True, errors="replace", timeout=30, check=False
            )
            lines = (process.stdout + process.stderr).splitlines()[-LOG_LINES:]
            self.run.logs = "\n".join(clipped(visible(line), LOG_CHARACTERS) for line in lines)
        except (OSError, subprocess.TimeoutExpired) as error:
            self.run.logs = f"no logs: {error}"
        self.show("the last log lines", "bold")
        self.show(self.run.logs)
        self.show("-" * WIDTH, "dim")


def some(places: list[str]) -> str:
    return ", ".join(places[:3]) + (", …" if len(places) > 3 else "")


def encodes(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def clipped(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 3, 0)] + "..."
