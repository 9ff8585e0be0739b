"""What is counted of all requests, and where it can be read.

Each worker counts in a slot of its own, a file of fixed length that it keeps in memory (mmap); whoever reads
the metrics adds the slots up. A slot has all its bytes from the start, so a disk that fills up later ends no
process, and a worker that starts takes over the slot, and the counts, of one that has ended.
"""

import fcntl
import json
import mmap
import os
import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import NamedTuple
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

SERIES = 1_000  # by method, route and status; what is above it is counted as OTHER
OTHER = ("other", "other", 0)
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # seconds
NAME_BYTES = 256
NUMBERS = 1 + len(BUCKETS) + 1  # the sum of seconds; how many in each bucket, and above the last
RECORD = NAME_BYTES + 8 * NUMBERS
SIZE = RECORD * (SERIES + 2)  # the first record's numbers begin with what is in progress; the last is OTHER
IN_PROGRESS = NAME_BYTES // 8  # in doubles
MAX_WORKERS = 256

Key = tuple[str, str, int]  # method, route's template, status


class Slot:
    """The counts of one worker: `in_progress`, and for each key how long its requests took."""

    def __init__(self, folder: Path | None = None) -> None:
        self.file = _taken(folder) if folder else -1  # open, and locked, as long as the worker lives
        self.memory = mmap.mmap(self.file, SIZE)  # -1: of this process alone
        self.numbers = memoryview(self.memory).cast("d")
        self.places = {key: _place(at) for at, key in _named(self.memory)}
        self.numbers[IN_PROGRESS] = 0

    def began(self) -> None:
        self.numbers[IN_PROGRESS] += 1

    def ended(self) -> None:
        self.numbers[IN_PROGRESS] -= 1

    def count(self, key: Key, seconds: float) -> None:
        place = self.places.get(key)
        if place is None:
            place = self._add(key)
        self.numbers[place] += seconds
        self.numbers[place + 1 + bisect_left(BUCKETS, seconds)] += 1

    def _add(self, key: Key) -> int:
        """Return the place of a new key, or of OTHER where the slot is full or the name too long."""
        name = json.dumps(key).encode()
        at = len(self.places.keys() - {OTHER}) + 1
        if at > SERIES or len(name) > NAME_BYTES:
            key, name, at = OTHER, json.dumps(OTHER).encode(), SERIES + 1
        self.memory[at * RECORD : at * RECORD + len(name)] = name
        self.places[key] = _place(at)
        return self.places[key]


def _place(at: int) -> int:
    """Where the numbers of record `at` begin, in doubles."""
    return (at * RECORD + NAME_BYTES) // 8


def _named(memory: mmap.mmap | bytes) -> Iterator[tuple[int, Key]]:
    for at in range(1, SERIES + 2):
        name = memory[at * RECORD : at * RECORD + NAME_BYTES].rstrip(b"\0")
        if name:
            method, route, status = json.loads(name)
            yield at, (method, route, status)


def _taken(folder: Path) -> int:
    """Open the first slot that no living worker has, and lock it; -1 where none can be had (a disk that is
    full or read-only). The kernel unlocks it when the worker ends."""
    for number in range(MAX_WORKERS):
        try:
            file = os.open(folder / f"{number}.slot", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            return -1
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file).st_size != SIZE:
                _fill(file)
            return file
        except BlockingIOError:
            os.close(file)
        except OSError:
            os.close(file)
            return -1
    return -1


def _fill(file: int) -> None:
    """Give `file` all its bytes. Raise OSError on a full disk, where a hole would end the process later."""
    remaining = SIZE
    while remaining:
        remaining -= os.write(file, bytes(min(remaining, 65_536)))


class Totals(NamedTuple):
    in_progress: int
    series: dict[Key, list[float]]


def totals(folder: Path) -> Totals:
    """Add up the slots in `folder`; what a worker had in progress when it ended counts no more."""
    in_progress, series = 0.0, dict[Key, list[float]]()
    for path in sorted(folder.glob("*.slot")):
        with path.open("rb") as file:
            content = file.read(SIZE + 1)
            if len(content) != SIZE:
                continue
            numbers = memoryview(content).cast("d")
            if _is_locked(file.fileno()):
                in_progress += numbers[IN_PROGRESS]
        for at, key in _named(content):
            place = _place(at)
            values = [float(number) for number in numbers[place : place + NUMBERS]]
            series[key] = _added(series.get(key), values)
    return Totals(int(in_progress), series)


def _added(one: list[float] | None, other: list[float]) -> list[float]:
    return [sum(pair) for pair in zip(one, other, strict=True)] if one else other


def _is_locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


class Counts(Collector):
    """What Prometheus' client shows of the slots in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def collect(self) -> Iterable[Metric]:
        requests = CounterMetricFamily(
            "http_requests", "Requests answered", labels=["method", "route", "status"]
        )
        duration = HistogramMetricFamily(
            "http_request_duration_seconds", "Time to the last byte", labels=["method", "route"]
        )
        sums, by_route = totals(self.folder), dict[tuple[str, str], list[float]]()
        for (method, route, status), numbers in sorted(sums.series.items()):
            requests.add_metric([method, route, str(status)], sum(numbers[1:]))
            by_route[method, route] = _added(by_route.get((method, route)), numbers)
        limits = [*map(str, BUCKETS), "+Inf"]
        for labels, (seconds, *counts) in by_route.items():
            duration.add_metric(labels, list(zip(limits, accumulate(counts), strict=True)), seconds)
        text = "Requests, streams and WebSockets that the application has open"
        yield from (
            requests,
            duration,
            GaugeMetricFamily("http_requests_in_progress", text, sums.in_progress),
        )


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    allow_reuse_port = True  # one socket for each worker; any of them answers for all


class _Silent(WSGIRequestHandler):
    def log_message(self, *_args: object) -> None:
        pass


def serve_metrics(host: str, port: int, folder: Path) -> None:
    registry = CollectorRegistry()
    registry.register(Counts(folder))
    server = _Server((host, port), _Silent)
    server.set_app(make_wsgi_app(registry))
    threading.Thread(target=server.serve_forever, daemon=True).start()
