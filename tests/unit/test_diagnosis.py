"""The pattern of red checks decides which cause is named first."""

import re
from types import SimpleNamespace

import pytest

from behindproxy.contract.advice import advice, reference
from behindproxy.contract.advice.cause import Red
from behindproxy.contract.advice.causes import ARRIVING, CAUSES, DEMONSTRATION
from behindproxy.contract.advice.diagnosis import Diagnosis, diagnose
from behindproxy.contract.advice.setting import Setting

OURS = Setting(proxy="traefik", server="uvicorn", ours=True, prefix="/api/v1", hosts=("localhost",))


def results(red: dict[str, str], fix: str = "the fix") -> list[SimpleNamespace]:
    rows = []
    # A run asks for the response on each entrypoint.
    answered = {f"app.answers@{name}": "" for name in ("http", "https", "direct")}
    for place, observed in (answered | red).items():
        id, _, entrypoint = place.partition("@")
        check = SimpleNamespace(id=id, group=id.partition(".")[0], title=f"title of {id}")
        rows.append(
            SimpleNamespace(
                check=check,
                entrypoint=entrypoint,
                status="failed" if observed else "passed",
                level="broken",
                red=bool(observed),
                observed=observed,
                fix=fix,
            )
        )
    return rows


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
    "is not on the https entrypoint": at("app.answers", "statuses: 404", "https"),
    "no router matches the prefixed path": at("app.answers", "/docs -> 404 from the proxy", "http", "https"),
    "the proxy cannot reach the server": at("app.answers", "/docs -> 502", "http", "https"),
    "at the server too, without the proxy": at("app.answers", "/docs -> 404", "http", "https", "direct"),
    "the server does not respond": {
        **at("app.answers", "/docs -> 502", "http", "https"),
        **at("app.answers", "could not check: ConnectError", "direct"),
    },
    "the server's own port does not respond": at("app.answers", "could not check: refused", "direct"),
    "the server does not trust the proxy": {
        **at("scope.scheme", "scheme: http", "https"),
        **at("scope.client", "client: 172.30.98.10", "http", "https"),
        **at("redirect.keeps_prefix", "Location: http://", "https"),
    },
    "Traefik trusts its clients": {
        **at("trust.proxy_cannot_spoof", "X-Forwarded-* -> 6.6.6.6", "http"),
        **at("trust.one_value_each", "X-Forwarded-Host -> evil.example", "http"),
    },
    "trusts callers other than the proxy": at("trust.direct_cannot_spoof", "client -> 6.6.6.6", "direct"),
    "reads X-Forwarded-Host": at("trust.direct_cannot_spoof", "url -> evil.example", "direct"),
    "the proxy retries a request to which the application has responded": at(
        "delivery.sent_once", "3", "http", "https"
    ),
    "the proxy holds a stream back": at("stream.not_buffered", "2.0 s", "http", "https"),
    "the application holds a stream back": at("stream.not_buffered", "2.0 s", "http", "https", "direct"),
}


@pytest.mark.parametrize("says", PATTERNS)
def test_the_pattern_names_the_cause_first(says):
    assert says in diagnose(results(PATTERNS[says]), setting=OURS).causes[0].cause


def test_a_scheme_alone_is_overwritten_where_the_client_is_right_and_not_where_nobody_looked():
    red, green = (
        results(at("scope.scheme", "scheme: http", "https")),
        results(at("scope.client", "", "https")),
    )
    for one in green:
        one.status = "passed"
    assert "X-Forwarded-Proto is overwritten" in diagnose([*red, *green], setting=OURS).causes[0].cause
    assert "overwritten" not in diagnose(red, setting=OURS).causes[0].cause


def test_two_faults_are_two_causes():
    red = PATTERNS["Traefik trusts its clients"] | PATTERNS["the proxy holds a stream back"]
    first, second = diagnose(results(red), setting=OURS).causes
    assert "Traefik trusts" in first.cause and "holds a stream back" in second.cause


def test_what_nobody_listed_gets_the_fix_of_the_most_upstream_check():
    red = at("logs.new", "wrong", "http") | at("path.new", "wrong", "http")
    result = diagnose(results(red))
    assert [str(one) for one in result.causes] == ["path.new fails: the fix"]
    assert result.causes[0].explains == ["path.new@http"]
    assert result.unexplained == ["logs.new@http"]


def test_what_a_browser_meets_is_the_fault_that_was_read_in_the_page():
    red = at("application.assets", "/a.js", "http") | at("browser.pages", "GET /a.js: 404", "http")
    result = diagnose(results(red))
    assert result.causes[0].explains == ["application.assets@http", "browser.pages@http"]
    assert not result.unexplained


NO_CONNECTION = "could not check: ConnectionError: nothing answers at https://localhost:9443 (timed out)"
OFTEN_TAKEN_FOR_A_CAUSE = (
    "app.answers",
    "app.doubled_prefix",
    "app.not_found_is_the_applications",
    "application.redirects",
    "links.host",
    "links.prefix",
    "path.same_at_server",
    "redirect.keeps_prefix",
    "scope.client",
    "scope.scheme",
    "trust.one_value_each",
    "trust.proxy_cannot_spoof",
)


@pytest.mark.parametrize("setting", [OURS, Setting("nginx", "uvicorn", prefix="/api/v1")])
def test_an_entrypoint_that_does_not_respond_is_the_only_cause(setting):
    red = {f"{check}@https": NO_CONNECTION for check in OFTEN_TAKEN_FOR_A_CAUSE}
    diagnosis = diagnose(results(red), setting=setting)
    assert [one.cause for one in diagnosis.causes] == [
        "nothing responds at the entrypoint https, but http responds"
    ]
    assert diagnosis.unexplained == []


def test_what_got_no_response_names_no_cause():
    red = {f"{check}@https": NO_CONNECTION for check in OFTEN_TAKEN_FOR_A_CAUSE if check != "app.answers"}
    (cause,) = diagnose(results(red), setting=Setting("nginx", "uvicorn", prefix="/api/v1")).causes
    assert cause.fix == "the fix"  # the check's own


def test_nothing_red_is_no_diagnosis():
    assert diagnose([]) == Diagnosis()


def test_each_cause_says_what_to_change_here_and_elsewhere():
    assert all(not cause.says.endswith(".") for cause in CAUSES)
    assert {cause.id for cause in (*ARRIVING, *DEMONSTRATION)} == reference.CAUSES.keys()
    assert {cause.id for cause in CAUSES} <= advice.CHANGES.keys()
    assert all("any" in changes for changes in advice.CHANGES.values())


PROXIES = ("traefik", "nginx", "caddy", "haproxy", "kubernetes", "")
SERVERS = ("uvicorn", "fastapi", "gunicorn", "hypercorn", "")
OWN = re.compile(
    r"traefik/|behindproxy|\bAPI_PREFIX|PUBLIC_HOSTS|TRUSTED_PROXIES|make up|docker-compose|\.env\b"
)


@pytest.mark.parametrize("proxy", PROXIES)
@pytest.mark.parametrize("server", SERVERS)
def test_elsewhere_no_change_names_a_file_or_a_setting_of_this_repository(proxy, server):
    setting = Setting(proxy, server, prefix="/shop")
    texts = {cause.id: cause.fix_for(setting) for cause in CAUSES}
    assert all(len(text) > 20 for text in texts.values())
    assert {id: text for id, text in texts.items() if OWN.search(text) or "{prefix}" in text} == {}


@pytest.mark.parametrize("proxy", PROXIES)
@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("cause", advice.EITHER)
def test_where_either_may_be_at_fault_both_have_their_line(cause, server, proxy):
    text = advice.change(cause, Setting(proxy, server, prefix="/shop"))
    assert text.startswith(advice.TRUSTING.get(server or "any"))
    assert "X-Forwarded-" in text or "forwardfor" in text or "the ingress controller" in text


ELSEWHERE = {
    "does not send X-Forwarded-Proto": {
        **at("links.scheme", "http://shop.example/shop/a", "https"),
        **at("trust.redirect_not_steered", "addresses under: \n  junk -> []", "https"),
    },
    "does not trust the proxy, or": at("links.scheme", "http://shop.example/shop/a", "https"),
    "a redirect of its own": {
        **at("redirect.start_page", "Location of /shop: http://shop.example:8080/shop/", "http", "https"),
        **at("links.scheme", "", "http", "https"),
    },
    "does not pass Host on": at("links.host", "http://backend/shop/a", "http", "https"),
    "without its port": at("links.port", "http://shop.example/shop/a", "http"),
    "root path is not set": at("openapi.servers", "first server: nothing", "http"),
    "a different prefix": at("openapi.servers", 'first server: ["/other"]', "http"),
    "not prepended": at("app.doubled_prefix", "the route", "http"),
    "Upgrade does not reach": at("websocket.opens", "404", "http"),
    "a WebSocket does not get the path": at("websocket.opens", "handshake with /live: 403", "http"),
    "trusts its clients": at("trust.redirect_not_steered", "X-Forwarded-* -> []", "http"),
    "callers other than the proxy": at("trust.redirect_not_steered", "X-Forwarded-* -> []", "direct"),
    "every client has the proxy's address": at("application.client_address", "127.0.0.1", "http"),
}


@pytest.mark.parametrize("proxy", ["nginx", "caddy", "haproxy", "traefik"])
def test_a_lost_scheme_has_the_line_of_a_proxy_behind_another(proxy):
    assert "behind another proxy" in advice.change(
        "scheme_not_sent", Setting(proxy, "uvicorn", prefix="/shop")
    )


@pytest.mark.parametrize("says", ELSEWHERE)
def test_elsewhere_an_answer_s_addresses_name_the_cause(says):
    setting = Setting("nginx", "uvicorn", prefix="/shop", hosts=("shop.example",))
    assert says in diagnose(results(ELSEWHERE[says]), setting=setting).causes[0].cause


@pytest.mark.parametrize(
    ("observed", "is_status"),
    [("status: 302", True), ("302 to itself", True), ("http://127.0.0.1:23021 after 4.302 s", False)],
)
def test_a_part_of_a_port_is_no_status(observed, is_status):
    assert Red({"app.root_path@https": observed}).says("app.root_path", "302") is is_status
