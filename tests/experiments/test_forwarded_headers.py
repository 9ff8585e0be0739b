"""Whose forwarded headers a server trusts, and what it makes of them."""

import re

import pytest

from .serving import ROOT_PATH, location
from .statement import statement

AS_SENT = {"client": "198.51.100.7", "scheme": "https"}


def trusted(scope: dict) -> bool:
    return {key: scope[key] for key in AS_SENT} == AS_SENT


@statement(
    "Proxy Forwarded Headers",
    "As the server doesn't know it is behind a trusted proxy, it won't interpret those headers.",
    "True of other machines. Uvicorn trusts 127.0.0.1 without being told to.",
)
def test_by_default_only_this_machine_is_trusted(serve, other):
    assert serve().seen(other)["client"] == other
    assert serve().seen(other)["scheme"] == "http"
    assert trusted(serve().seen("127.0.0.1"))


@statement(
    "Enable Proxy Forwarded Headers", "--forwarded-allow-ips names the IP addresses that should be trusted."
)
def test_the_addresses_named_are_trusted_and_no_other(serve, other):
    trusting = serve("--forwarded-allow-ips", other)
    assert trusted(trusting.seen(other))
    assert not trusted(trusting.seen("127.0.0.1"))


@statement(
    "Enable Proxy Forwarded Headers",
    'If you set it to --forwarded-allow-ips="*" it would trust all the incoming IPs.',
)
def test_a_star_trusts_everyone(serve, other):
    trusting = serve(*ROOT_PATH, "--forwarded-allow-ips", "*")
    assert trusted(trusting.seen(other)) and trusted(trusting.seen("127.0.0.1"))


@statement(
    "Enable Proxy Forwarded Headers",
    "Pass the IP addresses that should be trusted.",
    "Uvicorn also accepts a name, host bits, a quoted * and semicolons, and then silently trusts nobody.",
)
@pytest.mark.parametrize("value", ["localhost", "127.0.0.1/8", "'*'", '"*"', "127.0.0.1;10.0.0.1"])
def test_what_is_no_address_is_taken_silently_and_trusted_by_nobody(serve, value):
    served = serve("--forwarded-allow-ips", value)
    assert not trusted(served.seen("127.0.0.1"))
    assert not re.search("warn|error|invalid", served.log.read_text(), re.IGNORECASE)


@statement(
    "Redirects with HTTPS",
    "Before setting --forwarded-allow-ips /items redirects to http, with it to https and the host.",
)
def test_redirects_are_https_once_the_proxy_is_trusted(serve, other):
    before, after = serve(), serve("--forwarded-allow-ips", other)
    assert location(before.forwarded("/items", other)) == "http://mysuperapp.com/items/"
    assert location(after.forwarded("/items", other)) == "https://mysuperapp.com/items/"


@statement(
    "Redirects with HTTPS",
    "By setting --proxy-headers now FastAPI would be able to redirect to the right location.",
    "It is on by default and does nothing more; --forwarded-allow-ips decides whom it trusts.",
)
def test_proxy_headers_is_the_default_and_trusts_nobody_more(serve, other):
    on, default, off = serve("--proxy-headers"), serve(), serve("--no-proxy-headers")
    for caller, scheme in (("127.0.0.1", "https"), (other, "http")):
        assert on.seen(caller)["scheme"] == default.seen(caller)["scheme"] == scheme
    assert off.seen("127.0.0.1")["scheme"] == "http"


@statement(
    "How Proxy Forwarded Headers Work",
    "X-Forwarded-Host: when trusted, it is used, for example to generate the URLs in redirects.",
    "Uvicorn does not read it (uvicorn#965): the proxy must pass the client's Host on.",
)
def test_x_forwarded_host_is_not_read(serve):
    other = {"X_Forwarded_Host": "other.example"}
    scope = serve().seen(**other)
    assert trusted(scope) and scope["host"] == "mysuperapp.com"
    assert location(serve().forwarded("/items", **other)) == "https://mysuperapp.com/items/"
