"""A steady load on one entrypoint, or on those of several machines in turn, and what became of each
request.

Requests start at a constant rate whether or not the earlier ones have answered, so a stall shows as
latency and is not hidden by a client that waits.
"""

import asyncio
import contextlib
import itertools
import json
import os
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from websockets.asyncio.client import connect

PATIENCE_SECONDS = 60
BODY = b"x" * 20_000
ID = "load-"  # how each X-Request-ID begins, for the applications' logs hold others too
Request = Callable[[str, dict[str, str]], Awaitable[None]]


@dataclass
class Tally:
    """What was sent and what failed, by kind of request."""

    counts: Counter = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    failed_at: list[float] = field(default_factory=list)  # when they were sent, time.monotonic()
    failed_ids: list[str] = field(default_factory=list)  # the X-Request-ID of each
    answered_ids: set[str] = field(default_factory=set)
    slowest: dict[str, float] = field(default_factory=dict)
    seconds: float = 0

    def failed(self, *kinds: str) -> list[str]:
        """The failures, of `kinds` where some are named."""
        return [one for one in self.failures if not kinds or one.split(" ")[0] in kinds]

    def __str__(self) -> str:
        parts = [
            f"{kind} {count} (slowest {self.slowest[kind]:.2f} s)" for kind, count in self.counts.items()
        ]
        return (
            f"{sum(self.counts.values())} requests in {self.seconds:.0f} s, {len(self.failures)} failed: "
            f"{', '.join(parts)}"
        )


class Load:
    """Asks `urls` (with the prefix) in turn until `stop`: `rates` is requests per second by kind. With
    `elsewhere`, a machine that takes no connection is left for the next one, as clients of a name
    with several addresses do."""

    def __init__(self, urls: list[str], rates: dict[str, float], elsewhere: bool = False) -> None:
        self.urls, self.rates, self.tally = urls, rates, Tally()
        self.turn = itertools.count()
        self.tries = len(urls) if elsewhere else 1
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> Tally:
        """Starts no more requests, and waits for those that are under way."""
        self._stopping.set()
        self._thread.join(PATIENCE_SECONDS + 30)
        if self._thread.is_alive():
            raise TimeoutError("the load does not end")
        return self.tally

    async def _run(self) -> None:
        began = time.monotonic()
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        async with (
            httpx.AsyncClient(limits=limits, timeout=PATIENCE_SECONDS, trust_env=False) as keeping,
            httpx.AsyncClient(
                limits=httpx.Limits(max_keepalive_connections=0), timeout=PATIENCE_SECONDS, trust_env=False
            ) as fresh,
        ):
            self.clients = itertools.cycle((keeping, keeping, fresh))
            await asyncio.gather(*(self._pace(kind, rate) for kind, rate in self.rates.items()))
        self.tally.seconds = time.monotonic() - began

    async def _pace(self, kind: str, rate: float) -> None:
        ask: Request = getattr(self, f"_{kind}")
        running, due = set(), time.monotonic()
        while not self._stopping.is_set():
            running.add(asyncio.create_task(self._noted(kind, ask)))
            running = {task for task in running if not task.done()}
            due += 1 / rate
            await asyncio.sleep(max(0, due - time.monotonic()))
        await asyncio.gather(*running)

    async def _noted(self, kind: str, ask: Request) -> None:
        began, number = time.monotonic(), f"{ID}{uuid.uuid4().hex}"
        self.tally.counts[kind] += 1
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._somewhere(ask, {"X-Request-ID": number})
            self.tally.answered_ids.add(number)
        except Exception as error:  # whatever it is, the request failed
            self.tally.failed_at.append(began)
            self.tally.failed_ids.append(number)
            self.tally.failures.append(f"{kind} {type(error).__name__} {str(error)[:150]}")
        took = time.monotonic() - began
        self.tally.slowest[kind] = max(took, self.tally.slowest.get(kind, 0))

    async def _somewhere(self, ask: Request, headers: dict[str, str]) -> None:
        first = next(self.turn)
        for number in range(first, first + self.tries):
            try:
                return await ask(self.urls[number % len(self.urls)], headers)
            except (httpx.ConnectError, ConnectionError) as error:
                refused = error
        raise refused

    async def _answer(self, method: str, url: str, expected: dict, **options) -> None:
        answer = await next(self.clients).request(method, url, **options)
        if answer.status_code != 200 or answer.json() != expected:
            raise ValueError(f"HTTP {answer.status_code} {answer.text[:100]}")

    async def _get(self, url: str, headers: dict[str, str]) -> None:
        answer = await next(self.clients).get(f"{url}/app", headers=headers)
        if answer.status_code != 200 or answer.json()["message"] != "Hello World":
            raise ValueError(f"HTTP {answer.status_code} {answer.text[:100]}")

    async def _post(self, url: str, headers: dict[str, str]) -> None:
        expected = {"length": len(BODY)}
        await self._answer("POST", f"{url}/body", expected, content=BODY, headers=headers)

    async def _put(self, url: str, headers: dict[str, str]) -> None:
        expected = {"length": len(BODY)}
        await self._answer("PUT", f"{url}/body", expected, content=BODY, headers=headers)

    async def _slow(self, url: str, headers: dict[str, str]) -> None:
        await self._answer("GET", f"{url}/slow?seconds=2", {"seconds": 2.0}, headers=headers)

    async def _stream(self, url: str, headers: dict[str, str]) -> None:
        path = "/stream?count=5&interval_seconds=0.3"
        answer = await next(self.clients).get(f"{url}{path}", headers=headers)
        if answer.status_code != 200 or answer.text.count("data: tick") != 5:
            raise ValueError(f"HTTP {answer.status_code} {answer.text[:100]}")

    async def _websocket(self, url: str, headers: dict[str, str]) -> None:
        url = url.replace("http", "ws", 1)
        async with connect(
            f"{url}/ws", open_timeout=PATIENCE_SECONDS, proxy=None, additional_headers=headers
        ) as socket:
            for number in range(5):
                await socket.send(str(number))
                if await socket.recv() != str(number):
                    raise ValueError("another echo")
                await asyncio.sleep(0.3)


def arrivals(log: str) -> Counter[str]:
    """How often each of a load's requests began in tests/routes.py, as its `log` says."""
    return Counter(re.findall(rf'{{"arrived": "({ID}[0-9a-f]+)"}}', log))


def never_twice(tally: Tally, log: str) -> None:
    """Raises AssertionError unless each request began at most once, and each that was answered did."""
    times = arrivals(log)
    twice = {number: count for number, count in times.items() if count > 1}
    assert not twice, f"{len(twice)} of {len(times)} requests ran twice or more"
    assert tally.answered_ids <= set(times), "the log of some replica is missing"


# With LOAD below 1 what is short is sent less often; what takes its time is not.
SHORT = float(os.environ.get("LOAD") or 1)
EVERYTHING = {"get": 25.0 * SHORT, "post": 15.0 * SHORT, "put": 5.0 * SHORT} | dict.fromkeys(
    ("slow", "stream", "websocket"), 2.0
)


@contextlib.contextmanager
def load(*urls: str, rates: dict[str, float] | None = None, elsewhere: bool = False) -> Iterator[Tally]:
    """A load while the block runs; the tally is whole after it."""
    running = Load(list(urls), rates or EVERYTHING, elsewhere)
    running.start()
    try:
        time.sleep(2)
        yield running.tally
        time.sleep(2)
    finally:
        running.stop()


def recorder(file: Path, scenario: str) -> Callable[..., None]:
    """What notes a scenario's counts for the report that the last test's end prints."""

    def keep(tally: Tally, note: str = "") -> None:
        lines = json.loads(file.read_text()) if file.exists() else {}
        lines[scenario] = f"{tally}{'; ' + note if note else ''}"
        file.write_text(json.dumps(lines, indent=1))

    return keep


def report(file: Path, terminal) -> None:
    """`terminal` is pytest's reporter."""
    if file.exists():
        terminal.section("requests sent and failed")
        for scenario, line in json.loads(file.read_text()).items():
            terminal.write_line(f"{scenario}: {line}")
