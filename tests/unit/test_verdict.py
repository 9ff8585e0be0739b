"""What a run says first, on the terminal and in its reports."""

import io
import re
from types import SimpleNamespace

import pytest
from rich.console import Console

from behindproxy.contract.engine.check import Check
from behindproxy.contract.report import terminal
from behindproxy.contract.report.accepted import Accepted
from behindproxy.contract.report.recorder import Recorder
from behindproxy.contract.report.result import Result
from behindproxy.contract.report.verdict import verdict


def result(id: str, level: str, status: str, entrypoint: str = "http") -> Result:
    check = Check(
        id, f"Title of {id}", ("http", "https"), level, "RFC 9110", f"Statement of {id}.", "Fix it."
    )
    return Result(check, entrypoint, status=status, observed=f"observed {id}")


WELL = [
    result("app.answers", "broken", "passed"),
    result("links.host", "broken", "skipped"),
    result("host.foreign", "exposed", "passed"),
    result("headers.security", "hardening", "passed"),
]


def test_an_application_that_was_not_seen_is_not_said_to_work():
    unseen = [result("app.answers", "broken", "skipped"), result("tls.certificate", "broken", "passed")]
    assert str(verdict(unseen)[0]) == "not known: no path of it answered"
    assert str(verdict([*unseen, result("links.host", "broken", "failed")])[0]).startswith("no (1 of 2")
    assert str(verdict(unseen[1:])[0]) == "yes (1 passed)"  # --only


@pytest.mark.parametrize(
    ("more", "answers"),
    [
        ([], ["yes (1 passed)", "nothing found (1 passed)", "yes (1 passed)"]),
        (
            [result("links.host", "broken", "failed", "https"), result("links.port", "broken", "error")],
            [
                "no (1 of 2 failed, and 1 could not be checked): links.host@https",
                "nothing found (1 passed)",
                "yes (1 passed)",
            ],
        ),
        (
            [result("trust.trailers", "exposed", "failed"), result("tls.floor", "hardening", "error")],
            [
                "yes (1 passed)",
                "yes (1 of 2 failed): trust.trailers@http",
                "not known (1 could not be checked): tls.floor@http",
            ],
        ),
        (
            [result("trust.trailers", "exposed", "accepted")],
            ["yes (1 passed)", "nothing found (1 passed, 1 accepted)", "yes (1 passed)"],
        ),
    ],
)
def test_each_question_has_its_answer(more, answers):
    assert [str(one) for one in verdict([*WELL, *more])] == answers


def test_what_was_not_checked_is_no_good_news():
    unchecked = verdict([result("app.answers", "broken", "skipped")])
    assert [(str(one), one.good) for one in unchecked] == [("not checked", None)] * 3


def test_of_many_failures_the_first_are_named():
    broken = verdict([result(f"links.l{number}", "broken", "failed") for number in range(6)])[0]
    assert str(broken).endswith("links.l0@http, links.l1@http, links.l2@http, links.l3@http and 2 more")


def shown(tmp_path, results: list[Result], verbose: bool = False, accepted: tuple[Accepted, ...] = ()) -> str:
    """Return what the terminal has when a run with these results ends."""
    run = Recorder(tmp_path)
    run.results = {str(number): one for number, one in enumerate(results)}
    run.formats, run.accepted = ["html", "md"], list(accepted)
    option = SimpleNamespace(
        logs_command=[], list_checks=False, verbose_checks=verbose, fail_on="exposed", report_dir=tmp_path
    )
    reporter, output = terminal.Reporter(SimpleNamespace(option=option), run), io.StringIO()
    reporter.console = Console(file=output, highlight=False, markup=False, soft_wrap=True)
    for nodeid in run.results:
        reporter.pytest_runtest_logstart(nodeid)
        reporter.pytest_runtest_logfinish(nodeid)
    ending = run.pytest_sessionfinish()
    next(ending)
    reporter.pytest_sessionfinish()
    next(ending, None)
    reporter.pytest_unconfigure()
    return output.getvalue()


def order(text: str, *words: str) -> None:
    places = [text.find(word) for word in words]
    assert -1 not in places, (places, text)
    assert places == sorted(places), text


def test_a_green_run_has_no_matrix_without_v(tmp_path):
    text = shown(tmp_path, WELL)
    assert "Title of" not in text and len(text.splitlines()) < 24, text
    order(text, "app ✓", "Does it work for users? yes", "Can an attacker use it?", "3 passed, 0 failed")
    assert "Title of app.answers" in shown(tmp_path, WELL, verbose=True)


def test_a_red_run_says_first_what_it_means(tmp_path):
    text = shown(tmp_path, [*WELL, result("links.port", "broken", "failed")])
    order(text, "users? no (1 of 2", "attacker", "Title of", "observed", "3 passed")
    assert "Title of app.answers" not in text
    page = (tmp_path / "report.html").read_text()
    order(
        page,
        "users?",
        "attacker",
        "What was not tested?",
        "Causes",
        "The matrix",
        "What failed",
        "Every other",
    )
    order((tmp_path / "report.md").read_text(), "users?", "attacker", "links.port on http", "All checks")


def test_what_is_accepted_is_not_shown_as_a_failure(tmp_path):
    entry = Accepted("trust.*", "one site")
    text = shown(tmp_path, [*WELL, result("trust.trailers", "exposed", "failed")], accepted=(entry,))
    assert "✗ trust.trailers" not in text and "1 accepted" in text.splitlines()[-1], text


def test_the_report_has_a_filter_for_each_status_that_it_has(tmp_path):
    shown(tmp_path, [*WELL, result("links.port", "broken", "failed")])
    page = (tmp_path / "report.html").read_text()
    assert re.findall(r'id="show-(\w+)"', page) == ["all", "passed", "failed", "skipped"]
    assert "@media print" in page


def test_groups_share_a_line_and_none_is_wider_than_the_terminal(tmp_path):
    many = [result(f"g{number % 7}.c{number}", "broken", "passed") for number in range(300)]
    lines = shown(tmp_path, many).split("\n\n")[0].splitlines()
    assert len(lines) < 25 and max(map(len, lines)) <= terminal.WIDTH
    assert sum(line.count("✓") for line in lines) == 300
