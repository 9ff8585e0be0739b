"""The files of a run: report.json for programs, .html for people, .md for a CI job summary."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import jinja2

from .check import ENTRYPOINTS, Kind, Place
from .result import Result, Status
from .target import Addresses

if TYPE_CHECKING:
    from .recorder import Recorder

TEMPLATES = Path(__file__).parent / "templates"
NAMES = ("report.json", "report.html", "report.md", "report.xml")
Table = dict[str, dict[str, dict[Place, Result]]]


class TargetFacts(Addresses):
    runtime: str
    server: str
    versions: dict[str, str]


class Line(TypedDict):
    id: str
    title: str
    entrypoint: Place
    kind: Kind
    status: Status
    expected: str
    observed: str
    hint: str
    source: str


class Report(TypedDict):
    target: TargetFacts
    checks: list[Line]
    summary: dict[Status, int]


def failure_text(result: Result) -> str:
    """One failure as plain text: the terminal and the JUnit file show the same."""
    parts = [f"{result.check.id} at {result.entrypoint}: {result.check.title}"]
    if result.expected:
        parts.append(f"expected  {result.expected}")
    parts.append(f"observed  {result.observed}")
    if result.request:
        parts.append("request\n" + result.request.rstrip())
    if result.response:
        parts.append("response\n" + result.response.rstrip())
    parts.append(f"fix       {result.hint}")
    parts.append(f"source    {result.check.source}")
    return "\n".join(parts)


def fence(result: Result) -> str:
    """Return a line of backticks that is longer than any in the text that it encloses."""
    runs = re.findall("`+", f"{result.expected} {result.observed}")
    return "`" * max([3, *(len(run) + 1 for run in runs)])


def target_of(run: "Recorder") -> TargetFacts:
    target = run.target
    if target is None:
        return {**run.addresses, "runtime": "", "server": "", "versions": {}}
    return {
        "http_url": target.http_url,
        "https_url": target.https_url,
        "direct_url": target.direct_url,
        "runtime": target.runtime,
        "server": target.server,
        "versions": target.versions,
    }


def as_json(run: "Recorder") -> Report:
    counts = run.counts
    statuses: tuple[Status, ...] = ("passed", "failed", "error", "skipped")
    return {
        "target": target_of(run),
        "checks": [
            {
                "id": result.check.id,
                "title": result.check.title,
                "entrypoint": result.entrypoint,
                "kind": result.check.kind,
                "status": result.status,
                "expected": result.expected,
                "observed": result.observed,
                "hint": result.hint,
                "source": result.check.source,
            }
            for result in run.results.values()
        ],
        "summary": {status: counts[status] for status in statuses},
    }


def matrix(results: Iterable[Result]) -> Table:
    """group -> check id -> entrypoint -> result, in the order in which the checks are written."""
    table: Table = {}
    for result in results:
        table.setdefault(result.check.group, {}).setdefault(result.check.id, {})[result.entrypoint] = result
    return table


def entrypoints_used(results: Iterable[Result]) -> list[Place]:
    used = {result.entrypoint for result in results}
    return [entrypoint for entrypoint in ENTRYPOINTS if entrypoint in used]


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
        "table": matrix(run.results.values()),
        "entrypoints": entrypoints_used(run.results.values()),
        "red": run.red,
        "diagnosis": run.diagnosis,
        "results": list(run.results.values()),
        "logs": run.logs,
        "fence": fence,
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "marks": {"passed": "✓", "failed": "✗", "error": "E", "skipped": "–"},
    }
    content = {"report.json": json.dumps(as_json(run), indent=2, ensure_ascii=False) + "\n"}
    for name in ("report.html", "report.md"):
        content[name] = environment.get_template(f"{name}.j2").render(facts)
    for name, written in content.items():
        (run.report_dir / name).write_text(written, encoding="utf-8")
