"""`make bench`: what it makes of a generator's output, and that its variants still fit the files."""

import shutil

import pytest
from bench.generators import Load, Sample, run
from bench.profile import PATCHES, part_of
from bench.questions import COMPOSE, COMPRESS, GRANIAN, LOGGING, QUESTIONS, TRAEFIK_UNTUNED, UNTUNED, WITHOUT
from bench.rounds import Case, Result

from behindproxy.stack.paths import ROOT


def test_the_figures_are_medians_and_the_spread_is_theirs():
    samples = [Sample(1000, 0, 2, 0.01, 0.1), Sample(1200, 1, 2, 0.02, 0.3), Sample(800, 0, 2, 0.03, 0.2)]
    result = Result(Case("a", "b"), samples, [{"app": 1e-3}, {"app": 3e-3}, {"app": 2e-3}])
    assert (result.per_second, result.spread, result.failed) == (500, 0.2, 1)
    assert result.per_request("app") == 2e-3
    assert result.as_dict()["p99"] == 0.2


@pytest.mark.parametrize("what", WITHOUT)
def test_what_is_taken_away_is_there(what):
    file, find, _ = WITHOUT[what]
    assert find in (ROOT / file).read_text()


@pytest.mark.parametrize(
    "patches", [*UNTUNED.values(), TRAEFIK_UNTUNED, COMPRESS, GRANIAN, PATCHES, {COMPOSE: (LOGGING, "")}]
)
def test_what_is_put_back_was_there(patches):
    for file, (find, _) in patches.items():
        assert find in (ROOT / file).read_text()


def test_every_case_has_its_subject():
    for question in QUESTIONS.values():
        table = question()
        assert {case.subject for case in table.cases} <= set(table.subjects)


@pytest.mark.skipif(not shutil.which("wrk"), reason="wrk is not installed")
def test_a_generator_that_fails_says_why():
    with pytest.raises(RuntimeError, match="unable to connect|No route|refused"):
        run("http://127.0.0.1:1", Load(), 1)


def test_a_sample_counts_as_what_its_innermost_function_belongs_to():
    stack = [
        "internal/runtime/syscall.Syscall6",
        "github.com/sirupsen/logrus.(*Entry).write",
        "github.com/traefik/traefik/v3/pkg/middlewares/accesslog.(*Handler).ServeHTTP",
        "net/http.(*conn).serve",
    ]
    assert part_of(stack) == "access log"
    assert part_of(stack[-1:]) == "to the client: net/http's server"
    assert part_of(["main.main"]) == "other"
