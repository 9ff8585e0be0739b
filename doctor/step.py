"""What the checks say: a line each, and with a mark that calls for it a finding."""

from dataclasses import dataclass

OK, NOTICE, WRONG, UNSEEN = "ok", "notice", "wrong", "unseen"


@dataclass(frozen=True)
class Step:
    """`mark`: ok; notice, something to know that breaks nothing; wrong; unseen, what could not be
    seen from here or does not apply. `fix` is a command or an edit; `id` names a finding."""

    mark: str
    subject: str
    text: str
    fix: str = ""
    id: str = ""

    @property
    def finding(self) -> bool:
        return self.mark in (NOTICE, WRONG) and bool(self.id)


def ok(subject: str, text: str) -> Step:
    return Step(OK, subject, text)


def unseen(subject: str, text: str) -> Step:
    return Step(UNSEEN, subject, text)


def notice(id_: str, subject: str, text: str, fix: str = "") -> Step:
    return Step(NOTICE, subject, text, fix, id_)


def wrong(id_: str, subject: str, text: str, fix: str) -> Step:
    return Step(WRONG, subject, text, fix, id_)
