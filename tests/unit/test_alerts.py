"""What the alert ServerErrors counts: evaluated here, as far as its expression goes, on made-up rates."""

import json
import re

import pytest
import yaml

from behindproxy.stack.paths import ROOT

FOLDER = ROOT / "deploy" / "observability"
SELECTOR = re.compile(r"sum\(rate\((\w+)\{([^}]*)\}\[[^\]]*\]\)\)")
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')

HTTP = "traefik_entrypoint_requests_total"
APP = "http_requests_total"


def matches(labels: dict[str, str], matchers: str) -> bool:
    for label, kind, pattern in MATCHER.findall(matchers):
        same = (
            re.fullmatch(pattern, labels.get(label, "")) if "~" in kind else labels.get(label, "") == pattern
        )
        if bool(same) == kind.startswith("!"):
            return False
    return True


def value(expression: str, rates: list[tuple[str, dict[str, str], float]]) -> float | None:
    """What it is while these series grow by so many requests a second; None where Prometheus has no value."""

    def total(match: re.Match[str]) -> str:
        name, matchers = match.groups()
        grown = [rate for series, labels, rate in rates if series == name and matches(labels, matchers)]
        return str(sum(grown)) if grown else "nothing"

    text = SELECTOR.sub(total, expression).replace("nothing or vector(0)", "0.0")
    text = re.sub(r"([\d.]+) or vector\(0\)", r"\1", text)
    if "nothing" in text:
        return None
    assert re.fullmatch(r"(?:clamp_min|[\d.()+/, -])+", text), text
    return float(eval(text, {"clamp_min": max}))


def error_share() -> str:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    (rule,) = [rule for group in groups for rule in group["rules"] if rule["alert"] == "ServerErrors"]
    share, _, limit = rule["expr"].partition(">")
    assert float(limit) == 0.05
    return share.strip()


def proxied(code: str, rate: float, entrypoint: str = "https") -> tuple[str, dict[str, str], float]:
    return HTTP, {"entrypoint": entrypoint, "code": code}, rate


def served(status: str, rate: float, route: str = "/items/{id}") -> tuple[str, dict[str, str], float]:
    return APP, {"status": status, "route": route}, rate


WELL = [proxied("200", 9.0), served("200", 9.0), proxied("200", 1.0, "ops")]
CASES = {
    "a client's malformed chunks, which Traefik answers with 500": ([proxied("500", 1.0)], 0.0),
    "the application's 500": ([proxied("500", 1.0), served("500", 1.0)], 0.1),
    "the application's 503": ([proxied("503", 1.0), served("503", 1.0)], 0.1),
    "its 502, once": ([proxied("502", 1.0), served("502", 1.0)], 0.1),
    "no response of it": ([proxied("502", 0.5), proxied("504", 0.5)], 0.1),
    "health checks of one that drains": (
        [served("503", 1.0, "/readyz"), served("503", 1.0, "/sub/healthz")],
        0.0,
    ),
    "uploads that clients break off": ([proxied("502", 2.0), served("499", 2.0)], 0.0),
    "those, and no response of it": ([proxied("502", 3.0), served("499", 2.0)], 0.08),
    "a late response of it, which no upload hides": ([proxied("504", 1.0), served("499", 1.0)], 0.1),
    "those that Traefik takes for something else": ([proxied("500", 1.0), served("499", 1.0)], 0.0),
    "what clients do": ([proxied("429", 0.5), proxied("413", 0.5)], 0.0),
}


@pytest.mark.parametrize("case", CASES)
def test_the_alert_counts_what_the_server_did_and_not_what_a_client_did(case):
    rates, share = CASES[case]
    assert value(error_share(), [*WELL, *rates]) == pytest.approx(share, abs=0.02)


def test_nothing_that_has_never_happened_keeps_it_from_counting():
    assert value(error_share(), [proxied("200", 9.0), proxied("504", 1.0)]) == pytest.approx(0.1)
    assert value(error_share(), []) is None


def test_the_dashboard_counts_the_same():
    board = json.loads((FOLDER / "grafana/dashboards/service.json").read_text())
    by_title = {
        target["legendFormat"]: target["expr"] for panel in board["panels"] for target in panel["targets"]
    }
    errors = by_title["5xx of the application, 502 and 504"]
    for rates, share in CASES.values():
        requests = sum(rate for _, labels, rate in [*WELL, *rates] if labels.get("entrypoint") == "https")
        assert value(errors, [*WELL, *rates]) == pytest.approx(requests * share, abs=0.2)
