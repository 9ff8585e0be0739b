"""action.yml, run as GitHub's runner would: its script, with the inputs in the environment."""

import os
import re
import subprocess

import pytest
import yaml

from tests.checkout import ROOT

ACTION = yaml.safe_load((ROOT / "action.yml").read_text())


def run(checkout, tmp_path, **inputs: str) -> tuple[int, str, str]:
    """Its exit code, the job's summary and the step's outputs."""
    given = {name: one.get("default", "") for name, one in ACTION["inputs"].items()} | {
        name.replace("_", "-"): value for name, value in inputs.items()
    }
    (step,) = ACTION["runs"]["steps"]
    files = {name: tmp_path / name for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
    environ = {
        name: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: given[found[1]], value)
        for name, value in step["env"].items()
    }
    done = subprocess.run(
        [step["shell"], "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        env={**os.environ, **environ, **files, "GITHUB_ACTION_PATH": str(checkout.path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    read = (path.read_text() if path.exists() else "" for path in files.values())
    return done.returncode, *read


@pytest.mark.parametrize("prefix, code", [("/api/v1", 0), ("/api/v2", 1)])
def test_its_report_is_in_the_summary(running, tmp_path, prefix, code):
    url = f"http://127.0.0.1:{running.http}{prefix}"
    exit_code, summary, outputs = run(running, tmp_path, proxy_url=url, checks="app. or prefix.")
    assert bool(exit_code) == bool(code)
    assert url in summary and "app.root_path" in summary
    assert outputs == f"report={running.path}/build/verify\n"
