"""How a response travels: streamed, over HTTP/2, on one connection, and many at once."""

import re
import ssl
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import pytest

from ..engine.check import EVERYWHERE, PUBLIC, check
from ..engine.entrypoint import Entrypoint
from ..engine.exchange import STREAM
from ..engine.expect import Expect
from .test_redirects import location, redirect

ONE_BY_ONE = "one by one"
# What a browser accepts, and what it does not offer: a proxy that compresses holds events back.
ENCODINGS = ("identity", "gzip, deflate", "zstd, br, gzip")
MIN_SPREAD_SECONDS = 0.15  # between the first event and a later one: they did not come in one piece
STREAM_SECONDS = 8
EVENT_ENDS = re.compile(rb"\r\n\r\n|\n\n|\r\r")


@dataclass
class Arrival:
    """How a stream came: seconds after the request, of its first piece and of its last that was read."""

    status: int
    kind: str
    first: float = 0.0
    last: float = 0.0
    pieces: int = 0
    events: bool = False  # a whole one was seen, or the response is compressed
    complete: bool = False

    @property
    def spread(self) -> float:
        return self.last - self.first

    @property
    def one_by_one(self) -> bool:
        return self.events and self.spread >= MIN_SPREAD_SECONDS


def read(entrypoint: Entrypoint, path: str, encoding: str) -> Arrival:
    """Read a stream until its pieces are known to come one by one, or until it ends."""
    began, arrival, tail = time.monotonic(), Arrival(0, "no response"), b""
    headers = {"Accept": "text/event-stream", "Accept-Encoding": encoding}
    try:
        with entrypoint.stream(
            "GET", entrypoint.path(path), headers=headers, timeout=STREAM_SECONDS
        ) as answer:
            arrival = Arrival(answer.status_code, answer.headers.get("content-type", "").partition(";")[0])
            if answer.status_code != 200 or arrival.kind != STREAM:
                return arrival
            for piece in answer.iter_raw():
                arrival.last = time.monotonic() - began
                arrival.first = arrival.first or arrival.last
                arrival.pieces += 1
                tail = tail[-3:] + piece
                arrival.events |= "content-encoding" in answer.headers or bool(EVENT_ENDS.search(tail))
                if arrival.one_by_one or arrival.last > STREAM_SECONDS:
                    return arrival
            arrival.complete = True
    except httpx.ReadTimeout:
        arrival.last = time.monotonic() - began
    return arrival


def came(arrival: Arrival) -> str:
    """In a word, how it came."""
    if arrival.status != 200 or arrival.kind != STREAM:
        return f"{arrival.status} {arrival.kind}"
    if arrival.one_by_one:
        return ONE_BY_ONE
    if not arrival.events:
        return f"no whole event within {arrival.last:.1f} s"
    return f"in one piece after {arrival.first:.1f} s"


@check(
    "stream.not_buffered",
    title="Server-sent events arrive one by one",
    entrypoints=EVERYWHERE,
    level="broken",
    source="Traefik › Buffering › maxRequestBodyBytes; modelcontextprotocol/python-sdk#412",
    statement="The first event arrives before the last is sent, whatever encodings the client accepts.",
    fix=(
        "Remove whatever buffers the response (nginx: set proxy_buffering off, and no gzip for "
        "text/event-stream; Traefik, Caddy: no buffering or encode middleware on this route), or let the "
        "application set X-Accel-Buffering: no."
    ),
    needs=("stream",),
)
def test_server_sent_events_arrive_one_by_one(entrypoint: Entrypoint, expect: Expect) -> None:
    target, path = entrypoint.target, entrypoint.target.inventory.streams[0]
    expect.subject = path
    arrivals = {encoding: read(entrypoint, path, encoding) for encoding in ENCODINGS[:1]}
    if came(arrivals["identity"]) == ONE_BY_ONE:
        arrivals |= {encoding: read(entrypoint, path, encoding) for encoding in ENCODINGS[1:]}
    if not target.demo:
        own = arrivals["identity"]
        if entrypoint.name != "direct" and target.has_direct:
            own = read(target.open("direct", expect), path, "identity")
            if came(own) != ONE_BY_ONE:
                pytest.skip(f"from the server itself it also came {came(own)}: too short, or held back there")
        if own.status != 200 and own.status or own.status and own.kind != STREAM:
            pytest.skip(f"{path} is not an event stream: {came(own)}")
        if own.complete and own.first < 0.5 and came(own) != ONE_BY_ONE:
            pytest.skip("the stream is too short to tell whether it was held back")
        if own.status and not own.pieces and not own.complete:
            pytest.skip(f"the stream has no event for {STREAM_SECONDS} s: too slow to tell")
    observed = {encoding: came(arrival) for encoding, arrival in arrivals.items()}
    expect("events came", observed, dict.fromkeys(observed, ONE_BY_ONE))


@check(
    "http2.redirect",
    title="A redirect over HTTP/2 keeps the public URL",
    entrypoints=("https",),
    level="broken",
    source="Behind a Proxy › Redirects with HTTPS",
    statement="Over HTTP/2 a redirect keeps scheme, host, port and prefix, as over HTTP/1.1.",
    fix="Let the TLS entrypoint offer h2, and let the proxy pass :authority on as Host.",
    needs=("redirect",),
)
def test_a_redirect_over_http2_is_the_same(entrypoint: Entrypoint, expect: Expect) -> None:
    # A context of its own: httpx writes its protocols into it, and other checks speak HTTP/1.1.
    context = ssl.create_default_context(cafile=entrypoint.target.ca_file or None)
    one = redirect(entrypoint, expect)
    with entrypoint.target.new_client(
        verify=context, http2=True, http1=entrypoint.target.ours is False
    ) as client:
        answer = client.get(entrypoint.url + one.path)
    if not entrypoint.target.ours and answer.http_version != "HTTP/2":
        pytest.skip(f"this entrypoint speaks {answer.http_version} only")
    expect("version", answer.http_version, "HTTP/2")
    expect("Location", location(entrypoint, one.path, answer), entrypoint.public(one.to))


@check(
    "app.no_leak_between_requests",
    title="No response shows another request's URL",
    entrypoints=EVERYWHERE,
    level="broken",
    source="fastapi/fastapi#14986",
    statement="Of fifty concurrent requests, each with its own query, each gets its own URL back.",
    fix="Remove the global that keeps a request's data: root_path and URLs belong to the request.",
    needs=("probe",),
)
def test_requests_at_once_do_not_see_each_other(entrypoint: Entrypoint, expect: Expect) -> None:
    def sent(number: int) -> httpx.Response:
        # A client of its own: the check's keeps one exchange for the report.
        with entrypoint.target.new_client(verify=entrypoint.target.context) as client:
            answer = client.get(f"{entrypoint.url}/_probe/{number}", params={"n": number})
        entrypoint.permit_more(answer.status_code, lambda: answer.text)
        return answer

    with ThreadPoolExecutor(10) as pool:
        responses = list(pool.map(sent, range(50)))
    expect.json(next((answer for answer in responses if answer.status_code != 200), responses[0]))
    scopes = [answer.json() for answer in responses]
    answers = {n: (one["url"], one["root_path"]) for n, one in enumerate(scopes)}
    own = {n: (entrypoint.public(f"/_probe/{n}?n={n}"), entrypoint.prefix) for n in answers}
    expect(
        "addresses", {str(k): list(v) for k, v in answers.items()}, {str(k): list(v) for k, v in own.items()}
    )


@check(
    "app.not_found_is_the_applications",
    title="An unknown path under the prefix gets the application's 404",
    entrypoints=EVERYWHERE,
    level="broken",
    source="Behind a Proxy › Proxy with a stripped path prefix",
    statement=("The application handles every path under the prefix: unknown ones get its own 404."),
    fix=(
        "Let the proxy's rule match every path under the prefix, and remove whatever replaces the "
        "application's error page."
    ),
    needs=(),
)
def test_an_unknown_path_in_the_prefix_is_the_applications(entrypoint: Entrypoint, expect: Expect) -> None:
    target = entrypoint.target
    expect.subject = "/no/such/route"
    answer = entrypoint.get(expect.subject)
    if not target.demo:
        if target.inventory.one_answer and target.inventory.at != "direct":
            expect.that(
                False, "answers to two unknown paths", observed="one and the same, with 200", expected="404"
            )
        if not target.has_direct or entrypoint.name == "direct":
            pytest.skip("no direct entrypoint to compare with")
        own = target.open("direct", expect).get(expect.subject)
        expect("status", answer.status_code, own.status_code)
        kinds = [one.headers.get("content-type", "none").partition(";")[0] for one in (answer, own)]
        expect("content type", *kinds)
        return
    expect("status", answer.status_code, 404)
    json = "json" in answer.headers.get("content-type", "")
    expect("detail", answer.json().get("detail") if json else answer.text, "Not Found")


@check(
    "delivery.sent_once",
    title="The application's own 5xx responses arrive, and no request is retried",
    entrypoints=PUBLIC,
    level="broken",
    source="Traefik › Retry › status; nginx › proxy_next_upstream",
    statement="An application's own 500, 502, 503 or 504 reaches the client, and the request ran once.",
    fix=(
        "Remove `status` from Traefik's retry, http_50x from nginx's proxy_next_upstream, or the "
        "matching lb_retry_match from Caddy: only a refused connection may be retried."
    ),
    needs=("probe",),
)
def test_the_applications_own_status_arrives_and_it_ran_once(entrypoint: Entrypoint, expect: Expect) -> None:
    for status in (500, 502, 503, 504):
        answer = entrypoint.get(f"/_probe/status/{status}/{uuid.uuid4().hex}")
        expect("status", answer.status_code, status)
        expect(f"requests for one {status}", answer.headers.get("x-probe-times"), "1")
