"""Which findings decide the exit status: --fail-on, and behindproxy.toml, against a third-party server."""

import json
import subprocess
import sys

import pytest

from .test_odd_answers import JSON, SCHEMA, UNKNOWN, served

# It names its server's version: of level hardening. Nothing else of what is checked here is wrong.
VERSION = {**JSON, "server": "nginx/1.25.3"}
CHECKS = "exposure.no_versions,application.redirects"
WITHOUT_PREFIX = {**JSON, "location": "/orders/"}  # the prefix


def answer(path: str) -> tuple[int, dict[str, str], str]:
    if path == "/openapi.json":
        return 200, VERSION, json.dumps(SCHEMA)
    if path == "/old":
        return 307, {**VERSION, "location": "/shop/orders"}, ""
    return (200, VERSION, "[]") if path == "/orders" else UNKNOWN


def verify(url: str, folder, *options: str) -> tuple[int, dict[str, str], str]:
    """Return the exit status, the status of each check at http, and what was printed last."""
    command = [sys.executable, "-m", "behindproxy", "verify", url, "--report", str(folder), "--only", CHECKS]
    process = subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True, timeout=120)
    report = json.loads((folder / "report.json").read_text())
    statuses = {one["id"]: one["status"] for one in report["checks"] if one["entrypoint"] == "http"}
    return process.returncode, statuses, process.stdout.splitlines()[-1]


@pytest.mark.parametrize(("level", "status"), [("", 0), ("broken", 0), ("exposed", 0), ("hardening", 1)])
def test_a_finding_below_the_level_does_not_fail_the_run(tmp_path, level, status):
    with served(answer) as app:
        code, statuses, last = verify(
            app.url, tmp_path, "--path", "/old", *(["--fail-on", level] if level else [])
        )
    assert statuses == {"application.redirects": "passed", "exposure.no_versions": "failed"}, statuses
    assert code == status and "1 failed" in last


def test_what_is_broken_fails_the_run_at_each_level(tmp_path):
    with served(lambda path: (307, WITHOUT_PREFIX, "") if path == "/old" else answer(path)) as app:
        for level in ("broken", "exposed", "hardening"):
            code, statuses, _ = verify(app.url, tmp_path, "--fail-on", level, "--path", "/old")
            assert (code, statuses["application.redirects"]) == (1, "failed"), statuses


def test_an_accepted_finding_fails_the_run_at_no_level(tmp_path):
    accepted = tmp_path / "behindproxy.toml"
    accepted.write_text('[[accept]]\nid = "exposure.no_versions"\nreason = "our load balancer hides it"\n')
    with served(answer) as app:
        for options in ((), ("--accept", str(accepted))):  # it is found in the folder, too
            code, statuses, last = verify(app.url, tmp_path, "--fail-on", "hardening", *options)
            assert (code, statuses["exposure.no_versions"]) == (0, "accepted"), last
            assert "1 accepted" in last
