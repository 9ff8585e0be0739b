"""The proxy adds the prefix and changes nothing else: its answers are the server's."""

import pytest

from .check import check

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
PATHS = ("/app", "/items/", "/static/hello.txt", "/no/such/route")


@check(
    "app.same_answer",
    title="The proxy's answers are the server's",
    doors=("proxy", "tls"),
    kind="claim",
    source="Behind a Proxy › Check the responses",
    statement=(
        "Whatever the method, a request gets the same status, Allow, content type and body at the "
        "proxy with the prefix as at the server without."
    ),
    hint="A middleware or a Method() in the rule answers instead of the application.",
    needs=("app", "items", "static"),
    broken_by=("rule for GET alone", "errors middleware"),
)
def test_the_proxys_answers_are_the_servers(door, expect):
    if "direct" not in door.target.addresses:
        pytest.skip("no direct door")
    server = door.target.open("direct", expect)

    def answer(at, case: str) -> str:
        got = at.request(*case.split(" "))
        shown = [got.headers.get(name, "-") for name in ("allow", "content-type")]
        return " ".join([str(got.status_code), *shown, got.text[:200]])

    cases = [f"{method} {path}" for path in PATHS for method in METHODS]
    same = {case: answer(server, case) for case in cases}
    expect("answers", door.each(cases, lambda case: answer(door, case)), same)
