"""A stack that serves a third-party application, natively and through the real Traefik."""

import json
import shutil

import pytest

from tests.checkout import ROOT, Checkout

MODULE = "tests.thirdparty.counts:app"


class Stack(Checkout):
    """A copy of this checkout that serves tests/thirdparty/counts.py."""

    @property
    def counted(self) -> dict[str, int]:
        return json.loads(self.answers("/_counts", port=self.direct))

    def verify(self, **settings: object) -> tuple[dict[str, int], list[dict]]:
        """What reached the application meanwhile, by kind of request, and the report's checks."""
        report = self.path / "build" / "verify" / "report.json"
        report.unlink(missing_ok=True)
        before = self.counted
        _, output = self.make("verify", **settings)
        assert report.exists(), output
        now = self.counted
        came = {kind: now[kind] - before.get(kind, 0) for kind in now}
        return {kind: count for kind, count in came.items() if count}, json.loads(report.read_text())[
            "checks"
        ]


@pytest.fixture(scope="module")
def counting():
    path = ROOT / "build" / "thirdparty"
    stack = Stack(path, "native")
    stack.fill()
    code, output = stack.make("up", APP_MODULE=MODULE)
    assert code == 0, output
    yield stack
    stack.make("clean")
    leftovers = not stack.nothing_left()
    shutil.rmtree(path, ignore_errors=True)
    assert not leftovers, "processes were left"
