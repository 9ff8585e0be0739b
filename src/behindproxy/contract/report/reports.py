"""The files of a run: report.json for programs, .html for people, .md for a CI job summary."""

import json
import re
import textwrap
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, get_args

import jinja2

from ..engine.check import ENTRYPOINTS, Level, Place
from ..engine.target import Addresses
from . import sarif, standards, verdict
from .result import Result, Status

if TYPE_CHECKING:
    from .recorder import Recorder

TEMPLATES = Path(__file__).parent / "templates"
STATUSES: tuple[Status, ...] = get_args(Status)
FORMATS = ("text", "json", "junit", "html", "md", "sarif")
FILES = {
    "json": "report.json",
    "junit": "report.xml",
    "html": "report.html",
    "md": "report.md",
    "sarif": "report.sarif",
}
NAMES = tuple(FILES.values())
Table = dict[str, dict[str, dict[Place, Result]]]


class TargetFacts(Addresses):
    runtime: str
    proxy: str
    server: str
    versions: dict[str, str]


class Line(TypedDict):
    id: str
    title: str
    entrypoint: Place
    level: Level
    status: Status
    subject: str
    expected: str
    observed: str
    fix: str
    source: str
    cwe: str
    asvs: str


class Diagnosis(TypedDict):
    cause: str
    fix: str
    explains: list[str]


class Missing(TypedDict):
    topic: str
    reason: str
    how: str


class Report(TypedDict):
    schema: int
    target: TargetFacts
    checks: list[Line]
    diagnosis: list[Diagnosis]
    unexplained: list[str]
    not_tested: list[Missing]
    summary: dict[Status, int]


def failure_text(result: Result) -> str:
    """One failure as plain text: the terminal and the JUnit file show the same."""
    parts = [f"{result.check.id} on {result.entrypoint} ({result.level}): {result.check.title}"]
    if result.subject:
        parts.append(f"subject   {beside(result.subject)}")
    if result.expected:
        parts.append(f"expected  {beside(result.expected)}")
    parts.append(f"observed  {beside(result.observed)}")
    if result.request:
        parts.append("request\n" + textwrap.indent(result.request.rstrip(), "  "))
    if result.response:
        parts.append("response\n" + textwrap.indent(result.response.rstrip(), "  "))
    parts.append(f"fix       {beside(result.fix)}")
    parts.append(f"source    {result.source}")
    return "\n".join(parts)


def beside(text: str) -> str:
    """Return a text whose further lines stand below its first: at the beginning of a line a CI system takes
    the other side's words for commands."""
    return text.replace("\n", "\n" + " " * 10)


def fence(result: Result) -> str:
    """Return a line of backticks that is longer than any in the text that it encloses."""
    runs = re.findall("`+", f"{result.expected} {result.observed}")
    return "`" * max([3, *(len(run) + 1 for run in runs)])


def target_of(run: "Recorder") -> TargetFacts:
    target = run.target
    if target is None:
        return {**run.addresses, "runtime": "", "proxy": "", "server": "", "versions": {}}
    return {
        "http_url": target.http_url,
        "https_url": target.https_url,
        "direct_url": target.direct_url,
        "runtime": target.runtime,
        "proxy": target.proxy,
        "server": target.server,
        "versions": target.versions,
    }


def as_json(run: "Recorder") -> Report:
    diagnosis = run.diagnosis
    return {
        "schema": 2,
        "target": target_of(run),
        "checks": [
            {
                "id": result.check.id,
                "title": result.check.title,
                "entrypoint": result.entrypoint,
                "level": result.level,
                "status": result.status,
                "subject": result.subject,
                "expected": result.expected,
                "observed": result.observed,
                "fix": result.fix,
                "source": result.source,
                "cwe": standards.CWE.get(result.check.id, ""),
                "asvs": standards.ASVS.get(result.check.id, ""),
            }
            for result in run.results.values()
        ],
        "diagnosis": [
            {"cause": one.cause, "fix": one.fix, "explains": one.explains} for one in diagnosis.causes
        ],
        "unexplained": diagnosis.unexplained,
        "not_tested": [{"topic": one.topic, "reason": one.reason, "how": one.how} for one in run.not_tested],
        "summary": {status: run.counts[status] for status in STATUSES},
    }


def matrix(results: Iterable[Result]) -> Table:
    """group -> check id -> entrypoint -> result, in the order in which the checks are written."""
    table: Table = {}
    for result in results:
        table.setdefault(result.check.group, {}).setdefault(result.check.id, {})[result.entrypoint] = result
    return table


def entrypoints_used(results: Iterable[Result]) -> list[Place]:
    places = {result.entrypoint for result in results}
    return [entrypoint for entrypoint in ENTRYPOINTS if entrypoint in places]


def write(run: "Recorder") -> None:
    run.report_dir.mkdir(parents=True, exist_ok=True)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=jinja2.select_autoescape(["html.j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    facts = {
        "target": target_of(run),
        "counts": run.counts,
        "statuses": STATUSES,
        "table": matrix(run.results.values()),
        "entrypoints": entrypoints_used(run.results.values()),
        "red": run.red,
        "verdict": verdict.verdict(run.results.values()),
        "diagnosis": run.diagnosis,
        "not_tested": run.not_tested,
        "notes": run.notes,
        "results": list(run.results.values()),
        "logs": run.logs,
        "fence": fence,
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "marks": {"passed": "✓", "failed": "✗", "error": "E", "skipped": "–", "accepted": "a"},
    }
    report = as_json(run)
    content = {
        "json": lambda: json.dumps(report, indent=2, ensure_ascii=False) + "\n",
        "html": lambda: environment.get_template("report.html.j2").render(facts),
        "md": lambda: environment.get_template("report.md.j2").render(facts),
        "sarif": lambda: json.dumps(sarif.of(report), indent=2, ensure_ascii=False) + "\n",
    }
    for form in content.keys() & set(run.formats):
        (run.report_dir / f"report.{form}").write_text(content[form](), encoding="utf-8")
