"""A steady load on one entrypoint, and what became of each request.

Requests start at a constant rate whether or not the earlier ones have answered, so a stall shows as
latency and is not hidden by a client that waits.
"""

import asyncio
import contextlib
import itertools
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import httpx
from websockets.asyncio.client import connect

PATIENCE_SECONDS = 60
BODY = b"x" * 20_000


@dataclass
class Tally:
    """What was sent and what failed, by kind of request."""

    sent: Counter = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: dict[str, float] = field(default_factory=dict)
    seconds: float = 0

    def failed(self, *kinds: str) -> list[str]:
        """The failures, of `kinds` where some are named."""
        return [one for one in self.failures if not kinds or one.split(" ")[0] in kinds]

    def __str__(self) -> str:
        parts = [
            f"{kind} {count} (slowest {self.slowest[kind]:.2f} s)"
            for kind, count in self.sent.items()
        ]
        return (f"{sum(self.sent.values())} requests in {self.seconds:.0f} s, {len(self.failures)} failed: "
                f"{', '.join(parts)}")  # fmt: skip


class Load:
    """Asks `url` (with the prefix) until `stop`: `rates` is requests per second by kind."""

    def __init__(self, url: str, rates: dict[str, float]) -> None:
        self.url, self.rates, self.tally = url, rates, Tally()
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
                limits=httpx.Limits(max_keepalive_connections=0),
                timeout=PATIENCE_SECONDS,
                trust_env=False,
            ) as fresh,
        ):
            self.clients = itertools.cycle((keeping, keeping, fresh))
            await asyncio.gather(*(self._pace(kind, rate) for kind, rate in self.rates.items()))
        self.tally.seconds = time.monotonic() - began

    async def _pace(self, kind: str, rate: float) -> None:
        ask: Callable[[], Awaitable[None]] = getattr(self, f"_{kind}")
        running, due = set(), time.monotonic()
        while not self._stopping.is_set():
            running.add(asyncio.create_task(self._noted(kind, ask)))
            running = {task for task in running if not task.done()}
            due += 1 / rate
            await asyncio.sleep(max(0, due - time.monotonic()))
        await asyncio.gather(*running)

    async def _noted(self, kind: str, ask: Callable[[], Awaitable[None]]) -> None:
        began = time.monotonic()
        self.tally.sent[kind] += 1
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await ask()
        except Exception as error:  # whatever it is, the request failed
            self.tally.failures.append(f"{kind} {type(error).__name__} {str(error)[:150]}")
        took = time.monotonic() - began
        self.tally.slowest[kind] = max(took, self.tally.slowest.get(kind, 0))

    async def _answer(self, method: str, path: str, expected: dict, **options) -> None:
        answer = await next(self.clients).request(method, self.url + path, **options)
        if answer.status_code != 200 or answer.json() != expected:
            raise ValueError(f"HTTP {answer.status_code} {answer.text[:100]}")

    async def _get(self) -> None:
        answer = await next(self.clients).get(f"{self.url}/app")
        if answer.status_code != 200 or answer.json()["message"] != "Hello World":
            raise ValueError(f"HTTP {answer.status_code} {answer.text[:100]}")

    async def _post(self) -> None:
        await self._answer("POST", "/body", {"length": len(BODY)}, content=BODY)

    async def _put(self) -> None:
        await self._answer("PUT", "/body", {"length": len(BODY)}, content=BODY)

    async def _slow(self) -> None:
        await self._answer("GET", "/slow?seconds=2", {"seconds": 2.0})

    async def _stream(self) -> None:
        answer = await next(self.clients).get(f"{self.url}/stream?count=5&interval_seconds=0.3")
        if answer.status_code != 200 or answer.text.count("data: tick") != 5:
            raise ValueError(f"HTTP {answer.status_code} {answer.text[:100]}")

    async def _websocket(self) -> None:
        url = self.url.replace("http", "ws", 1)
        async with connect(f"{url}/ws", open_timeout=PATIENCE_SECONDS, proxy=None) as socket:
            for number in range(5):
                await socket.send(str(number))
                if await socket.recv() != str(number):
                    raise ValueError("another echo")
                await asyncio.sleep(0.3)


EVERYTHING = {"get": 25.0, "post": 15.0, "put": 5.0, "slow": 2.0, "stream": 2.0, "websocket": 2.0}


@contextlib.contextmanager
def load(url: str, rates: dict[str, float] | None = None) -> Iterator[Tally]:
    """A load while the block runs; the tally is whole after it."""
    running = Load(url, rates or EVERYTHING)
    running.start()
    try:
        time.sleep(2)
        yield running.tally
        time.sleep(2)
    finally:
        running.stop()
