"""Requests that proxy and server might read differently: refused, or read alike."""

import pytest

from ..engine.check import EVERYWHERE, PUBLIC, check
from ..engine.entrypoint import Entrypoint
from ..engine.expect import Expect
from ..engine.lies import FAKE_IP, View, view
from .test_spoofing import call_from_elsewhere

FOLLOWERS = 4
FIX = (
    "Upgrade Traefik (to 3.7.13 or newer) and the server, and allow no lenient parser between them: "
    "proxy and server disagree on where a request ends."
)


# How a parser says that it does not read on. Its response to the honest request is none of these.
REFUSALS = (400, 411, 413, 431, 501)
# A chunk turns out broken when a proxy has passed the headers on; Traefik can only say 500 then.
IN_A_CHUNK = (*REFUSALS, 500)


def sent(
    entrypoint: Entrypoint, method: str, framing: str, body: str, close: str = "", path: str = "/app"
) -> str:
    head = f"{method} {entrypoint.path(path)} HTTP/1.1\r\nHost: {entrypoint.authority}\r\n"
    return f"{head}{framing}\r\n{close}\r\n{body}"


def post(entrypoint: Entrypoint, framing: str, body: str) -> str:
    return sent(entrypoint, "POST", framing, body, "Connection: close\r\n")


@check(
    "exposure.request_smuggling",
    title="An ambiguous request is refused",
    entrypoints=EVERYWHERE,
    level="exposed",
    source="RFC 9112 › 6.3, 11.2; CVE-2026-134820, CVE-2026-134821",
    statement=(
        "A body length that two parsers could read differently is refused, with a status other than that of "
        "the well-formed request, and the connection is closed."
    ),
    fix=FIX,
    unsafe=True,
)
def test_an_ambiguous_request_is_refused(entrypoint: Entrypoint, expect: Expect) -> None:
    hidden = f"GET {entrypoint.path('/app')} HTTP/1.1\r\nHost: {entrypoint.authority}\r\n\r\n"
    length = len(hidden) + 5
    chunked, whole = "Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"
    honest = {"a length": ("Content-Length: 5", "hello"), "chunks": (chunked, whole)}
    cases = {
        "two lengths": (f"Content-Length: 0\r\nContent-Length: {length}", f"0\r\n\r\n{hidden}"),
        "a list of lengths": (f"Content-Length: 0, {length}", f"0\r\n\r\n{hidden}"),
        "a negative length": ("Content-Length: -1", hidden),
        "a signed length": ("Content-Length: +5", "hello"),
        "a padded length": ("Content-Length: \x0b5", "hello"),
        "a length with an underscore": ("Content-Length: 0_5", "hello"),
        "a hexadecimal length": ("Content-Length: 0x5", hidden),
        "an unknown coding": ("Transfer-Encoding: xchunked", f"0\r\n\r\n{hidden}"),
        "a coding after chunked": ("Transfer-Encoding: chunked, identity", f"0\r\n\r\n{hidden}"),
        "a control character": ("Transfer-Encoding: \x0bchunked", whole),
        "a bare CR": (f"X: y\rTransfer-Encoding: chunked\r\nContent-Length: {length}", f"0\r\n\r\n{hidden}"),
        "a space before the colon": ("Content-Length : 0", hidden),
        "a chunk size with a prefix": (chunked, f"0x0\r\n\r\n{hidden}"),
        "a signed chunk size": (chunked, "+5\r\nhello\r\n0\r\n\r\n"),
        "a chunk size that ends in LF": (chunked, f"2;\nxx\r\n0\r\n\r\n{hidden}"),
        "a chunk without an end": (chunked, "5\r\nhello0\r\n\r\n"),
        "a chunk with another end": (chunked, "5\r\nhelloXX0\r\n\r\n"),
    }
    methods = [
        method
        for method in ("GET", "POST")
        if not {
            entrypoint.raw(sent(entrypoint, method, *framing, "Connection: close\r\n"))[0].status_code
            for framing in honest.values()
        }
        & set(IN_A_CHUNK)
    ]
    if not methods:
        pytest.skip("the honest request is refused too, so nothing tells the ambiguous one apart")

    # A proxy sends the head on before it reads a chunk, and an application may answer that: only of
    # one that reads the body first can a refusal be expected, as the probe does.
    later = {name for name in cases if entrypoint.name != "direct" and cases[name][0] == chunked}
    left_out = later if "probe" in entrypoint.target.lacks else set()
    # RFC 9112 2.2 lets a recipient take LF for the end of a line. nginx does, and passes on what it has
    # read, not what it got; so at a proxy that is not Traefik nothing is ambiguous about it.
    if entrypoint.name != "direct" and not entrypoint.target.ours:
        left_out = left_out | {"a chunk size that ends in LF"}
    cases = {name: case for name, case in cases.items() if name not in left_out}

    def refused(case: str, statuses: list[int], closed: bool) -> bool:
        # A proxy that sends on what it reads can only say that the server gave no response (Caddy: 502).
        if case in later and not entrypoint.target.ours:
            return bool(statuses) and min(statuses) >= 400
        refusals = IN_A_CHUNK if case in later else REFUSALS
        return closed and len(statuses) == 1 and statuses[0] in refusals

    def read(case: str) -> str:
        for method in ["GET"] if case in later else methods:
            path = "/_probe/body" if case in later else "/app"
            answers, closed = entrypoint.raw_until_closed(sent(entrypoint, method, *cases[case], path=path))
            statuses = [answer.status_code for answer in answers]
            if not refused(case, statuses, closed):
                note = "" if closed else ", and the connection stays open"
                return f"{method}: {len(statuses)} answers, {statuses}{note}"
        return "refused"

    expect("read as", entrypoint.each(cases, read), dict.fromkeys(cases, "refused"))


@check(
    "exposure.hidden_request",
    title="No request hides in the body of another",
    entrypoints=PUBLIC,
    level="exposed",
    source="RFC 9112 › 6.3, 11.2; CVE-2026-88004",
    statement=(
        "With conflicting lengths, folded headers or odd line endings, nothing in a request's body gets "
        "a response in spite of the proxy's rule, and the next requests get their own responses."
    ),
    fix=FIX,
    needs=("openapi", "prefix"),
    unsafe=True,
)
def test_no_request_hides_in_the_body_of_another(entrypoint: Entrypoint, expect: Expect) -> None:
    # Without the prefix: only a server that was tricked into reading it would answer.
    schema = entrypoint.target.inventory.schema_path or "/openapi.json"
    hidden = f"GET {schema} HTTP/1.1\r\nHost: {entrypoint.authority}\r\n\r\n"
    both = f"Content-Length: {len(hidden) + 5}"
    after_end = f"0\r\n\r\n{hidden}"
    cases = {
        "both, the length first": (f"{both}\r\nTransfer-Encoding: chunked", after_end),
        "both, the coding first": (
            "Transfer-Encoding: chunked\r\nContent-Length: 4",
            f"{len(hidden):x}\r\n{hidden}\r\n0\r\n\r\n",
        ),
        "a tab before chunked": (f"Transfer-Encoding:\tchunked\r\n{both}", after_end),
        "a folded coding": (f"Transfer-Encoding:\r\n chunked\r\n{both}", after_end),
        "a coding folded into another header": (f"X: y\r\n Transfer-Encoding: chunked\r\n{both}", after_end),
        "a coding after a bare LF": (f"X: y\nTransfer-Encoding: chunked\r\n{both}", after_end),
        "a chunk extension": ("Transfer-Encoding: chunked", f'0;x="\r\n\r\n{hidden}'),
        "pipelined": ("Content-Length: 0", hidden),
    }

    own = [entrypoint.get(f"/no/such/{number}").status_code for number in range(FOLLOWERS)]
    if entrypoint.target.demo:
        expect("statuses of unknown paths", own, [404] * FOLLOWERS)

    def leaked(case: str) -> str:
        answers = entrypoint.raw(post(entrypoint, *cases[case]))
        if any('"openapi"' in answer.text for answer in answers):
            return "the hidden request was answered"
        after = [entrypoint.get(f"/no/such/{number}").status_code for number in range(FOLLOWERS)]
        return "" if after == own else f"the next requests got {after}"

    expect("leaked", entrypoint.each(cases, leaked), dict.fromkeys(cases, ""))


@check(
    "exposure.h2c",
    title="An upgrade to h2c is not passed on",
    entrypoints=PUBLIC,
    level="exposed",
    source="CVE-2026-88008",
    statement="Upgrade: h2c opens no connection through the proxy on which later requests bypass its rules.",
    fix=(
        "Upgrade Traefik to 3.7.13 or newer, which does not pass h2c on; let other proxies pass on only "
        "Upgrade: websocket."
    ),
    needs=("probe",),
)
def test_an_upgrade_to_h2c_is_not_passed_on(entrypoint: Entrypoint, expect: Expect) -> None:
    upgrade = "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"

    def upgraded(connection: str) -> str:
        answers = entrypoint.raw(
            f"GET {entrypoint.path('/_probe/x')} HTTP/1.1\r\nHost: {entrypoint.authority}\r\n{upgrade}\r\n"
            f"Connection: {connection}\r\n\r\n"
        )
        status, text = answers[0].status_code, answers[0].text.lower()
        return f"{status}, passed on" if status == 101 or '"h2c"' in text else "ignored"

    cases = ("Upgrade, HTTP2-Settings, close", "Upgrade, close")
    answers = entrypoint.each(cases, upgraded)
    if not entrypoint.target.ours and not any(one.startswith("101") for one in answers.values()):
        expect.level = "hardening"  # the server took no notice of it
    expect("upgrade under", answers, dict.fromkeys(cases, "ignored"))


@check(
    "trust.trailers",
    title="A trailer does not become a header",
    entrypoints=EVERYWHERE,
    level="exposed",
    source="CVE-2026-88004",
    statement="Forwarding headers sent after the body change nothing.",
    fix=(
        "Upgrade Traefik to 3.7.13 or newer: before, a trailer bypassed the replacement of forwarding "
        "headers."
    ),
    needs=("probe",),
    unsafe=True,
)
def test_a_trailer_is_no_header(entrypoint: Entrypoint, expect: Expect) -> None:
    call_from_elsewhere(entrypoint)
    names = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Real-Ip")

    def seen(trailers: str) -> View:
        answer = entrypoint.raw(
            f"GET {entrypoint.path('/_probe/x')} HTTP/1.1\r\nHost: {entrypoint.authority}\r\n"
            f"Transfer-Encoding: chunked\r\nTrailer: {', '.join(names)}\r\nConnection: close\r\n\r\n"
            f"0\r\n{trailers}\r\n"
        )[0]
        return view(expect.json(answer))

    honest = seen("")
    expect("view", seen("".join(f"{name}: {FAKE_IP}\r\n" for name in names)), honest)
