"""One address: what came of a request to it, and its likely causes in order."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from . import answered, unanswered
from .addresses import kind
from .checks import connection
from .facts import Answer, Facts
from .findings import cause
from .step import Step, ok, unseen
from .writer import writer


def steps(facts: Facts) -> list[Step]:
    """At least one step; the findings stand in the order of their likelihood."""
    answer = facts.target
    if answer is None:
        raise ValueError("no URL was given")
    result = [*_what_came(facts, answer), *_where(facts, answer)]
    result += OUTCOMES[answer.outcome](facts, answer)
    if answer.outcome == "http" and answer.without:
        host = urlsplit(answer.url).hostname
        result.append(cause("url.dead_address", host=host, addresses=", ".join(answer.without)))
    return [*result, *connection(facts, answer.port)]


def _what_came(facts: Facts, answer: Answer) -> Iterator[Step]:
    for hop in answer.hops:
        yield unseen("request", f"{hop}: a redirect")
    name = writer(facts, answer)
    by = f" from {name}" if name else ""
    after = f" after {answer.seconds:.1f} s" if answer.outcome == "http" and answer.seconds >= 1 else ""
    text = f"{answer.url}: {answer.text}{by}{after}"
    yield ok("request", text) if _fine(answer) else unseen("request", text)


def _fine(answer: Answer) -> bool:
    return answer.outcome == "http" and answer.status < 400


def _where(facts: Facts, answer: Answer) -> Iterator[Step]:
    """Whose address it is, and from where it can be reached."""
    if not answer.address:
        return
    name, reached_by = kind(answer.address)
    if container := next((c for c in facts.containers if answer.address in c.addresses), None):
        yield unseen(
            "address",
            f"{answer.address} is the container {container.name}'s: containers on its network can "
            "reach it, and on Linux this machine; all others need a published port",
        )
        return
    if facts.target_ours:
        yield unseen("address", f"{answer.address} is this machine's, {name}: {reached_by}")
    else:
        yield unseen("address", f"{answer.address} is another machine's, {name}: {reached_by}")


OUTCOMES = {
    "http": answered.http,
    "loop": answered.loop,
    "refused": unanswered.refused,
    "timed_out": unanswered.timed_out,
    "unreachable": unanswered.unreachable,
    "no_name": unanswered.no_name,
    "silent": unanswered.no_answer,
    "reset": unanswered.no_answer,
    "closed": unanswered.no_answer,
    "not_http": unanswered.no_answer,
    "not_tls": unanswered.not_tls,
    "certificate": unanswered.certificate,
}
