"""Headers on their way: a response's arrive as the application set them, and a client's key arrives."""

import uuid

import httpx
import pytest

from ..engine.check import PUBLIC, check
from ..engine.entrypoint import Entrypoint
from ..engine.expect import Expect
from ..engine.inventory import mapping

ROUTES = 3
# What an application says of its own responses, and no proxy can know better.
OWN = (
    "content-security-policy",
    "permissions-policy",
    "x-frame-options",
    "x-content-type-options",
    "referrer-policy",
    "cross-origin-opener-policy",
    "cross-origin-embedder-policy",
    "cross-origin-resource-policy",
)


@check(
    "headers.as_set",
    title="The application's own headers arrive as it set them",
    entrypoints=PUBLIC,
    level="hardening",
    source="RFC 9110 › 7.7",
    statement=(
        "A policy header that the application sets (who may frame a response, what a page may use) "
        "arrives once, with the application's value."
    ),
    fix=(
        "Let the proxy set the header only where the response has none (nginx: a map on $sent_http_…; "
        "HAProxy: unless { res.hdr(…) -m found }), or leave it to the application."
    ),
    needs=("route",),
)
def test_the_applications_own_headers_arrive(entrypoint: Entrypoint, expect: Expect) -> None:
    if not entrypoint.target.has_direct:
        pytest.skip("no direct entrypoint shows what the application sets")
    server = entrypoint.target.open("direct", entrypoint.expect)
    paths = [path for path in entrypoint.target.inventory.routes if "?" not in path][:ROUTES]
    there = {path: server.get(path) for path in paths}
    here = entrypoint.each(paths, entrypoint.get)
    # A proxy that wants a password answers in the application's place.
    paths = [path for path in paths if here[path].status_code == there[path].status_code]
    if not paths:
        pytest.skip("no route gets the same response from proxy and server")
    set_ = {path: own(there[path]) for path in paths}
    if not any(set_.values()):
        pytest.skip(f"on the server itself, {', '.join(paths)} set no such header")
    headers = {path: own(here[path]) for path in paths}
    values = {path: {name: headers[path].get(name, []) for name in set_[path]} for path in paths}
    expect("headers of the response", values, set_)


def own(answer: httpx.Response) -> dict[str, list[str]]:
    """Return the values of each; of a Content-Security-Policy, which may hold a nonce or a host, how many."""
    values_by_name = {name: answer.headers.get_list(name) for name in OWN if name in answer.headers}
    return {
        name: ["a policy"] * len(values) if name.startswith("content-") else values
        for name, values in values_by_name.items()
    }


@check(
    "headers.key",
    title="An API key header named in the schema arrives",
    entrypoints=PUBLIC,
    level="broken",
    source="CVE-2026-88011; nginx › Module ngx_http_core_module › underscores_in_headers",
    statement=(
        "Each header that a security scheme of the schema names reaches the application. A proxy that "
        "treats names with an underscore as aliases of others deletes it, and then every key is wrong."
    ),
    fix=(
        'Name the header with a hyphen (APIKeyHeader(name="X-API-Key")), or let the proxy keep it '
        "(Traefik: aliasHeadersStrategy; nginx: underscores_in_headers on). The proxy deletes names that "
        "contain anything but letters, digits and hyphens."
    ),
)
def test_a_header_in_which_the_schema_expects_a_key_arrives(entrypoint: Entrypoint, expect: Expect) -> None:
    names = sorted(set(entrypoint.target.inventory.key_headers))
    if not names:
        pytest.skip("no security scheme of the schema names a header")
    arrivals = {name: arrives(entrypoint, name) for name in names}
    answers = {name: there for name, there in arrivals.items() if there is not None}
    if not answers:
        pytest.skip(f"no response shows whether {', '.join(names)} arrives")
    expect.subject = next((name for name, there in answers.items() if not there), names[0])
    expect("arrives", answers, dict.fromkeys(answers, True))


def arrives(entrypoint: Entrypoint, name: str) -> bool | None:
    """Return whether the header `name` reaches the application; None where no response shows it."""
    value = uuid.uuid4().hex
    if "probe" not in entrypoint.target.lacks:
        return any(
            received_value == value
            for _, received_value in entrypoint.probe(headers={name: value})["headers"]
        )
    for path in locked(entrypoint, name)[:ROUTES]:
        if told_apart(entrypoint, path, {name: value}):
            return True
        if entrypoint.target.has_direct:
            server = entrypoint.target.open("direct", entrypoint.expect)
            if told_apart(server, path, {name: value}):
                return False
    return None


def told_apart(entrypoint: Entrypoint, path: str, headers: dict[str, str]) -> bool:
    """Say whether a wrong key is refused in another way than none."""
    first, again, other = (entrypoint.get(path, headers=variant) for variant in ({}, {}, headers))
    same_each_time = first.text == again.text  # without an id or a time in it
    return first.status_code != other.status_code or (same_each_time and first.text != other.text)


def locked(entrypoint: Entrypoint, name: str) -> list[str]:
    """Return paths without parameters whose GET needs a key in the header `name`."""
    inventory = entrypoint.target.inventory
    schemes = {key for key, one in inventory.schemes.items() if mapping(one).get("name") == name}
    paths = []
    for path, ways in mapping(inventory.schema.get("paths")).items():
        operation = mapping(mapping(ways).get("get"))
        needs = [
            set(mapping(one)) for one in operation.get("security", inventory.schema.get("security")) or []
        ]
        required = any(mapping(one).get("required") for one in operation.get("parameters", []))
        if operation and "{" not in path and not required and any(one & schemes for one in needs):
            paths.append(path)
    return paths
