"""What the checks say: a line each, and with a mark that calls for it a finding."""

from dataclasses import dataclass

from behindproxy.stack.paths import PLACES

OK, UNSEEN = "ok", "unseen"
ERROR, WARNING, NOTE = LEVELS = "error", "warning", "note"


@dataclass(frozen=True)
class Step:
    """`mark`: ok; unseen, what could not be seen from here or does not apply; or a finding's level,
    of which error alone changes the exit status. `fix` is a command or an edit; `id` names a
    finding of findings.py."""

    mark: str
    subject: str
    text: str
    fix: str = ""
    id: str = ""

    @property
    def finding(self) -> bool:
        return self.mark in LEVELS and bool(self.id)


def ok(subject: str, text: str) -> Step:
    return Step(OK, subject, PLACES.named(text))


def unseen(subject: str, text: str) -> Step:
    return Step(UNSEEN, subject, PLACES.named(text))
