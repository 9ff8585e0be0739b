"""What is noted of a request: its id, its line, its counts."""

import json
import os
import select

import anyio
import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route, WebSocketRoute

from behindproxy_serve import metrics
from behindproxy_serve.metrics import OTHER, Counts, Slot, totals
from behindproxy_serve.middleware import lines
from behindproxy_serve.middleware.observe import Observe
from behindproxy_serve.request_id import request_id

from .asgi import request

KEY = ("GET", "/items/{id}", 200)


async def here(request_):
    return JSONResponse({"id": request_id.get()}, headers=dict(request_.query_params))


async def named(request_):
    return JSONResponse({"id": request_id.get()}, headers={"X-Request-Id": "its-own"})


def observed(path="/", headers=(), app=None):
    """The response's headers by name, its body and the status counted."""
    app = app or Starlette(routes=[Route("/", here), Route("/named", named)])
    layer = Observe(app, "", None, "", 0)
    _, messages = request(layer, path, headers=headers)
    values = {}
    for name, value in messages[0]["headers"]:
        values.setdefault(name.decode().lower(), []).append(value.decode())
    return values, messages[1]["body"], list(layer.slot.places)


def line(capfd):
    return json.loads(capfd.readouterr().out)


def test_a_harmless_id_of_the_client_is_adopted_in_answer_application_and_line(capfd):
    headers, body, _ = observed(headers=[("x-request-id", "01HV-x_y.z")])
    assert headers["x-request-id"] == ["01HV-x_y.z"]
    assert json.loads(body) == {"id": "01HV-x_y.z"}
    assert line(capfd)["request_id"] == "01HV-x_y.z"


@pytest.mark.parametrize("bad", ["", 'a"b', "a b", "é", "x" * 129, "a\n"])
def test_another_one_is_made_in_place_of_any_other(bad, capfd):
    headers, _, _ = observed(headers=[("x-request-id", bad)])
    (new_id,) = headers["x-request-id"]
    assert len(new_id) == 32 and line(capfd)["request_id"] == new_id


def test_two_ids_are_none(capfd):
    headers, body, _ = observed(headers=[("x-request-id", "a<b>"), ("x-request-id", "good")])
    (new_id,) = headers["x-request-id"]
    assert len(new_id) == 32 and json.loads(body) == {"id": new_id} and line(capfd)["request_id"] == new_id


def test_the_application_s_own_id_is_the_only_one(capfd):
    headers, _, _ = observed("/named", headers=[("x-request-id", "the-client-s")])
    assert headers["x-request-id"] == ["its-own"]
    assert line(capfd)["request_id"] == "its-own"


@pytest.mark.parametrize(
    "parent, trace",
    [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "0af7651916cd43dd8448eb211c80319c"),
        ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", None),
    ],
)
def test_the_trace_is_in_the_line(parent, trace, capfd):
    observed(headers=[("traceparent", parent)])
    assert line(capfd)["trace_id"] == trace


def test_a_path_cannot_break_the_line_or_wash_the_log(capfd):
    observed('/\n"{}\u2028' + "x" * 60_000)
    text = capfd.readouterr().out
    assert text.count("\n") == 1 and len(text) < 3_000
    assert json.loads(text)["path"].startswith('/\n"{}\u2028xxx')


@pytest.mark.parametrize("character", ["\0", "é", "\N{GRINNING FACE}", '"'])
def test_a_line_is_written_to_a_pipe_at_once_and_unmixed(character, capfd):
    layer = Observe(Starlette(), "", None, "", 0)
    request(layer, "/" + character * 30_000, method="&" * 30_000, headers=[("x-request-id", "x" * 128)])
    text = capfd.readouterr().out
    assert len(text) < select.PIPE_BUF
    assert json.loads(text)["path"].startswith("/" + character * 100)


def test_an_answer_is_sent_where_no_line_can_be_written(monkeypatch):
    read_end, write_end = os.pipe()
    os.close(read_end)
    monkeypatch.setattr(lines, "STDOUT", write_end)
    assert json.loads(observed()[1])["id"]
    os.close(write_end)


@pytest.fixture
def writes(monkeypatch):
    """What each write of access lines had."""
    texts = []
    monkeypatch.setattr(lines.os, "write", lambda file, text: texts.append((file, text)))
    return texts


def test_the_lines_of_one_turn_are_in_one_write(writes):
    async def turns():
        of_worker = lines.Lines()
        for turn in range(3):
            for number in range(4):
                of_worker.add(f"{turn}{number}\n")
            assert len(writes) == turn
            await anyio.sleep(0)

    anyio.run(turns)
    assert writes == [(1, b"00\n01\n02\n03\n"), (1, b"10\n11\n12\n13\n"), (1, b"20\n21\n22\n23\n")]


def test_no_write_is_longer_than_what_workers_do_not_mix(writes):
    every = [f"{number:03} {'x' * (number * 37 % 1_500)}\n" for number in range(200)]

    async def turn():
        of_worker = lines.Lines()
        for one in every:
            of_worker.add(one)

    anyio.run(turn)
    texts = [text.decode() for _, text in writes]
    assert "".join(texts) == "".join(every)
    assert max(map(len, texts)) <= select.PIPE_BUF and all(text.endswith("\n") for text in texts)
    assert len(texts) < len(every) / 3


def test_lines_that_cannot_be_written_hold_up_none_that_follow(monkeypatch):
    read_end, write_end = os.pipe()
    monkeypatch.setattr(lines, "STDOUT", -1)

    async def turns():
        of_worker = lines.Lines()
        of_worker.add("lost\n")
        await anyio.sleep(0)
        monkeypatch.setattr(lines, "STDOUT", write_end)
        of_worker.add("kept\n")

    anyio.run(turns)
    assert os.read(read_end, 100) == b"kept\n"
    os.close(read_end)
    os.close(write_end)


async def uploaded(request_):
    return JSONResponse({"length": len(await request_.body())})


async def echoed(websocket):
    await websocket.accept()
    while True:
        await websocket.send_text(await websocket.receive_text())


@pytest.mark.parametrize(
    "kind, events, status",
    [
        (
            "http",
            [{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.disconnect"}],
            499,
        ),
        ("websocket", [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1006}], 101),
    ],
)
def test_a_client_that_leaves_is_no_error_of_the_application(kind, events, status, capfd):
    """Each would be a traceback in the log, and an upload a 500 that the alert counts."""
    routes = [Route("/", uploaded, methods=["POST"]), WebSocketRoute("/", echoed)]
    layer = Observe(Starlette(routes=routes), "", None, "", 0)
    scope = {"type": kind, "path": "/", "headers": [], "query_string": b"", "subprotocols": []}
    if kind == "http":
        scope |= {"method": "POST", "http_version": "1.1"}

    async def receive():
        return events.pop(0)

    async def send(message):
        pass

    anyio.run(layer, scope, receive, send)
    assert line(capfd)["status"] == status
    assert [key[2] for key in layer.slot.places] == [status]


@pytest.mark.parametrize("answer", [400, 500])
@pytest.mark.parametrize("parts, status", [(1, 499), (2, None)], ids=["in its upload", "after it"])
def test_a_client_that_leaves_is_none_whatever_the_application_makes_of_it(parts, status, answer, capfd):
    """FastAPI answers 400 to a body that breaks off, and Litestar 500, which the alert counts."""
    events = [{"type": "http.request", "body": b"x", "more_body": number == 0} for number in range(parts)]
    events.append({"type": "http.disconnect"})

    async def app(scope, receive, send):
        while (await receive())["type"] != "http.disconnect":
            pass
        await JSONResponse({}, answer)(scope, receive, send)

    async def receive():
        return events.pop(0)

    async def send(message):
        pass

    scope = {"type": "http", "method": "POST", "http_version": "1.1", "path": "/", "query_string": b""}
    layer = Observe(app, "", None, "", 0)
    anyio.run(layer, scope | {"headers": [(b"content-length", b"9")]}, receive, send)
    assert line(capfd)["status"] == (status or answer)
    assert [key[2] for key in layer.slot.places] == [status or answer]


def test_an_error_of_the_application_stays_one(capfd):
    async def broken(request_):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        observed(app=Starlette(routes=[Route("/", broken)]))
    assert line(capfd)["status"] == 500


@pytest.mark.parametrize(
    "path, template",
    {
        "/items/7": "/items/{id}",
        "/sub/items/7": "/sub/items/{id}",
        "/sub/nothing": "/sub/{path}",
        "/t/acme/items/7": "/t/{tenant}/items/{id}",
        "/t/acme/in/items/7": "/t/{tenant}/in/items/{id}",
        "/t/acme/nothing": "/t/{tenant}/{path}",
        "/nothing": "none",
    }.items(),
)
def test_the_template_of_a_route_has_its_mounts_and_no_values(path, template):
    item = Route("/items/{id}", here)
    tenant = Starlette(routes=[item, Mount("/in", Starlette(routes=[item]))])
    app = Starlette(routes=[item, Mount("/sub", Starlette(routes=[item])), Mount("/t/{tenant}", tenant)])
    ((_, route, _),) = observed(path, app=app)[2]
    assert route == template


def test_slots_are_added_up_and_only_living_workers_have_requests_in_progress(tmp_path):
    one, other = Slot(tmp_path), Slot(tmp_path)
    for slot in (one, other):
        slot.began()
        slot.count(KEY, 0.02)
    sums = totals(tmp_path)
    assert sums.in_progress == 2 and sum(sums.series[KEY][1:]) == 2
    ended(other)
    assert totals(tmp_path).in_progress == 1


def ended(slot):
    """What the kernel does when a worker ends."""
    slot.numbers.release()
    slot.memory.close()
    os.close(slot.file)


def test_a_worker_goes_on_with_the_counts_of_one_that_has_ended(tmp_path):
    first = Slot(tmp_path)
    first.began()
    first.count(KEY, 1.5)
    ended(first)
    second = Slot(tmp_path)
    second.count(KEY, 0.5)
    second.count(("POST", "/", 201), 0.5)
    assert len(list(tmp_path.iterdir())) == 1
    assert totals(tmp_path).in_progress == 0
    assert totals(tmp_path).series[KEY][0] == 2.0


def test_the_number_of_series_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(metrics, "SERIES", 3)
    monkeypatch.setattr(metrics, "SIZE", metrics.RECORD * 5)
    slot = Slot(tmp_path)
    for number in range(10):
        slot.count(("GET", f"/{number}", 200), 0.1)
    slot.count(("GET", "/" + "x" * 300, 200), 0.1)
    series = totals(tmp_path).series
    assert len(series) == 4 and sum(series[OTHER][1:]) == 8


@pytest.mark.parametrize("folder", ["missing", "full"])
def test_where_no_slot_can_be_had_the_worker_counts_for_itself(folder, tmp_path):
    if folder == "full":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "0.slot").symlink_to("/dev/full")
    slot = Slot(tmp_path / folder)
    slot.count(KEY, 0.1)
    assert slot.places[KEY] and not totals(tmp_path / folder).series


def test_what_prometheus_reads(tmp_path):
    slot = Slot(tmp_path)
    for status, seconds in ((200, 0.004), (200, 0.3), (404, 100.0)):
        slot.count(("GET", "/a", status), seconds)
    registry = CollectorRegistry()
    registry.register(Counts(tmp_path))
    of = {"method": "GET", "route": "/a"}
    assert registry.get_sample_value("http_requests_total", of | {"status": "200"}) == 2
    for limit, expected in (("0.005", 1), ("0.25", 1), ("0.5", 2), ("60.0", 2), ("+Inf", 3)):
        bucket = registry.get_sample_value("http_request_duration_seconds_bucket", of | {"le": limit})
        assert bucket == expected, limit
    assert registry.get_sample_value("http_request_duration_seconds_sum", of) == pytest.approx(100.304)
    assert registry.get_sample_value("http_requests_in_progress") == 0


@pytest.mark.parametrize(
    ("path", "headers", "count"),
    [
        ("/healthz", (), False),
        ("/api/v1/readyz", (), False),
        ("/api/v1/healthz", [("x-forwarded-for", "192.0.2.7")], True),
        ("/files/etc/passwd/healthz", (), True),
        ("/api/v1/items/readyz", (), True),
        ("/xhealthz", (), True),
    ],
)
def test_of_the_requests_that_succeed_only_health_checks_have_no_line(path, headers, count, capfd):
    everything = Starlette(routes=[Route("/{path:path}", here)])
    request(Observe(everything, "/api/v1", None, "", 0), path, headers=headers)
    assert capfd.readouterr().out.count(f'"path":"{path}"') == count


def test_a_trace_without_a_number_is_none(capfd):
    observed(headers=[("traceparent", f"00-{32 * '0'}-{16 * 'a'}-01")])
    assert line(capfd)["trace_id"] is None
    observed(headers=[("traceparent", f"00-{31 * '0'}1-{16 * 'a'}-01")])
    assert line(capfd)["trace_id"] == f"{31 * '0'}1"
