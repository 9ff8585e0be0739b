"""The sources of checks and of mutants: each is something that a reader can open."""

import re

import pytest

from tests import tables
from tests.checkout import ROOT
from tests.mutants.mutant import load_all

# An issue, an advisory, a weakness, a section of an RFC, a heading of a named page.
PAGE = r"([A-Z][^›]+|nginx)( › [^›]+)+"
FORMS = re.compile(rf"[\w.-]+/[\w.-]+#\d+|CVE-\d{{4}}-\d{{4,}}|CWE-\d+|RFC \d+ › [\d., ]+|{PAGE}")
ISSUES = re.compile(r"(?<=\d), (?=[\w.-]+/[\w.-]+#|CVE-)")


def sources() -> dict[str, list[str]]:
    """Each single source, and what names it."""
    named = [(one["id"], one["source"]) for one in tables.checks()]
    named += [(one.name, one.source) for one in load_all()]
    found: dict[str, list[str]] = {}
    for name, written in named:
        for part in written.split("; "):
            for source in ISSUES.split(part):
                found.setdefault(source, []).append(name)
    return found


SOURCES = sources()


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_can_be_opened(source):
    path, _, heading = source.partition(" › ")
    if "/" in path and "#" not in path:
        text = (ROOT / path).read_text()
        assert not heading or heading in re.findall(r"(?m)^#+ (.+)$", text), SOURCES[source]
    else:
        assert FORMS.fullmatch(source), SOURCES[source]
