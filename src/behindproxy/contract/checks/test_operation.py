"""What keeps a service operable: limits, defined errors, request ids, headers, log lines."""

import json
import re
import uuid

import httpx
import pytest

from ..engine.answers import REDIRECTS
from ..engine.check import EVERYWHERE, PUBLIC, check
from ..engine.entrypoint import Entrypoint
from ..engine.expect import Expect
from ..engine.seen import header_values
from .test_logs import found

IN_FRONT = "the proxy answers instead of the application: it requires a login"
# A product with its version, a private address, a path of the server's disk, a Python trace.
INSIDE = re.compile(
    r"(traefik|uvicorn|gunicorn|hypercorn|starlette|fastapi|python|go)[ /]v?\d+\.\d+"
    r"|\b(172\.(1[6-9]|2\d|3[01])|10\.\d+|192\.168)\.\d+\.\d+|http://app|/srv/|Traceback",
    re.IGNORECASE,
)


@check(
    "limits.body",
    title="A body above the limit is refused",
    entrypoints=EVERYWHERE,
    level="hardening",
    source="RFC 9110 › 15.5.14",
    statement=(
        "A body longer than MAX_BODY_BYTES gets 413, as problem+json, and the sender receives the response."
    ),
    fix=("Let the application or the proxy refuse a body above its limit with 413."),
    needs=("ours",),
    unsafe=True,
)
def test_a_body_above_the_limit_is_refused(entrypoint: Entrypoint, expect: Expect) -> None:
    for length in (entrypoint.target.max_body_bytes + 1, 2 * entrypoint.target.max_body_bytes):
        answer = entrypoint.request("POST", "/app", content=bytes(length))
        expect(f"{length} bytes", answer.status_code, 413)
        expect_problem(expect, answer, 413)
    expect("1 KiB", entrypoint.request("POST", "/nowhere", content=bytes(1024)).status_code, 404)


@check(
    "limits.header_block",
    title="A header block above the limit is refused",
    entrypoints=PUBLIC,
    level="hardening",
    source="RFC 6585 › 5",
    statement="Request headers of more than 64 KiB get 431, without internal details.",
    fix=(
        "Lower the proxy's limit to 64 KiB (Traefik: maxHeaderBytes of the entrypoint; nginx: "
        "large_client_header_buffers)."
    ),
    needs=("ours",),
)
def test_a_header_block_above_the_limit_is_refused(entrypoint: Entrypoint, expect: Expect) -> None:
    usual = entrypoint.get("/app").status_code
    expect("1 KiB", entrypoint.get("/app", headers={"X-Long": "x" * 1024}).status_code, usual)
    answer = entrypoint.get("/app", headers={"X-Long": "x" * 80_000})
    expect("80 kB", answer.status_code, 431)
    says_nothing(expect, answer.text)


@check(
    "errors.problem",
    title="The application's errors are problem+json with a request id",
    entrypoints=EVERYWHERE,
    level="hardening",
    source="RFC 9457 › 3",
    statement=(
        "Not found, wrong method, invalid input and a malformed Host get an application/problem+json "
        "response with the request's id and without internal details."
    ),
    fix="Return errors as problem+json (RFC 9457) with the request's id.",
    needs=("app", "demo", "ours"),
    unsafe=True,
)
def test_the_applications_errors_are_problems_with_an_id(entrypoint: Entrypoint, expect: Expect) -> None:
    cases = {"GET /not/there": 404, "DELETE /app": 405, "GET /stream?count=many": 422, "GET /sub/none": 404}
    for case, status in cases.items():
        expect_problem(expect, entrypoint.request(*case.split(" ")), status)
    if entrypoint.name == "direct":
        expect_problem(expect, entrypoint.get("/app", headers={"Host": f"{entrypoint.host}:"}), 400)


def expect_problem(expect: Expect, answer: httpx.Response, status: int) -> None:
    expect("status", answer.status_code, status)
    expect("content type", answer.headers.get("content-type"), "application/problem+json")
    body = answer.json()
    expect("status in the body", body.get("status"), status)
    expect("request_id", body.get("request_id"), answer.headers.get("x-request-id"))
    says_nothing(expect, answer.text)


def says_nothing(expect: Expect, text: str) -> None:
    leak = INSIDE.search(text)
    expect.that(not leak, "the inside", observed=leak and leak[0], expected="nothing of it")


@check(
    "request.id",
    title="Each request has an id that the client receives",
    entrypoints=EVERYWHERE,
    level="hardening",
    source="docs/production.md › See it run",
    statement=("A client's X-Request-ID is accepted where it is harmless; otherwise an id is generated."),
    fix="Add a middleware that accepts or generates X-Request-ID.",
    needs=("ours",),
)
def test_each_request_has_an_id_that_the_client_gets_back(entrypoint: Entrypoint, expect: Expect) -> None:
    request_id = uuid.uuid4().hex
    answer = entrypoint.get("/app", headers={"X-Request-ID": request_id})
    if refused_in_front(answer):
        pytest.skip(IN_FRONT)
    adopted = answer.headers.get_list("x-request-id")
    if not entrypoint.target.demo and len(adopted) == 1 and adopted != [request_id]:
        pytest.skip("the application answers with its own X-Request-ID")
    expect("adopted", adopted, [request_id])
    new_ids = (
        ids(entrypoint, {})
        + ids(entrypoint, {})
        + ids(entrypoint, {"X-Request-ID": 'a"b<c>'})
        + ids(entrypoint, {"X-Request-ID": "x" * 200})
    )
    expect.that(len(new_ids) == len(set(new_ids)) == 4, "made", observed=new_ids, expected="4 different ids")
    expect.that(
        all(re.fullmatch(r"[A-Za-z0-9._-]{8,64}", one) for one in new_ids),
        "made",
        observed=new_ids,
        expected="letters, digits and . _ -",
    )


def refused_in_front(answer: httpx.Response) -> bool:
    """Say whether a middleware of the proxy, as basicAuth, answered in the application's place:
    what is wrapped round the application puts an id into each of its responses."""
    return answer.status_code in (*REDIRECTS, 401, 403) and "x-request-id" not in answer.headers


def ids(entrypoint: Entrypoint, headers: dict[str, str]) -> list[str]:
    return entrypoint.get("/app", headers=headers).headers.get_list("x-request-id")


@check(
    "logs.joined",
    title="The request's id joins the log lines of proxy and application",
    entrypoints=PUBLIC,
    level="hardening",
    source="docs/production.md › See it run",
    statement=(
        "The request's id is in Traefik's JSON line and in the application's, which also has the trace of a "
        "W3C traceparent; the path is logged without the query."
    ),
    fix="Add the request's id to the proxy's access log.",
    needs=("logs", "ours"),
)
def test_one_line_of_the_proxy_and_one_of_the_application(entrypoint: Entrypoint, expect: Expect) -> None:
    request_id, trace, token = uuid.uuid4().hex, uuid.uuid4().hex, uuid.uuid4().hex
    answer = entrypoint.get(
        "/app",
        params={"token": token},
        headers={"X-Request-ID": request_id, "traceparent": f"00-{trace}-00f067aa0ba902b7-01"},
    )
    request_id = answer.headers.get("x-request-id", request_id)  # one of the application's own
    lines = {part: found(entrypoint, part, lambda line: request_id in line) for part in ("traefik", "app")}
    for part, line in lines.items():
        expect.that(bool(line), f"line of {part}", observed="none", expected=f"one with {request_id}")
        expect.that(token not in line, f"query in the line of {part}", observed=line, expected="none")
        expect.that("{" in line, f"line of {part}", observed=line, expected="JSON")
    traefik, app = (json.loads(line[line.index("{") :]) for line in lines.values())
    expect("Traefik's id", traefik.get("downstream_X-Request-Id"), request_id)
    expect(
        "the application's",
        {key: app.get(key) for key in ("request_id", "trace_id", "path", "status")},
        {
            "request_id": request_id,
            "trace_id": trace,
            "path": f"{entrypoint.prefix}/app",
            "status": traefik["DownstreamStatus"],
        },
    )


@check(
    "request.traceparent",
    title="A traceparent is passed on",
    entrypoints=EVERYWHERE,
    level="hardening",
    source="W3C Trace Context › 3.2",
    statement="The application receives the trace that the client started.",
    fix="Remove the headers middleware that drops traceparent, or the tracing that starts its own trace.",
    needs=("probe",),
)
def test_a_traceparent_is_passed_on(entrypoint: Entrypoint, expect: Expect) -> None:
    trace = uuid.uuid4().hex
    scope = entrypoint.probe(headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    passed = header_values(scope, "traceparent")
    expect("trace", [value.split("-")[1] for value in passed], [trace])


@check(
    "headers.security",
    title="Responses have the security headers",
    entrypoints=PUBLIC,
    level="hardening",
    source="OWASP HTTP Headers Cheat Sheet › Security Headers",
    statement=(
        "Every response of the application tells browsers, once, not to guess types, who may show it in "
        "a frame, and which referrer to send."
    ),
    fix=("Set X-Content-Type-Options, X-Frame-Options and Referrer-Policy where the application does not."),
    needs=("ours",),
)
def test_answers_carry_the_security_headers(entrypoint: Entrypoint, expect: Expect) -> None:
    policy = {
        "x-content-type-options": ["nosniff"],
        "x-frame-options": ["SAMEORIGIN"],
        "referrer-policy": ["strict-origin-when-cross-origin"],
    }
    demo, inventory = entrypoint.target.demo, entrypoint.target.inventory
    for path in ("/app", "/not/there") if demo else (*inventory.routes[:2], "/not/there"):
        answer = entrypoint.get(path)
        headers = answer.headers
        if not demo and refused_in_front(answer):
            continue
        own_values = {name: headers.get_list(name) for name in policy}
        if demo:
            expect(path, own_values, policy)
            continue
        if "frame-ancestors" in headers.get("content-security-policy", ""):
            own_values["x-frame-options"] = own_values["x-frame-options"] or ["named by the policy"]
        expect(path, {name: len(values) for name, values in own_values.items()}, dict.fromkeys(policy, 1))
    if not expect.expectations:
        pytest.skip(IN_FRONT)


@check(
    "docs.content_security_policy",
    title="The docs pages have a strict Content-Security-Policy",
    entrypoints=EVERYWHERE,
    level="hardening",
    source="Content Security Policy Level 3 › 3.1",
    statement=(
        "/docs and /redoc have a policy that allows only the scripts they run; the browser checks show that "
        "they work with it."
    ),
    fix="Give the docs pages a Content-Security-Policy with the hashes of their scripts.",
    needs=("docs", "redoc", "ours", "demo"),
)
def test_the_documentation_pages_carry_a_strict_policy(entrypoint: Entrypoint, expect: Expect) -> None:
    for path in ("/docs", "/redoc"):
        policy = entrypoint.get(path).headers.get("content-security-policy", "none")
        scripts = next((part for part in policy.split("; ") if part.startswith("script-src")), "none")
        expect.that(
            "'self'" in scripts and "unsafe" not in scripts and "*" not in scripts,
            f"{path} scripts",
            observed=scripts,
            expected="'self' and hashes",
        )
        expect.that(
            "default-src 'none'" in policy, f"{path} policy", observed=policy, expected="default-src 'none'"
        )
