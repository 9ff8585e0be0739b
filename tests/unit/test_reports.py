"""What a run writes and says where nothing could be checked."""

import json
import socket
import subprocess
import sys

from behindproxy.stack.paths import ROOT


def test_a_deployment_that_does_not_answer_is_one_line_and_a_report(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/shop"
    done = subprocess.run(
        [sys.executable, "-m", "behindproxy", "verify", url, "--report", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    said = done.stdout + done.stderr
    assert said.startswith("nothing answers at http://127.0.0.1:") and "Traceback" not in said, said
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["target"]["http_url"] == url
    assert {line["status"] for line in report["checks"]} == {"error"}
    assert {line["entrypoint"] for line in report["checks"]} == {"http", "https", "direct", "all"}
