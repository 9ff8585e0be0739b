"""The results as tables on the terminal, and as build/bench/bench.html with a picture for each question."""

from pathlib import Path

import jinja2
import pygal
from pygal.style import CleanStyle
from rich.table import Table

from .rounds import Question, Result

HEADINGS = ("", "requests/s", "±", "p50 ms", "p99 ms", "proxy µs", "app µs", "failed")
PAGE = """<!doctype html><meta charset="utf-8"><title>make bench</title>
<style>body{font:15px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse}td,th{padding:.2rem .8rem;text-align:right}td:first-child{text-align:left}
figure{margin:1rem 0}</style>
<h1>make bench</h1><p>{{ machine }}</p>
<p>Medians of {{ rounds }} rounds of {{ seconds }} s that take turns; ± is half the distance between the
slowest and the fastest. µs is processor time per request.</p>
{% for question, rows, picture in answers %}<h2>{{ question.title }}</h2>
<figure>{{ picture }}</figure>
<table><tr>{% for heading in headings %}<th>{{ heading }}</th>{% endfor %}</tr>
{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</table>{% endfor %}
{% for title, facts in once.items() %}<h2>{{ title }}</h2><table>
{% for name, value in facts.items() %}<tr><td>{{ name }}</td><td>{{ value }}</td></tr>{% endfor %}</table>
{% endfor %}"""


def row(result: Result) -> tuple[str, ...]:
    processor = (
        f"{result.per_request(part) * 1e6:.0f}" if part in result.processor[0] else ""
        for part in ("proxy", "app")
    )
    return (
        result.case.label,
        f"{result.per_second:.0f}",
        f"{result.spread:.0%}",
        f"{result.middle(lambda s: s.p50) * 1e3:.1f}",
        f"{result.middle(lambda s: s.p99) * 1e3:.1f}",
        *processor,
        str(result.failed or ""),
    )


def table(question: Question, results: list[Result]) -> Table:
    result_table = Table(title=question.title, title_justify="left", box=None, pad_edge=False)
    for heading in HEADINGS:
        result_table.add_column(heading, justify="right" if heading else "left")
    for result in results:
        result_table.add_row(*row(result))
    return result_table


def markdown(question: Question, results: list[Result]) -> str:
    """The same table for docs/performance.md."""
    lines = [HEADINGS, ("---", *["---:"] * (len(HEADINGS) - 1)), *map(row, results)]
    return "\n".join([f"### {question.title}", "", *(f"| {' | '.join(line)} |" for line in lines), ""])


def picture(question: Question, results: list[Result]) -> str:
    """What the question is about, as SVG that needs no script."""
    slow = question.unit == "p99 ms"
    figures = [result.middle(lambda s: s.p99) * 1e3 if slow else result.per_second for result in results]
    chart = pygal.HorizontalBar(
        style=CleanStyle,
        show_legend=False,
        print_values=True,
        js=[],
        width=900,
        height=60 + 36 * len(results),
        value_formatter=lambda value: f"{value:.1f} ms" if slow else f"{value:.0f}/s",
        explicit_size=True,
        disable_xml_declaration=True,
    )
    chart.x_labels = [result.case.label for result in reversed(results)]
    chart.add(question.unit, figures[::-1])
    return chart.render(is_unicode=True)


def write(
    path: Path,
    machine: str,
    rounds: int,
    seconds: float,
    answers: list[tuple[Question, list[Result]]],
    once: dict[str, dict[str, str]],
) -> None:
    environment = jinja2.Environment(autoescape=True)
    rows = [
        (
            question,
            [row(result) for result in results],
            jinja2.utils.markupsafe.Markup(picture(question, results)),
        )
        for question, results in answers
    ]
    page = environment.from_string(PAGE).render(
        machine=machine, rounds=rounds, seconds=seconds, answers=rows, headings=HEADINGS, once=once
    )
    path.write_text(page)
