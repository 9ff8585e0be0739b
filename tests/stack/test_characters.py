"""ENCODED_CHARACTERS: what passes in a path, what it costs, and what the suite makes of it."""

import json
from urllib.parse import unquote, urlsplit

import pytest

from .conftest import addresses, client

MODULE = "tests.stack.applications:ordinary"
ALL = ("%2F", "%5C", "%00", "%3B", "%25", "%3F", "%23")
DEFAULT = ("%3B", "%25", "%3F", "%23")


def send(http, url: str, path: str) -> tuple[int, str]:
    """The status and text of a path sent as it is written, which clients would tidy."""
    target = f"{urlsplit(url).path}{path}".encode()
    answer = http.get(url, extensions={"target": target})
    return answer.status_code, answer.text


@pytest.mark.parametrize("allowed", [DEFAULT, ("%2F", "%5C", "%00", "//"), ("none",)], ids=",".join)
def test_what_is_allowed_arrives_and_the_rest_is_refused_with_a_line_in_the_log(served, allowed):
    settings = {} if allowed == DEFAULT else {"ENCODED_CHARACTERS": ",".join(allowed)}
    strips = "//" not in allowed
    served.must("up", APP_MODULE=MODULE, STRIP_PREFIX=str(strips).lower(), **settings)
    before = len(log(served))
    with client(served) as http:
        for url in addresses(served):
            for code in ALL:
                status, text = send(http, url, f"/units/a{code}b")
                if code in allowed:
                    assert (status, json.loads(text)) == (200, f"a{unquote(code)}b")
                else:
                    assert (status, text) == (400, "")
            address = "https://example.com/x"
            value = json.loads(send(http, url, f"/units/{address}")[1])
            assert value == (address.replace("//", "/") if strips else address)
            for dots in ("/units/../units/a", "/units/./a", "/units/%2e%2e/units/a", "/../v1/units/a"):
                assert send(http, url, dots)[1] != json.dumps("../units/a")
                assert send(http, url, dots)[0] in ((200, 404) if strips else (404,))
    refused = [json.loads(line) for line in log(served)[before:] if '"DownstreamStatus":400' in line]
    assert len(refused) == 2 * len({*ALL} - {*allowed})
    # Traefik puts the entrypoint before the name where one of the router's has TLS.
    assert all(line["RouterName"].endswith("app@file") for line in refused)


@pytest.mark.parametrize("characters", ["%3B,%25,%3F,%23", "%2F,%5C,%3F,//", "none"])
def test_the_suite_knows_what_is_allowed(served, characters):
    for module in ("app.main:app", MODULE):
        settings = {"ENCODED_CHARACTERS": characters, "STRIP_PREFIX": str("//" not in characters).lower()}
        served.must("up", APP_MODULE=module, **settings)
        code, output = served.make("verify", CHECKS="path.*", FAST=1, **settings)
        assert code == 0, output


def log(checkout) -> list[str]:
    """Traefik's own lines of requests, without what stands before them."""
    output = checkout.must("logs", FOLLOW=0)
    return [line[line.index("{") :] for line in output.splitlines() if '"RequestPath"' in line]
