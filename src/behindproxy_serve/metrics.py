"""What is counted of all requests, and where it can be read.

Every worker writes files of its own under PROMETHEUS_MULTIPROC_DIR; whoever is asked adds them up.
"""

import os
import threading
from functools import cache
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, make_wsgi_app, multiprocess

REQUESTS = Counter("http_requests_total", "Requests answered", ["method", "route", "status"])
DURATION = Histogram("http_request_duration_seconds", "Time to the last byte", ["method", "route"])
IN_PROGRESS = Gauge(
    "http_requests_in_progress",
    "Requests, streams and WebSockets that the application has open",
    multiprocess_mode="livesum",
)


@cache
def series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(method, route, status), DURATION.labels(method, route)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    allow_reuse_port = True  # one socket for each worker; any of them answers for all


class _Silent(WSGIRequestHandler):
    def log_message(self, *_args: object) -> None:
        pass


def serve_metrics(host: str, port: int) -> None:
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    server = _Server((host, port), _Silent)
    server.set_app(make_wsgi_app(registry))
    threading.Thread(target=server.serve_forever, daemon=True).start()


def in_progress() -> int:
    """Return what all workers of this container have open at this moment."""
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            multiprocess.mark_process_dead(pid)
        except PermissionError:
            pass
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return int(registry.get_sample_value("http_requests_in_progress") or 0)
