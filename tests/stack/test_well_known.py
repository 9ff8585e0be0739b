"""WELL_KNOWN: metadata that stands outside the prefix reaches the application, and nothing else does."""

import pytest

from .conftest import addresses, client

MODULE = "tests.stack.applications:ordinary"
METADATA = "/.well-known/oauth-protected-resource/api/v1/mcp"
OTHERS = (
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/api/v1x/mcp",
    "/.well-known/security.txt",
    "/.well-known/oauth-protected-resource/api/v1/../../reports/a",
    "/reports/a",
)
SERVERS = ["uvicorn", "gunicorn", "hypercorn"]


@pytest.mark.parametrize("server", SERVERS)
def test_the_metadata_of_a_server_under_the_prefix_is_reached(served, server):
    served.must("up", APP_MODULE=MODULE, WELL_KNOWN="true", APP_SERVER=server)
    with client(served) as http:
        for url in addresses(served):
            origin = url.removesuffix("/api/v1")
            answer = http.get(f"{origin}{METADATA}")
            assert (answer.status_code, answer.json()["resource"]) == (200, "https://localhost/api/v1/mcp")
            for path in OTHERS:
                assert http.get(f"{origin}{path}").text == "404 page not found\n", path
            other = http.get(f"{origin}{METADATA}", headers={"Host": "evil.example"})
            assert other.text == "404 page not found\n"


def test_the_suite_finds_nothing_wrong_with_it_and_by_default_it_is_not_routed(served):
    served.must("up", WELL_KNOWN="true")
    code, output = served.make(
        "verify", FAST=1, CHECKS="prefix.*,exposure.*,path.*,host.*", WELL_KNOWN="true"
    )
    assert code == 0, output
    served.must("up", APP_MODULE=MODULE)
    with client(served) as http:
        origin = addresses(served)[0].removesuffix("/api/v1")
        assert http.get(f"{origin}{METADATA}").text == "404 page not found\n"
