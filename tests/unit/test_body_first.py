"""A long response waits for the end of the request's body (middleware/body_first.py)."""

import anyio
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse

from behindproxy_serve.middleware import body_first
from behindproxy_serve.middleware.body_first import BodyFirst

LENGTH = (b"content-length", b"2")


async def stream(scope, receive, send):
    async def parts():
        yield b"a"
        yield b"b"

    await StreamingResponse(parts())(scope, receive, send)


async def echo(scope, receive, send):
    await StreamingResponse(Request(scope, receive).stream())(scope, receive, send)


def happened(app, parts, headers=(LENGTH,), pause=0.0):
    """What was received and sent, in its order, without empty parts; the body comes in `parts`, `pause`
    seconds apart."""
    events, parts = [], list(parts)

    async def receive():
        if not parts:
            await anyio.sleep_forever()
        await anyio.sleep(pause)
        part = parts.pop(0)
        events.append(f"received {part.decode()}")
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message):
        kind = message["type"].rpartition(".")[2]
        if kind == "start" or message["body"]:
            events.append(kind if kind == "start" else f"sent {message['body'].decode()}")

    scope = {"type": "http", "method": "POST", "http_version": "1.1", "headers": list(headers)}
    scope["asgi"] = {"spec_version": "2.4"}
    anyio.run(BodyFirst(app), scope, receive, send)
    return events


def test_a_stream_begins_when_the_body_has_come():
    assert happened(stream, [b"x", b"y"]) == ["received x", "received y", "start", "sent a", "sent b"]


def test_what_is_read_ahead_is_still_the_application_s():
    assert happened(echo, [b"x", b"y"]) == ["received x", "received y", "start", "sent x", "sent y"]


def test_a_moment_passes_between_the_end_of_the_body_and_the_response(monkeypatch):
    slept, sleep = [], anyio.sleep

    async def noted(seconds):
        slept.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr(body_first.anyio, "sleep", noted)
    happened(stream, [b"x"])
    assert slept[-1] == body_first.PAUSE_SECONDS > 0


def test_before_a_short_one_it_is_seen_whether_the_client_has_left():
    """An application that does not read the body would not know, and its response would be logged."""
    events = []

    async def receive():
        events.append("left")
        return {"type": "http.disconnect"}

    async def send(message):
        events.append(message["type"])

    scope = {"type": "http", "method": "POST", "http_version": "1.1", "headers": [LENGTH]}
    anyio.run(BodyFirst(JSONResponse({})), scope, receive, send)
    assert events == ["left", "http.response.start", "http.response.body"]


@pytest.mark.parametrize("app", [JSONResponse({}), PlainTextResponse("x" * body_first.LONG_BYTES)])
def test_a_short_response_waits_for_nothing(app):
    assert happened(app, [b"x"])[0] == "start"


def test_a_long_one_of_known_length_waits():
    app = PlainTextResponse("x" * (body_first.LONG_BYTES + 1))
    assert happened(app, [b"x"])[:2] == ["received x", "start"]


def test_nothing_waits_where_no_body_is_announced():
    for headers in ((), ((b"content-length", b"0"),)):
        assert happened(stream, [b""], headers)[0] == "start"


def test_a_body_that_does_not_end_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(body_first, "AHEAD_SECONDS", 0.05)
    events = happened(echo, [b"x", b"y", b"z"], pause=0.04)
    assert events[:3] == ["received x", "start", "sent x"] and events[-2:] == ["received z", "sent z"]


def test_no_more_is_read_ahead_than_memory_is_meant_for():
    part = b"x" * body_first.AHEAD_BYTES
    events = happened(echo, [part, part, b"y"])
    assert [one[:10] for one in events[:3]] == ["received x", "start", "sent xxxxx"]
