"""The catalogue of doctor's findings, and what the code raises of it."""

import ast
import re
from collections import defaultdict
from itertools import product

import pytest

from behindproxy.doctor import checks, findings, url
from behindproxy.doctor.findings import CATALOGUE, ENTRIES, fill, finding
from behindproxy.doctor.step import ERROR, NOTE, WARNING
from behindproxy.stack.paths import ROOT
from tests.troubleshooting import PATH, slug

from .doctor_facts import STACK, URLS, healthy, with_

ID_AT = {"finding": 1, "cause": 0}  # of the arguments


def constants(node: ast.expr) -> set[str]:
    """What a literal can be: itself, or either of two."""
    if isinstance(node, ast.IfExp):
        return constants(node.body) | constants(node.orelse)
    assert isinstance(node, ast.Constant), f"line {node.lineno}: not a literal"
    return {node.value}


def calls() -> dict[tuple[str, str], list[tuple[str, set[str]]]]:
    """By id and case: where the code raises a finding, and with which fields."""
    places = defaultdict(list)
    for path in sorted((ROOT / "src/behindproxy/doctor").glob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call) or getattr(call.func, "id", "") not in ID_AT:
                continue
            fields = {keyword.arg: keyword.value for keyword in call.keywords}
            cases = constants(fields.pop("case", ast.Constant("")))
            for key in product(constants(call.args[ID_AT[call.func.id]]), cases):
                places[key].append((f"{path.name}:{call.lineno}", set(fields)))
    return places


def test_the_code_raises_what_is_in_the_catalogue_and_all_of_it():
    places = calls()
    unknown = {key: places[key][0][0] for key in places.keys() - ENTRIES.keys()}
    assert unknown == {}, "not in the catalogue"
    assert sorted(ENTRIES.keys() - places.keys()) == [], "no code raises it"


def test_each_finding_gets_its_fields_and_no_other():
    differences = {
        f"{place}, {key}": fields ^ ENTRIES[key].fields
        for key, uses in calls().items()
        if key in ENTRIES
        for place, fields in uses
        if fields != ENTRIES[key].fields
    }
    assert differences == {}, "missing or superfluous"


@pytest.mark.parametrize("fields", [{}, {"port": 1}, {"port": 1, "process": "x", "more": ""}])
def test_other_fields_are_refused_when_it_runs(fields):
    with pytest.raises(TypeError, match="process"):
        finding("key", "url.queue_full", **fields)


class Recorder(dict):
    """Remembers which of its keys were read."""

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self.names = set()

    def __getitem__(self, key):
        self.names.add(key)
        return super().__getitem__(key)


def test_each_finding_has_made_up_facts_that_lead_to_it(monkeypatch):
    monkeypatch.setattr(findings, "ENTRIES", recorder := Recorder(ENTRIES))
    for facts, _ in STACK:
        checks.steps(facts)
    for target, changes, _ in URLS:
        facts = with_(healthy(), **changes, target=target)
        facts.target_ours = target.address in facts.own or target.address.startswith("127.")
        url.steps(facts)
    assert sorted(ENTRIES.keys() - recorder.names) == []


def test_no_case_hides_another():
    every = {id(one): one for entries in CATALOGUE.values() for one in entries}.values()
    assert sum(1 + len(one.fixes) for one in every) == len(ENTRIES)


def test_an_id_has_one_level():
    assert len({(one.id, one.level) for one in ENTRIES.values()}) == len({key[0] for key in ENTRIES})


def test_what_leaves_the_exit_status_alone():
    levels = {(one.level, one.id) for one in ENTRIES.values() if one.level != ERROR}
    assert levels == {
        (WARNING, "probe.open"),
        (WARNING, "settings.not_applied"),
        (WARNING, "settings.refused"),
        (WARNING, "url.dead_address"),
        (WARNING, "url.slow"),
        (NOTE, "connection.editor_forwards"),
        (NOTE, "container.starting"),
        (NOTE, "process.starting"),
        (NOTE, "url.container_starting"),
        (NOTE, "requests.answer_limit"),
        (NOTE, "requests.request_limit"),
        (NOTE, "requests.server_ended"),
        (NOTE, "requests.no_connection"),
        (NOTE, "requests.encoded"),
        (NOTE, "requests.only_404"),
        (NOTE, "url.method"),
    }


def test_words_before_an_empty_field_are_left_out():
    template = "it ended{last_line:; its last line: }"
    assert fill(template, {"last_line": "no module"}) == "it ended; its last line: no module"
    assert fill(template, {"last_line": ""}) == "it ended"


SOURCES = re.compile(r"RFC \d+ › [\d.]+|[\w-]+/[\w.-]+#\d+|[A-Z][^›]+ › [^›]+")


@pytest.mark.parametrize("source", sorted({one.source for one in ENTRIES.values()} - {""}))
def test_a_source_can_be_opened(source):
    page, _, heading = source.partition(" › ")
    if page.endswith(".md"):
        headings = re.findall(r"(?m)^#+ (.+)$", (ROOT / page).read_text())
        assert heading in headings
    else:
        assert SOURCES.fullmatch(source)


def test_the_document_has_each_finding_and_its_contents_lead_to_its_headings():
    text = PATH.read_text()
    assert [key[0] for key in ENTRIES if f"| `{key[0]}`" not in text] == []
    headings = re.findall(r"(?m)^## (.+)$", text)
    assert re.findall(r"(?m)^- \[.+\]\(#(.+)\)$", text) == [slug(one) for one in headings]
