"""The files of a run: report.json for programs, .html for people, .md for a CI job summary."""

import json
from datetime import UTC, datetime
from pathlib import Path

import jinja2

from .check import DOORS

TEMPLATES = Path(__file__).parent / "templates"


def failure_text(result) -> str:
    """One failure as plain text: the terminal and the JUnit file show the same."""
    parts = [f"{result.check.id} at {result.door}: {result.check.title}"]
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


def target_of(run) -> dict:
    target = run.target
    known = (
        {}
        if target is None
        else {name: getattr(target, name) for name in ("proxy_url", "tls_url", "direct_url")}
    )
    return {
        **(known or run.address),
        "runtime": target.runtime if target else "",
        "server": target.server if target else "",
        "versions": target.versions if target else {},
    }


def as_json(run) -> dict:
    counts = run.counts
    return {
        "target": target_of(run),
        "checks": [
            {
                "id": result.check.id,
                "title": result.check.title,
                "door": result.door,
                "kind": result.check.kind,
                "status": result.status,
                "expected": result.expected,
                "observed": result.observed,
                "hint": result.hint,
                "source": result.check.source,
            }
            for result in run.results.values()
        ],
        "summary": {status: counts[status] for status in ("passed", "failed", "error", "skipped")},
    }


def matrix(results) -> dict[str, dict[str, dict]]:
    """group -> check id -> door -> result, in the order in which the checks are written."""
    table: dict[str, dict[str, dict]] = {}
    for result in results:
        table.setdefault(result.check.group, {}).setdefault(result.check.id, {})[result.door] = result
    return table


def doors_used(results) -> list[str]:
    used = {result.door for result in results}
    return [door for door in DOORS if door in used]


def write(run) -> None:
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
        "doors": doors_used(run.results.values()),
        "red": run.red,
        "diagnosis": run.diagnosis,
        "results": list(run.results.values()),
        "logs": run.logs,
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "marks": {"passed": "✓", "failed": "✗", "error": "E", "skipped": "–"},
    }
    content = {"report.json": json.dumps(as_json(run), indent=2, ensure_ascii=False) + "\n"}
    for name in ("report.html", "report.md"):
        content[name] = environment.get_template(f"{name}.j2").render(facts)
    for name, written in content.items():
        (run.report_dir / name).write_text(written, encoding="utf-8")
