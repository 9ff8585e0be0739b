"""One stack with the routes that only tests need, in a copy of this checkout, and what is done to it."""

import json
import re
import shutil
import subprocess
from datetime import datetime
from typing import NamedTuple

import pytest

from behindproxy.stack.paths import DYNAMIC
from tests import load
from tests.checkout import ROOT, Checkout, docker, wait_for

OVERRIDE = """services:
  app: &tested {volumes: ["./tests:/srv/tests:ro"]}
  app-2: *tested
  app-3: *tested
  app-4: *tested
  app-5: *tested
"""
SETTINGS = {"APP_MODULE": "tests.routes:app", "SUBNET": "172.30.96", "APP_REPLICAS": 2}


class Handled(NamedTuple):
    """A request that Traefik had: its id, the last replica it went to, and when (time.time())."""

    number: str
    replica: str
    status: int
    began: float
    end: float


class Operated(Checkout):
    """The copy, with the commands of somebody who operates it or breaks it."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}/api/v1"

    def start(self, target: str, **settings: object) -> subprocess.Popen:
        return super().start(target, **{**SETTINGS, **settings})

    def servers_up(self, through: str = "app-2") -> dict[str, bool]:
        """Which slots Traefik sends requests to, as its metrics say; asked from a container."""
        text = docker(
            "exec",
            self.container(through),
            "python",
            "-c",
            "import urllib.request as u; "
            "print(u.urlopen('http://traefik:8082/metrics', timeout=3).read().decode())",
        )
        lines = [line for line in text.splitlines() if line.startswith("traefik_service_server_up{")]
        return {line.split('url="http://')[1].split(":")[0]: line.endswith(" 1") for line in lines}

    def handled(self) -> list[Handled]:
        """Each request of a load that has ended, as Traefik's log has it."""
        requests = []
        for line in docker("logs", self.container("traefik")).splitlines():
            if '"request_X-Request-Id":"load-' in line:
                one = json.loads(line)
                began = datetime.fromisoformat(one["StartUTC"]).timestamp()
                requests.append(
                    Handled(
                        one["request_X-Request-Id"],
                        one.get("ServiceAddr", "").split(":")[0],
                        one["DownstreamStatus"],
                        began,
                        began + one["Duration"] / 1e9,
                    )
                )
        return requests

    def edit(self, name: str, old: str, new: str) -> None:
        """By rename, as editors save."""
        path = self.path / "traefik" / "dynamic" / name
        text = path.read_text()
        assert old in text
        part = path.with_suffix(".edit")
        part.write_text(text.replace(old, new))
        part.replace(path)


@pytest.fixture(scope="session")
def copied():
    checkout = Operated(ROOT / "build" / "operations", "docker")
    engine = subprocess.run(["docker", "version"], capture_output=True)
    if engine.returncode:
        pytest.skip("no Docker engine answers: deploys and replicas are containers")
    checkout.fill()
    checkout.environ["START_SECONDS"] = "40"  # so long a version that is never ready is waited for
    (checkout.path / "docker-compose.override.yml").write_text(OVERRIDE)
    yield checkout
    checkout.make("clean")
    leftovers = not checkout.nothing_left()
    shutil.rmtree(checkout.path, ignore_errors=True)
    assert not leftovers, "containers were left"


@pytest.fixture
def stack(copied):
    """Two replicas of the present source, all of them in."""
    for path in DYNAMIC.iterdir():
        own = copied.path / "traefik" / "dynamic" / path.name
        if own.read_text() != path.read_text():  # whole, or Traefik reads a part of it while it runs
            copied.edit(path.name, own.read_text(), path.read_text())
    copied.must("up")
    wait_for(lambda: {"app", "app-2"} <= {n for n, up in copied.servers_up().items() if up}, 20)
    return copied


WENT_WELL = re.compile(r'"DownstreamStatus":(200|0)\b|"status":200')  # Traefik's 0: a WebSocket


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure carries the last lines of the proxy's log and of the application's."""
    report = yield
    stack = item.funcargs.get("stack") if hasattr(item, "funcargs") else None
    if report.when == "call" and report.failed and stack:
        lines = [
            line
            for line in stack.make("logs", FOLLOW=0)[1].splitlines()
            if "/readyz" not in line and not WENT_WELL.search(line)
        ]
        report.sections.append(("the parts' logs, without what went well", "\n".join(lines[-40:])))
    return report


RECORD = ROOT / "build" / "operations.json"


@pytest.fixture
def record(request):
    return load.recorder(RECORD, request.node.name)


def pytest_sessionstart():
    RECORD.unlink(missing_ok=True)


def pytest_terminal_summary(terminalreporter):
    load.report(RECORD, terminalreporter)
