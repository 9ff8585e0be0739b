"""Findings that somebody accepts: read from a file, each with a reason, some until a date."""

from datetime import date
from types import SimpleNamespace

import pytest

from behindproxy.contract.report import accepted

TODAY = date(2026, 11, 27)


def failed(id: str, entrypoint: str = "http") -> SimpleNamespace:
    return SimpleNamespace(check=SimpleNamespace(id=id), entrypoint=entrypoint, status="failed", reason="")


def entries(tmp_path, text: str) -> list[accepted.Accepted]:
    path = tmp_path / "behindproxy.toml"
    path.write_text(text)
    return accepted.load(path)


def test_a_finding_is_accepted_with_its_reason(tmp_path):
    rows = entries(tmp_path, '[[accept]]\nid = "host.*"\nentrypoint = "http"\nreason = "one site"\n')
    results = [failed("host.foreign"), failed("host.foreign", "https"), failed("links.host")]
    assert accepted.apply(rows, results, TODAY) == []
    assert [one.status for one in results] == ["accepted", "failed", "failed"]
    assert results[0].reason == "one site"


def test_what_no_longer_fails_is_said(tmp_path):
    rows = entries(tmp_path, '[[accept]]\nid = "host.foreign"\nreason = "one site"\n')
    (note,) = accepted.apply(rows, [failed("links.host")], TODAY)
    assert note.startswith("accepted, and does not fail: host.foreign")


@pytest.mark.parametrize(("until", "status"), [("2026-11-27", "accepted"), ("2026-11-26", "failed")])
def test_an_acceptance_ends_after_its_date(tmp_path, until, status):
    rows = entries(tmp_path, f'[[accept]]\nid = "host.foreign"\nreason = "one site"\nuntil = {until}\n')
    result = failed("host.foreign")
    notes = accepted.apply(rows, [result], TODAY)
    assert result.status == status
    assert bool(notes) == (status == "failed")


def test_an_error_is_never_accepted(tmp_path):
    rows = entries(tmp_path, '[[accept]]\nid = "*"\nreason = "all of it"\n')
    result = failed("host.foreign")
    result.status = "error"
    accepted.apply(rows, [result], TODAY)
    assert result.status == "error"


MALFORMED = {
    "no table": ("accept = 1", "accept is not a list of tables"),
    "no toml": ("[[accept", "Expected"),
    "no reason": ('[[accept]]\nid = "host.foreign"', "reason is missing"),
    "an empty reason": ('[[accept]]\nid = "host.foreign"\nreason = " "', "reason is missing"),
    "no id": ('[[accept]]\nreason = "so"', "id is missing"),
    "another key": ('[[accept]]\nid = "a.b"\nreason = "so"\nwhen = 1', "unknown key when"),
    "no date": ('[[accept]]\nid = "a.b"\nreason = "so"\nuntil = "soon"', "until = 'soon' is not a date"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_file_is_one_line_that_says_what_works(tmp_path, name):
    text, words = MALFORMED[name]
    with pytest.raises(accepted.Malformed) as raised:
        entries(tmp_path, text)
    line = str(raised.value)
    assert words in line and "for example" in line.replace("it takes", "for example") and "\n" not in line
