"""The lines of a run, and the files made of them: build/published/rows.json, and docs/applications.md."""

import json

from behindproxy.stack.paths import BUILD, ROOT
from behindproxy.stack.render import write
from tests.tables import row as line_of

from .application import Application, load_all
from .run import Answer, Row
from .truth import PAGES

DOCUMENT = ROOT / "docs" / "applications.md"
RECORD = BUILD / "published" / "rows.json"
RED = ROOT / "tests" / "published" / "red.json"
HEAD = """# Published applications behind a prefix

What {count} applications and libraries that are published on PyPI or npm need behind a prefix that Traefik
strips, and whether `behindproxy verify` is right about each. Each is a row of
[tests/published](../tests/published): a few lines in the way of its documentation, served as that tells
(mostly uvicorn with `--root-path /shop --proxy-headers`), run for real as it is and, where that breaks, with
its line for a prefix.
{still}
*Breaks* is what a real Chromium meets: requests to this host that fail, WebSockets that do not open, and
script errors, on the first page and up to {pages} pages that it links to, with the prefix, less those of
the same application without a prefix. *verify* is told the public addresses alone, and sends safe requests
only. Its verdict is *true* where nothing breaks and no check of level broken or exposed is red, or something
breaks and a red check names it.

**{true} of {count} verdicts are true**, each in both deployments where there are two.

`PYTHONPATH=src build/venv/bin/python -m tests.published` runs them, and `--document` writes this page of what
the last runs said; `make applications` does both.

"""
COLUMNS = ("application", "version", "as it is", "its line", "`verify`", "with the line", "true")
MAX_SHOWN = 2


def show(row: Row) -> str:
    parts = [f"{' ' if row.is_true else '!'} {row.application.name:<18}"]
    if row.problem:
        parts.append(f"COULD NOT RUN: {row.problem}")
    if row.without:
        parts.append(f"\n    without a prefix too: {'; '.join(row.without)}")
    for name, answer in (("as it is", row.as_it_is), ("with line", row.with_line)):
        if answer:
            parts.append(f"\n    {name}: {words(answer)}  {answer.seconds:.0f} s")
    return " ".join(parts)


def words(answer: Answer) -> str:
    state = "works" if answer.works else f"breaks ({'; '.join(answer.broken)})"
    red = f"red {', '.join(answer.red)}" if answer.red else "green"
    problem = f" {answer.problem}" if answer.problem else ""
    return f"{state}; {red}; {'true' if answer.is_true else 'FALSE'}{problem}"


def keep(row: Row) -> None:
    """Keep the answer beside those of earlier runs."""
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    rows = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    rows[row.application.name] = row.as_json()
    RECORD.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


def document() -> None:
    """Write the page of what the last runs said. Raises ValueError where a row was not run."""
    rows = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    applications = load_all()
    if missing := [one.name for one in applications if one.name not in rows]:
        raise ValueError(f"not run: {', '.join(missing)}")
    true = sum(rows[one.name]["true"] for one in applications)
    titles = [one.title for one in applications if (rows[one.name]["with_line"] or {}).get("broken")]
    still = f"\nWith its line too, something breaks in: {'; '.join(titles)}.\n" if titles else ""
    head = HEAD.format(count=len(applications), true=true, pages=PAGES, still=still)
    lines = [line_of(*COLUMNS), "|---" * len(COLUMNS) + "|"]
    lines += [line_of(*cells(one, rows[one.name])) for one in applications]
    write(DOCUMENT, head + "\n".join(lines) + "\n")
    red = {
        f"published/{one.name}": sorted(answer["red"])
        for one in applications
        if (answer := rows[one.name]["as_it_is"]) and answer["broken"]
    }
    write(RED, json.dumps(red, indent=1) + "\n")


def cells(application: Application, row: dict) -> list[str]:
    as_it_is, with_line = row["as_it_is"], row["with_line"] if application.line else None
    line = f"`{application.line.says}`" if application.line and "=" in application.line.says else ""
    line = line or (application.line.says if application.line else application.says)
    return [
        f"[{application.title}]({application.source})",
        f"{application.package} {application.version}",
        state(as_it_is),
        line if with_line else "nothing",
        said(as_it_is),
        f"{state(with_line)}; {said(with_line)}" if with_line else "",
        "yes" if row["true"] else "**no**",
    ]


def state(answer: dict | None) -> str:
    if not answer:
        return "could not run"
    texts = [f"`{one}`" for one in answer["broken"][:MAX_SHOWN]]
    more = f" and {len(answer['broken']) - MAX_SHOWN} more" if len(answer["broken"]) > MAX_SHOWN else ""
    return f"breaks: {', '.join(texts)}{more}" if texts else "works"


def said(answer: dict | None) -> str:
    if not answer or answer["problem"]:
        return "could not run"
    return ", ".join(f"`{one}`" for one in answer["red"]) or "nothing broken or exposed"
