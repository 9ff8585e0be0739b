"""What a reader wants first: does it work, what can an attacker do, is the rest hardened."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ..engine.check import LEVELS, Level
from .result import Result

# level -> the question, and the answer where every check of that level passed, failed, or could not tell.
QUESTIONS: dict[Level, tuple[str, str, str]] = {
    "broken": ("Does it work for users?", "yes", "no"),
    "exposed": ("Can an attacker use it?", "nothing found", "yes"),
    "hardening": ("Is it hardened?", "yes", "not entirely"),
}
THERE = "app.answers"  # what else passed says nothing of an application that was not seen
MAX_NAMES = 4  # failed checks; of more, the number


@dataclass(frozen=True)
class Answer:
    """The answer to one question. `good` is None where nothing could be checked."""

    question: str
    answer: str
    good: bool | None
    places: tuple[str, ...] = ()  # `id@entrypoint` of what failed, and of what could not be checked

    def __str__(self) -> str:
        more = len(self.places) - MAX_NAMES
        names = ", ".join(self.places[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
        return f"{self.answer}: {names}" if names else self.answer


def verdict(results: Iterable[Result]) -> list[Answer]:
    """Return an answer for each level, the most severe first."""
    every = list(results)
    answers = [_answer(level, [one for one in every if one.level == level]) for level in LEVELS]
    there = {one.status for one in every if one.check.id == THERE}
    if there == {"skipped"} and answers[0].good:
        answers[0] = Answer(answers[0].question, "not known: no path of it answered", None)
    return answers


def _answer(level: Level, results: Collection[Result]) -> Answer:
    question, holds, fails = QUESTIONS[level]
    failed = tuple(one.place for one in results if one.status == "failed")
    unknown = tuple(one.place for one in results if one.status == "error")
    count = sum(one.status in ("passed", "failed", "accepted") for one in results)
    accepted = sum(one.status == "accepted" for one in results)
    but = f", {accepted} accepted" if accepted else ""
    if failed:
        also = f", and {len(unknown)} could not be checked" if unknown else ""
        return Answer(question, f"{fails} ({len(failed)} of {count} failed{but}{also})", False, failed)
    if unknown:
        return Answer(question, f"not known ({len(unknown)} could not be checked{but})", None, unknown)
    if not count:
        return Answer(question, "not checked", None)
    return Answer(question, f"{holds} ({count - accepted} passed{but})", True)
