"""Requests generated from the served schema: schemathesis generates them and judges the responses."""

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from ..engine import exchange, safety
from ..engine.check import PUBLIC, check
from ..engine.entrypoint import Entrypoint
from ..engine.expect import Expect, Unexpected

if TYPE_CHECKING:
    from schemathesis import APIOperation, Case, CheckFunction, GenerationMode

    Operation = APIOperation[Any, Any, Any, Any]

Schema = dict[str, Any]  # the application's, whatever it is

# About 300 requests for the demonstration; an application with many operations gets fewer of each.
EXAMPLES = 60
REQUESTS = 600
# A deployment far away is asked less, not for longer.
SECONDS = 30
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
FRAMING = ("content-encoding", "content-length", "transfer-encoding")
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
FIX = (
    "Document the status or the type in the route (responses=, response_model=), or make the route "
    "respond as documented. The request above reproduces it; a 404 or 502 that the schema does not list "
    "comes from the proxy."
)


@check(
    "fuzz.schema",
    title="Every generated request gets a response that the schema describes",
    entrypoints=PUBLIC,
    level="hardening",
    source="Schemathesis › Checks",
    statement=(
        "Whatever is sent to the operations of the served schema, valid or not, there is no 5xx, and no "
        "status, content type, header or body that the schema does not describe."
    ),
    fix=FIX,
    needs=("full", "openapi"),
)
def test_no_answer_is_outside_the_schema(entrypoint: Entrypoint, expect: Expect) -> None:
    fuzz(entrypoint, expect, "")


@check(
    "fuzz.sub_schema",
    title="Every generated request to the sub-application gets a response that its schema describes",
    entrypoints=PUBLIC,
    level="hardening",
    source="Schemathesis › Checks; Behind a Proxy › Mounting a sub-application",
    statement=(
        "Generated requests to the mounted application, under its own path, get only responses that its "
        "own schema describes."
    ),
    fix=FIX,
    needs=("full", "openapi", "sub"),
)
def test_the_sub_application_keeps_to_its_schema(entrypoint: Entrypoint, expect: Expect) -> None:
    fuzz(entrypoint, expect, "/sub")


@pytest.fixture(autouse=True)
def hypothesis_home(request: pytest.FixtureRequest) -> None:
    """Hypothesis keeps tables of characters; in the working directory unless told otherwise."""
    try:
        from hypothesis.configuration import set_hypothesis_home_dir
    except ImportError:
        return
    set_hypothesis_home_dir(request.config.option.report_dir / "hypothesis")


def fuzz(entrypoint: Entrypoint, expect: Expect, mount: str) -> None:
    try:
        import schemathesis
        from schemathesis.core.result import Err
    except ImportError as error:
        pytest.skip(f"the generator of requests is not installed: pip install 'behindproxy[fuzz]' ({error})")
    # An application that is not the demonstration need not document all it answers: it owes only
    # that nothing breaks.
    foreign = not entrypoint.target.demo
    document = expect.json(entrypoint.get(f"{mount}/openapi.json"))
    # A Config of its own: otherwise a schemathesis.toml above the working directory takes part.
    schema = schemathesis.openapi.from_dict(document, config=schemathesis.Config())
    operations = []
    for result in schema.get_all_operations():
        if isinstance(result, Err):
            raise result.err()
        operations.append(result.ok())
    if entrypoint.restricted:
        operations = [one for one in operations if one.method.upper() in safety.SAFE]
        if not operations:
            pytest.skip(safety.REASON)
    expect.that(bool(operations), "operations", observed="none", expected="at least one")
    examples = max(1, min(EXAMPLES, REQUESTS // (2 * len(operations))))
    checks = [getattr(schemathesis.checks, name) for name in (CHECKS[:1] if foreign else CHECKS)]
    count, deadline = 0, time.monotonic() + SECONDS
    for operation in operations:
        for mode in schemathesis.GenerationMode:
            count += generated(entrypoint, mount, operation, mode, examples, deadline, checks)
    if not (foreign or entrypoint.restricted):
        count += undocumented_methods(entrypoint, expect, mount, document)
    enough = f"one for each of {len(operations)} operations"
    expect.that(count >= len(operations), "requests", observed=count, expected=enough)


def generated(
    entrypoint: Entrypoint,
    mount: str,
    operation: "Operation",
    mode: "GenerationMode",
    examples: int,
    deadline: float,
    checks: "list[CheckFunction]",
) -> int:
    """Send one operation `examples` requests that are right, or wrong, by its schema."""
    import hypothesis
    from hypothesis import strategies
    from schemathesis.core.failures import FailureGroup

    count = 0

    # Derandomized and without a database: the same requests in every run, on every machine. The
    # first failure ends it, unshrunk: shrinking repeats a request that hangs hundreds of times.
    @hypothesis.settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(
        case=operation.as_strategy(generation_mode=mode),
        # Without it, an operation that takes no parameter would be asked one question only.
        unknown=strategies.dictionaries(
            strategies.text(max_size=8), strategies.text(max_size=20), max_size=3
        ),
    )
    def ask(case: "Case[Operation]", unknown: dict[str, str]) -> None:
        nonlocal count
        if count and time.monotonic() > deadline:
            return
        count += 1
        answer = send(entrypoint, case, mount, unknown)
        try:
            case.validate_response(answer, checks=checks)
        except FailureGroup as failures:
            observed = [f"{one.title}: {one.message}" for one in failures.exceptions]
            what = f"{answer.status_code} to {operation.label}"
            raise Unexpected(what, "\n".join(observed), "as the schema says") from None

    try:
        ask()
    except hypothesis.errors.FlakyFailure as repeated:
        # Hypothesis has sent the request again. What came at first is what is to be said.
        raise repeated.exceptions[0] from None
    except hypothesis.errors.Unsatisfiable:
        # Nothing can be wrong in a request that takes nothing.
        if count or mode.is_positive:
            raise
    return count


def send(
    entrypoint: Entrypoint, case: "Case[Operation]", mount: str, unknown: dict[str, str]
) -> httpx.Response:
    import requests

    options = case.as_transport_kwargs(base_url=entrypoint.url + mount)
    options["params"] = {**unknown, **options.get("params", {})}
    options["headers"].pop("X-Schemathesis-TestCaseId", None)
    if entrypoint.restricted:
        for place in ("params", "headers"):
            items = options[place].items()
            options[place] = {name: one for name, one in items if not safety.overrides(name)}
        for left_out in ("json", "data", "files"):
            options.pop(left_out, None)
    prepared = requests.Request(**options).prepare()
    assert prepared.method and prepared.url, "a request has both"
    with entrypoint.stream(
        prepared.method,
        prepared.url.removeprefix(entrypoint.origin),
        headers=dict(prepared.headers),
        content=prepared.body,
    ) as response:
        # By its schema a stream may last for minutes; its first event says whether it is one.
        is_stream = response.headers.get("content-type", "").startswith("text/event-stream")
        body = b""
        for chunk in response.iter_bytes():
            body += chunk
            if is_stream and b"\n\n" in body.replace(b"\r", b""):
                break
        entrypoint.response_text += exchange.body_text(body.decode("utf-8", "replace"))
        headers = [pair for pair in response.headers.multi_items() if pair[0] not in FRAMING]
        answer = httpx.Response(response.status_code, headers=headers, content=body, request=response.request)
        # schemathesis reads it, and only a response that came from a client has it.
        answer.elapsed = timedelta()
        return answer


def undocumented_methods(entrypoint: Entrypoint, expect: Expect, mount: str, document: Schema) -> int:
    """Each path with the methods it does not have: 405, and Allow names those it has."""
    cases = [
        f"{method} {mount}{path}"
        for path, operations in document["paths"].items()
        for method in UNSAFE
        if method.lower() not in operations and "{" not in path
    ]

    def ask(case: str) -> str:
        answer = entrypoint.request(*case.split(" ", 1))
        return f"{answer.status_code}, Allow: {answer.headers.get('allow', 'none')}"

    def documented(case: str) -> str:
        operations = document["paths"][case.split(" ", 1)[1].removeprefix(mount)]
        return f"405, Allow: {', '.join(sorted(operations)).upper()}"

    expect("undocumented methods", entrypoint.each(cases, ask), {case: documented(case) for case in cases})
    return len(cases)
