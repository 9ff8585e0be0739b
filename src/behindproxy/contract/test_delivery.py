"""How an answer travels: streamed, over HTTP/2, on one connection, and many at once."""

import ssl
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from .check import EVERYWHERE, PUBLIC, check
from .entrypoint import Entrypoint
from .expect import Expect

EVENTS, INTERVAL_SECONDS = 4, 0.2


@check(
    "stream.not_buffered",
    title="Server-sent events arrive one by one",
    entrypoints=EVERYWHERE,
    kind="claim",
    source="Traefik › Buffering › maxRequestBodyBytes; mcp python-sdk#412",
    statement="The first event is here long before the last was sent, and nothing compresses it.",
    hint=(
        "A buffering or compress middleware holds the events back: remove it from "
        "traefik/routes.toml, and limit bodies in the application instead."
    ),
    needs=("stream",),
)
def test_server_sent_events_arrive_one_by_one(entrypoint: Entrypoint, expect: Expect) -> None:
    arrivals, events = [], b""
    with entrypoint.stream(
        "GET", entrypoint.path("/stream"), params={"count": EVENTS, "interval_seconds": INTERVAL_SECONDS}
    ) as answer:
        expect("status", answer.status_code, 200)
        expect("content type", answer.headers["content-type"].split(";")[0], "text/event-stream")
        expect("content encoding", answer.headers.get("content-encoding", "none"), "none")
        for chunk in answer.iter_raw():
            arrivals.append(time.monotonic())
            events += chunk
    expect("events", events.count(b"data: tick"), EVENTS)
    spread = arrivals[-1] - arrivals[0]
    sent_over = (EVENTS - 1) * INTERVAL_SECONDS
    expect.that(
        spread > sent_over / 2,
        "seconds between first and last event",
        observed=f"{spread:.2f}",
        expected=f"more than {sent_over / 2:.2f}",
    )


@check(
    "http2.redirect",
    title="HTTP/2 changes no address",
    entrypoints=("https",),
    kind="claim",
    source="Behind a Proxy › Redirects with HTTPS",
    statement="Over HTTP/2 a redirect keeps scheme, host, port and prefix as over HTTP/1.1.",
    hint="The TLS entrypoint offers no h2, or the proxy does not pass :authority on as Host.",
    needs=("items",),
)
def test_a_redirect_over_http2_is_the_same(entrypoint: Entrypoint, expect: Expect) -> None:
    # A context of its own: httpx writes its protocols into it, and other checks speak HTTP/1.1.
    context = ssl.create_default_context(cafile=entrypoint.target.ca_file or None)
    with entrypoint.target.new_client(verify=context, http2=True, http1=False) as client:
        answer = client.get(entrypoint.url + "/items")
    expect("version", answer.http_version, "HTTP/2")
    expect("Location", answer.headers.get("location"), entrypoint.public("/items/"))


@check(
    "app.no_leak_between_requests",
    title="One request's address does not leak into another's answer",
    entrypoints=EVERYWHERE,
    kind="claim",
    source="fastapi#14986",
    statement="Of fifty requests at once, each with a query of its own, each gets its own address back.",
    hint="Something keeps a request's data in a global: root_path and URLs belong to the request.",
    needs=("probe",),
)
def test_requests_at_once_do_not_see_each_other(entrypoint: Entrypoint, expect: Expect) -> None:
    def seen(number: int) -> tuple[str, str]:
        # A client of its own: the check's keeps one exchange for the report.
        with entrypoint.target.new_client(verify=entrypoint.target.context) as client:
            answer = client.get(f"{entrypoint.url}/_probe/{number}", params={"n": number}).json()
        return answer["url"], answer["root_path"]

    with ThreadPoolExecutor(10) as pool:
        answers = dict(enumerate(pool.map(seen, range(50))))
    own = {n: (entrypoint.public(f"/_probe/{n}?n={n}"), entrypoint.prefix) for n in answers}
    expect(
        "addresses", {str(k): list(v) for k, v in answers.items()}, {str(k): list(v) for k, v in own.items()}
    )


@check(
    "app.not_found_is_the_applications",
    title="An unknown path in the prefix is the application's 404",
    entrypoints=EVERYWHERE,
    kind="claim",
    source="Behind a Proxy › Proxy with a stripped path prefix",
    statement="Whatever follows the prefix is the application's to answer, its 404 included.",
    hint="The router's rule does not take every path under the prefix: traefik/routes.toml.",
    needs=("openapi",),
)
def test_an_unknown_path_in_the_prefix_is_the_applications(entrypoint: Entrypoint, expect: Expect) -> None:
    answer = entrypoint.get("/no/such/route")
    expect("status", answer.status_code, 404)
    json = "json" in answer.headers.get("content-type", "")
    expect("detail", answer.json().get("detail") if json else answer.text, "Not Found")


@check(
    "delivery.sent_once",
    title="The application's own 5xx answers arrive, and nothing is sent again",
    entrypoints=PUBLIC,
    kind="claim",
    source="Traefik › Retry › status; nginx › proxy_next_upstream",
    statement="An application's own 500, 502, 503 or 504 reaches the client, and the request ran once.",
    hint=(
        "The proxy takes the application's own answer for a failure of the way: no `status` in "
        "Traefik's retry, no http_50x in nginx's proxy_next_upstream, no lb_retry_match in Caddy "
        "that fits. Only a refused connection may be tried again."
    ),
    needs=("probe",),
)
def test_the_applications_own_status_arrives_and_it_ran_once(entrypoint: Entrypoint, expect: Expect) -> None:
    for status in (500, 502, 503, 504):
        answer = entrypoint.get(f"/_probe/status/{status}/{uuid.uuid4().hex}")
        expect("status", answer.status_code, status)
        expect(f"requests for one {status}", answer.headers.get("x-probe-times"), "1")
