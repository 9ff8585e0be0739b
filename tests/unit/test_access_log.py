"""Traefik's access log: whose limit ended a request, and which characters were refused."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from behindproxy.doctor import access_log
from behindproxy.stack.settings import StackSettings

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
# As Traefik 3.7 writes it, without the client's address and the like.
LINE = {
    "DownstreamStatus": 504,
    "Duration": 30_001_804_922,
    "OriginDuration": 30_001_619_690,
    "OriginStatus": 504,
    "RequestMethod": "GET",
    "RequestPath": "/api/v1/reports/a",
    "RetryAttempts": 0,
    "StartUTC": "2026-05-04T11:59:00.22816919Z",
    "level": "info",
    "time": "2026-05-04T11:59:30Z",
}


def read(prefix: str = "", **changes) -> access_log.Request:
    line = json.dumps(LINE | changes)
    return access_log.read(f'no request\n{{"level":"error"}}\n{prefix}{line}\n{{"DownstreamStatus": "cut')[0]


def test_a_line_is_read_behind_any_prefix():
    for prefix in ("", "traefik | ", "traefik-1  | "):
        assert read(prefix) == access_log.Request(
            datetime(2026, 5, 4, 11, 59, 0, 228169, UTC),
            "GET",
            "/api/v1/reports/a",
            504,
            30.001804922,
            30.00161969,
            0,
            passed_on=True,
            by_application=False,
        )


def test_lines_before_the_start_of_traefik_and_old_ones_do_not_count():
    request = read()
    for up_seconds, age, count in ((3600, 0, 1), (10, 0, 0), (90000, 3600, 0), (90000, 3000, 1)):
        one = replace(request, at=request.at - timedelta(seconds=age))
        assert len(access_log.since_start([one], up_seconds, NOW)) == count, (up_seconds, age)


@pytest.mark.parametrize(
    "changes, limit",
    [
        ({}, "answer"),
        ({"origin_X-Request-Id": "1"}, ""),  # the application's own
        ({"OriginStatus": 0}, ""),  # no server was tried
        # An upload that takes as long as a client may; 45 s of it, and 30 s for the application.
        ({"RequestMethod": "PUT", "Duration": 60_012_000_000, "OriginDuration": 60_011_000_000}, "request"),
        ({"RequestMethod": "PUT", "Duration": 60_012_000_000, "DownstreamStatus": 499}, "request"),
        ({"RequestMethod": "PUT", "Duration": 12_012_000_000, "DownstreamStatus": 499}, ""),
        ({"RequestMethod": "PUT", "Duration": 75_012_000_000, "OriginDuration": 75_011_000_000}, "answer"),
        ({"Duration": 60_012_000_000, "OriginDuration": 60_011_000_000}, "answer"),  # no body
        ({"DownstreamStatus": 502, "OriginDuration": 30_001_000_000}, "server"),
        ({"DownstreamStatus": 502, "OriginDuration": 29_000_000_000}, "connection"),
        ({"DownstreamStatus": 502, "OriginDuration": 800_000, "RetryAttempts": 19}, "connection"),
        ({"OriginDuration": 1_001_000_000, "RetryAttempts": 19}, "connection"),
        ({"RetryAttempts": 2}, "answer"),  # the third server took it
    ],
)
def test_whose_limit_it_was(changes, limit):
    assert access_log.limit(read(**changes), StackSettings()) == limit


@pytest.mark.parametrize(
    "path, characters",
    [
        ("/a%2Fb", "%2F"),
        ("/a%2fb%2Fc%00", "%2F, %00"),
        ("/a%3Bb%25c%3f%23%5c", "%3B, %25, %3F, %23, %5C"),
        ("/a%20b", ""),
        ("/a?b=%2F", ""),
    ],
)
def test_which_encoded_characters_are_in_a_path(path, characters):
    assert ", ".join(access_log.encoded(path)) == characters
    assert access_log.encoded(path, ["%2F", "%00", "%3B", "%25", "%3F", "%23", "%5C"]) == []


def test_a_refusal_is_one_where_no_server_was_tried():
    refused = {"DownstreamStatus": 400, "RequestPath": "/a%2Fb", "OriginStatus": 0}
    lines = [refused, refused | {"OriginStatus": 400}, refused | {"RequestPath": "/a"}]
    assert len(list(access_log.refused_encoded([read(**one) for one in lines]))) == 1


@pytest.mark.parametrize(
    "statuses, counts",
    [((404, 404, 404), True), ((404, 404), False), ((404, 200, 404), False), ((404, 404, 401), False)],
)
def test_only_404_is_told_where_nothing_else_was_answered(statuses, counts):
    requests = [read(DownstreamStatus=status) for status in statuses]
    assert access_log.only_404(requests) == (requests if counts else [])
