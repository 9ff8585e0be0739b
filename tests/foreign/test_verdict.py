"""What is read of a report, and when an answer is the right one."""

import json
from dataclasses import replace

import pytest

from .entry import load_all
from .verdict import Verdict, read

WRONG = next(entry for entry in load_all() if entry.name == "nginx/scheme-lost")
RIGHT = next(entry for entry in load_all() if entry.name == "correct/nginx")
UNSEEN = replace(next(entry for entry in load_all() if not entry.visible), not_tested=("client address",))
CAUSE = "nginx sends no X-Forwarded-Proto: add proxy_set_header"


def report(tmp_path, *checks: dict, **more: object):
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"checks": checks, **more}))
    return path


def check(id: str, status: str, **more: str) -> dict:
    return {"id": id, "entrypoint": "https", "status": status, **more}


def test_a_report_without_levels_shows_all_that_is_red_and_its_diagnosis_is_printed(tmp_path):
    path = report(
        tmp_path, check("redirect.arrives", "failed"), check("host.one", "error"), check("a.b", "passed")
    )
    result = read(path, f"1 failed\ndiagnosis: {CAUSE}\n")
    assert result.red == ["redirect.arrives@https", "host.one@https"]
    assert result.diagnosis == [CAUSE]


def test_what_is_hardening_is_not_shown_and_an_accepted_finding_is_not_red(tmp_path):
    path = report(
        tmp_path,
        check("headers.security", "failed", level="hardening"),
        check("trust.spoof", "failed", level="exposed"),
        check("redirect.arrives", "accepted", level="broken"),
        schema=2,
        diagnosis=[{"cause": "nginx trusts its clients", "fix": "write $scheme", "explains": []}],
        not_tested=[{"topic": "client address", "reason": "no probe", "how": "--path"}],
    )
    result = read(path, "")
    assert result.red == ["trust.spoof@https"]
    assert result.diagnosis == ["nginx trusts its clients: write $scheme"]
    assert result.not_tested == ["client address"]


@pytest.mark.parametrize(
    ("verdict", "good"),
    [
        (Verdict(WRONG, red=("redirect.arrives@https",), diagnosis=(CAUSE,)), True),
        (Verdict(WRONG, red=("redirect.arrives@https",), diagnosis=("another cause", CAUSE)), False),
        (Verdict(WRONG, red=("host.foreign@https",), diagnosis=(CAUSE,)), False),
        (Verdict(WRONG), False),
        (Verdict(RIGHT), True),
        (Verdict(RIGHT, red=("host.foreign@https",)), False),
        (Verdict(RIGHT, problem="it did not start"), False),
        (Verdict(UNSEEN, not_tested=("client address",)), True),
        (Verdict(UNSEEN), False),
    ],
)
def test_the_right_answer_is_the_fault_and_its_cause_first_or_green_or_what_was_not_tested(verdict, good):
    assert verdict.good == good


def test_what_a_run_sent_is_read(tmp_path):
    result = read(report(tmp_path), "sent: 410 requests, at most 40 to one path (/shop/ at https)\n")
    assert (result.requests, result.most) == (410, 40)
