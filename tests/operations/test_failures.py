"""What a client gets when something is wrong: a defined response, soon, that tells nothing of the inside."""

import concurrent.futures
import re
import socket
import time
import uuid

import httpx
import pytest

from behindproxy.contract.checks.test_operation import INSIDE
from tests.checkout import docker, wait_for
from tests.load import load
from tests.routes import METHODS

LIMIT = 10 * 1024 * 1024


def get(stack, path: str, **options) -> httpx.Response:
    return httpx.get(f"{stack.url}{path}", trust_env=False, timeout=90, **options)


def defined(answer: httpx.Response, *statuses: int) -> None:
    assert answer.status_code in statuses, (answer.status_code, answer.text)
    text = f"{answer.text} {answer.headers}"
    assert not INSIDE.search(text), text
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_while_the_application_is_down_requests_get_502(stack):
    for service in ("app", "app-2"):
        docker("kill", stack.container(service))
    for _ in range(2):  # Traefik has noticed, or not: each slot is tried
        began = time.monotonic()
        defined(get(stack, "/app"), 502)
        assert time.monotonic() - began < 10, "after its retries"
        time.sleep(2)


def test_while_the_application_starts_requests_get_502_or_200(stack):
    for service in ("app", "app-2"):
        docker("kill", stack.container(service))
    time.sleep(2)
    docker("start", stack.container("app"))
    statuses = set()

    def serving() -> bool:
        answer = get(stack, "/app")
        statuses.add(answer.status_code)
        defined(answer, 200, 502)
        return answer.status_code == 200

    wait_for(serving, 20)
    assert statuses <= {200, 502}


def test_replicas_that_are_all_unhealthy_still_serve(stack):
    """Nobody is helped by a 503 while there is one that takes the connection."""
    for service in ("app", "app-2"):
        docker("exec", stack.container(service), "python", "-m", "behindproxy_serve.drain", "start")
    wait_for(lambda: not any(stack.servers_up().values()), 10)
    for _ in range(10):
        defined(get(stack, "/app"), 200)
    for service in ("app", "app-2"):
        docker("exec", stack.container(service), "rm", "/tmp/run/draining")


def test_a_body_over_the_limit_always_gets_413_with_or_without_content_length(stack):
    def chunks(length: int):
        for _ in range(length // 65536 + 1):
            yield bytes(65536)

    url = f"{stack.url}/body"
    with httpx.Client(trust_env=False, timeout=60) as client:
        for length in (LIMIT + 1, 4 * LIMIT):
            for _ in range(10):
                defined(client.post(url, content=bytes(length)), 413)
                defined(client.post(url, content=chunks(length)), 413)
        assert client.post(url, content=bytes(LIMIT)).json() == {"length": LIMIT}


def test_a_body_streams_through_unbuffered(stack):
    """The application has the first part while the second has not been sent."""
    key = uuid.uuid4().hex
    with socket.create_connection(("127.0.0.1", stack.http), timeout=10) as client:
        client.sendall(
            f"POST /api/v1/first-chunk/{key} HTTP/1.1\r\nHost: 127.0.0.1:{stack.http}\r\n"
            "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n".encode()
        )
        # Either replica may have it, and each answers every other time.
        wait_for(lambda: get(stack, f"/first-chunk/{key}").json() == "hello", 5)
        client.sendall(b"5\r\nworld\r\n0\r\n\r\n")
        assert b'{"length":10}' in client.makefile("rb").read()


def test_too_many_requests_get_429_with_a_retry_after_header(stack):
    stack.must("up", RATE_LIMIT=5)
    try:
        wait_for(lambda: any(stack.servers_up().values()), 15)
        answers = [get(stack, "/app") for _ in range(60)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert refused and any(answer.status_code == 200 for answer in answers)
        for answer in refused:
            defined(answer, 429)
            assert answer.headers["retry-after"].isdigit()
        time.sleep(3)
        assert get(stack, "/app").status_code == 200
    finally:
        stack.must("up")
    assert {get(stack, "/app").status_code for _ in range(60)} == {200}  # off by default


def test_a_header_block_over_the_limit_gets_431(stack):
    defined_431 = get(stack, "/app", headers={"X-Long": "x" * 80_000})
    assert defined_431.status_code == 431 and not INSIDE.search(defined_431.text)


def test_slow_requests_are_cut_off_while_others_are_served(stack, record):
    """Fifty clients that send a byte of header now and then, and fifty that send a body so."""
    heads = {
        "header": f"GET /api/v1/app HTTP/1.1\r\nHost: 127.0.0.1:{stack.http}\r\nX-Slow: ",
        "body": f"POST /api/v1/body HTTP/1.1\r\nHost: 127.0.0.1:{stack.http}\r\n"
        "Content-Length: 100000\r\n\r\n",
    }

    def drip(kind: str) -> tuple[float, bytes]:
        began, data = time.monotonic(), b""
        with socket.create_connection(("127.0.0.1", stack.http), timeout=3) as client:
            client.sendall(heads[kind].encode())
            while time.monotonic() - began < 100:
                try:
                    client.sendall(b"x")
                    chunk = client.recv(4096)
                    if not chunk:
                        break
                    data += chunk
                except TimeoutError:
                    continue
                except OSError:
                    break
        return time.monotonic() - began, data

    with load(stack.url) as tally, concurrent.futures.ThreadPoolExecutor(100) as pool:
        cut = list(pool.map(drip, ["header", "body"] * 50))
    assert not tally.failures
    assert all(55 < seconds < 80 for seconds, _ in cut), sorted(seconds for seconds, _ in cut)
    for _, data in cut:
        status = re.match(rb"HTTP/1.1 (\d+)", data)
        assert not status or status[1] in (b"400", b"408", b"499", b"502", b"504"), data
        assert not INSIDE.search(data.decode("latin-1"))
    record(tally, "beside 100 slow clients, each cut after 60 s")


def test_an_application_that_takes_too_long_gets_504(stack):
    began = time.monotonic()
    answer = httpx.post(f"{stack.url}/slow?seconds=60", trust_env=False, timeout=90)
    defined(answer, 504)
    assert 25 < time.monotonic() - began < 40


@pytest.mark.parametrize("code", (500, 502, 503, 504))
def test_the_application_s_own_5xx_arrives_and_the_request_ran_once(stack, code):
    stack.must("up", APP_REPLICAS=1)  # so that one process counts
    for method in METHODS:
        answer = httpx.request(
            method, f"{stack.url}/status/{code}/{uuid.uuid4().hex}", trust_env=False, timeout=90
        )
        assert (answer.status_code, answer.headers.get("x-ran")) == (code, "1"), method
