"""The sources of checks and of mutants: each is something that a reader can open."""

import re

import pytest

from behindproxy.sources import PAGES, address, addresses, single
from tests import tables
from tests.checkout import ROOT
from tests.mutants.mutant import load_all

# An issue, an advisory, a weakness, a section of an RFC, a heading of a named page.
PAGE = r"([A-Z][^›]+|nginx)( › [^›]+)+"
FORMS = re.compile(rf"[\w.-]+/[\w.-]+#\d+|CVE-\d{{4}}-\d{{4,}}|CWE-\d+|RFC \d+ › [\d., ]+|{PAGE}")


def sources() -> dict[str, list[str]]:
    """Each single source, and what names it."""
    pairs = [(one["id"], one["source"]) for one in tables.checks()]
    pairs += [(one.name, one.source) for one in load_all()]
    result: dict[str, list[str]] = {}
    for name, text in pairs:
        for source in single(text):
            result.setdefault(source, []).append(name)
    return result


SOURCES = sources()


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_can_be_opened(source):
    path, _, heading = source.partition(" › ")
    if "/" in path and "#" not in path:
        text = (ROOT / path).read_text()
        assert not heading or heading in re.findall(r"(?m)^#+ (.+)$", text), SOURCES[source]
    else:
        assert FORMS.fullmatch(source), SOURCES[source]


def test_the_source_of_a_check_has_an_address():
    without = {one for check in tables.checks() for one in single(check["source"]) if not address(one)}
    assert {one.partition(" › ")[0] for one in without} == {
        "docs/production.md",
        "A Haunted Story While Developing with FastAPI",
    }
    assert {page for page in PAGES if not any(source.startswith(page) for source in SOURCES)} == set()


def test_the_addresses_of_a_line():
    assert addresses("RFC 9112 › 6.3, 11.2; CVE-2026-22222; a/b-c#12, d/e#3") == [
        "https://www.rfc-editor.org/rfc/rfc9112#section-6.3",
        "https://www.cve.org/CVERecord?id=CVE-2026-22222",
        "https://github.com/a/b-c/issues/12",
        "https://github.com/d/e/issues/3",
    ]
