"""action.yml, run as GitHub's runner would: its script, with the inputs in the environment."""

import os
import re
import subprocess

import pytest
import yaml

from tests.checkout import ROOT

ACTION = yaml.safe_load((ROOT / "action.yml").read_text())


@pytest.fixture(scope="module")
def runner_temp(tmp_path_factory):
    """A job's folder, where the tool is installed once."""
    return tmp_path_factory.mktemp("runner")


@pytest.fixture(scope="module")
def served(checkout):
    checkout.must("up")
    return checkout


def run(checkout, runner_temp, tmp_path, **inputs: str) -> tuple[int, str, str]:
    """Its exit code, the job's summary and the step's outputs."""
    values = {name: one.get("default", "") for name, one in ACTION["inputs"].items()} | {
        name.replace("_", "-"): value for name, value in inputs.items()
    }
    assert values.keys() == ACTION["inputs"].keys()
    (step,) = ACTION["runs"]["steps"]
    files = {name: tmp_path / name for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
    environ = {
        name: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda match: values[match[1]], value)
        for name, value in step["env"].items()
    }
    (tmp_path / "workspace").mkdir()
    process = subprocess.run(
        [step["shell"], "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        env={
            **os.environ,
            **environ,
            **files,
            "GITHUB_ACTION_PATH": str(checkout.path),
            "RUNNER_TEMP": str(runner_temp),
        },
        cwd=tmp_path / "workspace",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    print(process.stdout)  # which pytest shows of a failure
    texts = (path.read_text() if path.exists() else "" for path in files.values())
    return process.returncode, *texts


@pytest.mark.parametrize("prefix, code", [("/api/v1", 0), ("/api/v2", 1)])
def test_its_report_is_in_the_summary(served, runner_temp, tmp_path, prefix, code):
    url = f"http://127.0.0.1:{served.http}{prefix}"
    exit_code, summary, outputs = run(served, runner_temp, tmp_path, url=url, only="app.,prefix.")
    assert exit_code == code
    assert url in summary and "app.root_path" in summary
    assert outputs == f"report={tmp_path}/workspace/behindproxy-report\n"


def test_its_inputs_are_options_of_the_command(served, runner_temp, tmp_path):
    code, summary, outputs = run(
        served,
        runner_temp,
        tmp_path,
        url=f"http://127.0.0.1:{served.http}/api/v1",
        tls_url=f"https://127.0.0.1:{served.https}/api/v1",
        direct=f"http://127.0.0.1:{served.direct}",
        ca=f"{served.path}/build/tls/ca.pem",
        only="app.,fuzz.",
        stream="/stream",
        fail_on="broken",
        strip_prefix="true",
        verbose="true",
        format="json md sarif",
        report="its/own",
    )
    assert code == 0
    assert f"https://127.0.0.1:{served.https}/api/v1" in summary and "app.same_answer" in summary
    assert outputs == f"report={tmp_path}/workspace/its/own\n"


def test_an_input_that_cannot_be_is_status_2(served, runner_temp, tmp_path):
    assert run(served, runner_temp, tmp_path, url="api.example.com")[0] == 2
