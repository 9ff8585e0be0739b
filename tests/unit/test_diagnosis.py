"""The pattern of red checks decides which cause is named first."""

from types import SimpleNamespace

import pytest

from behindproxy.contract.causes import CAUSES
from behindproxy.contract.diagnosis import diagnose


def results(red: dict[str, str], hint: str = "the hint") -> list[SimpleNamespace]:
    made = []
    for place, observed in red.items():
        id, _, entrypoint = place.partition("@")
        check = SimpleNamespace(id=id, group=id.partition(".")[0], title=f"title of {id}")
        made.append(
            SimpleNamespace(check=check, entrypoint=entrypoint, red=True, observed=observed, hint=hint)
        )
    return made


def at(check: str, observed: str, *entrypoints: str) -> dict[str, str]:
    return {f"{check}@{entrypoint}": observed for entrypoint in entrypoints}


PATTERNS = {
    "root path is not set": {
        **at("app.root_path", "body: \n  root_path -> ", "http", "https", "direct"),
        **at("scope.root_path", "root_path: ", "http", "https", "direct"),
        **at("scope.forwarded_prefix", "root_path: ", "http", "https"),
    },
    "does not strip": {
        **at("app.root_path", "status: 404", "http", "https"),
        **at("redirect.keeps_prefix", "status: 404", "http", "https"),
    },
    "the proxy's own 404": {
        **at("app.root_path", "status: 404", "http", "https"),
        **at("app.not_found_is_the_applications", "content type: text/plain", "http", "https"),
    },
    "does not listen at the https entrypoint": at("app.answers", "statuses: 404", "https"),
    "no router takes the prefixed path": at("app.answers", "/docs -> 404 from the proxy", "http", "https"),
    "the proxy cannot reach the server": at("app.answers", "/docs -> 502", "http", "https"),
    "the server does not answer": {
        **at("app.answers", "/docs -> 502", "http", "https"),
        **at("app.answers", "could not check: ConnectError", "direct"),
    },
    "the server's own port does not answer": at("app.answers", "could not check: refused", "direct"),
    "the server does not trust the proxy": {
        **at("scope.scheme", "scheme: http", "https"),
        **at("scope.client", "client: 172.30.98.10", "http", "https"),
        **at("redirect.keeps_prefix", "Location: http://", "https"),
    },
    "X-Forwarded-Proto is overwritten": at("scope.scheme", "scheme: http", "https"),
    "Traefik trusts its clients": {
        **at("trust.proxy_cannot_spoof", "X-Forwarded-* -> 6.6.6.6", "http"),
        **at("trust.one_value_each", "X-Forwarded-Host -> evil.example", "http"),
    },
    "trusts callers that are not the proxy": at("trust.direct_cannot_spoof", "client -> 6.6.6.6", "direct"),
    "reads X-Forwarded-Host": at("trust.direct_cannot_spoof", "url -> evil.example", "direct"),
    "the proxy sends a request again that the application has answered": at(
        "delivery.sent_once", "3", "http", "https"
    ),
    "the proxy holds a stream back": at("stream.not_buffered", "2.0 s", "http", "https"),
    "the application holds a stream back": at("stream.not_buffered", "2.0 s", "http", "https", "direct"),
}


@pytest.mark.parametrize("says", PATTERNS)
def test_the_pattern_names_the_cause_first(says):
    assert says in diagnose(results(PATTERNS[says]))[0]


def test_two_faults_are_two_causes():
    red = PATTERNS["Traefik trusts its clients"] | PATTERNS["the proxy holds a stream back"]
    first, second = diagnose(results(red))
    assert "Traefik trusts" in first and "holds a stream back" in second


def test_what_nobody_listed_gets_the_hint_of_the_most_upstream_check():
    red = at("logs.new", "", "http") | at("path.new", "", "http")
    assert diagnose(results(red)) == ["title of path.new (path.new): the hint"]


def test_nothing_red_is_no_diagnosis():
    assert diagnose([]) == []


def test_each_cause_says_what_to_change():
    assert all(len(cause.fix) > 20 and not cause.says.endswith(".") for cause in CAUSES)
    assert len({cause.says for cause in CAUSES}) == len(CAUSES)
