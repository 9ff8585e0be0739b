"""What a run writes and says where nothing could be checked."""

import json
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from types import SimpleNamespace
from xml.etree import ElementTree

import httpx
import pytest

from behindproxy.contract.engine import exchange, raw
from behindproxy.contract.engine.inventory import Inventory
from behindproxy.contract.engine.shown import visible
from behindproxy.contract.report import terminal
from behindproxy.contract.report.reports import FORMATS, NAMES, failure_text, fence
from behindproxy.contract.report.result import Result
from behindproxy.stack.paths import ROOT

from .targets import target
from .test_odd_answers import JSON, UNKNOWN, served


def test_a_report_is_not_written_through_a_link(tmp_path):
    other = tmp_path / "kept"
    other.write_text("mine")
    report = tmp_path / "report"
    report.mkdir()
    for name in NAMES:
        (report / name).symlink_to(other)
    command = [
        sys.executable,
        "-m",
        "behindproxy",
        "verify",
        "http://127.0.0.1:9/shop",
        "--report",
        str(report),
    ]
    every = [option for form in FORMATS for option in ("--format", form)]
    subprocess.run([*command, "--only", "app", *every], cwd=ROOT, capture_output=True, timeout=120)
    assert other.read_text() == "mine"
    assert all((report / name).is_file() and not (report / name).is_symlink() for name in NAMES)


def test_a_deployment_that_does_not_answer_is_one_line_and_a_report(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/shop"
    process = subprocess.run(
        [sys.executable, "-m", "behindproxy", "verify", url, "--report", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert process.returncode == 2
    output = process.stdout + process.stderr
    assert output.startswith("nothing answers at http://127.0.0.1:") and "Traceback" not in output, output
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["target"]["http_url"] == url
    assert {line["status"] for line in report["checks"]} == {"error"}
    assert {line["entrypoint"] for line in report["checks"]} == {"http", "https", "direct", "all"}
    (suite,) = ElementTree.parse(tmp_path / "report.xml").getroot()
    assert (suite.get("tests"), suite.get("errors"), suite.get("failures")) == ("1", "1", "0")
    (case,) = suite
    assert case.get("name") == "the deployment can be reached"
    assert case.find("error").text == output.strip()


def test_a_list_of_test_cases_has_the_titles(tmp_path):
    with served(lambda path: (200, JSON, "[]") if path == "/orders" else UNKNOWN) as app:
        command = [sys.executable, "-m", "behindproxy", "verify", app.url, "--path", "/orders"]
        command += ["--only", "app.answers", "--format", "junit", "--report", str(tmp_path)]
        subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120)
    cases = {one.get("name") for one in ElementTree.parse(tmp_path / "report.xml").iter("testcase")}
    assert "app.answers on http: The application responds on this entrypoint" in cases


def test_what_an_answer_holds_does_nothing_where_it_is_shown():
    assert visible("a\tb\r\nc") == "a\tb\nc"
    assert visible("\x1b[2J\x07\x9b1m\r\u202e") == r"\x1b[2J\x07\x9b1m\r\u202e"


def test_no_line_of_an_answer_begins_a_line_of_the_terminal():
    check = SimpleNamespace(id="app.answers", title="It answers")
    value = "200\n::warning::x"
    texts = dict.fromkeys(("subject", "expected", "observed", "request", "response", "fix"), value)
    text = failure_text(SimpleNamespace(check=check, entrypoint="http", level="broken", source="", **texts))
    assert "\n::" not in text and text.count("::warning::x") == 6


def test_an_answer_does_not_end_the_block_that_it_is_in():
    result = SimpleNamespace(expected="", observed="x\n````\n<b>")
    assert fence(result) == "`" * 5


def test_no_path_of_an_application_begins_a_line_of_the_run(capsys):
    wrong = "/x\n9 passed, 0 failed"
    check = SimpleNamespace(
        id="app.answers", group="app", title="It answers", level="broken", fix="", source=""
    )
    skipped = Result(check, "http", "skipped", observed=f"{wrong} redirects nobody", subject=wrong)
    target_ = target("http://127.0.0.1/shop")
    target_.inventory, target_.lacks = (
        Inventory(streams=[wrong], sockets=[wrong], notes=[f"{wrong} is slow"]),
        {},
    )
    run = SimpleNamespace(target=target_, results={"": skipped}, not_tested=[])
    option = SimpleNamespace(logs_command=[], list_checks=False, verbose_checks=True, fail_on="broken")
    reporter = terminal.Reporter(SimpleNamespace(option=option), run)
    reporter.pytest_runtestloop()
    reporter.matrix()
    reporter.reasons()
    output = capsys.readouterr().out
    assert output.count("9 passed") == 5 and "\n9 passed" not in output


class Endless(httpx.SyncByteStream):
    def __iter__(self):
        while True:
            yield b"x" * 1024


def test_a_body_without_an_end_is_an_error(monkeypatch):
    monkeypatch.setattr(exchange, "BODY_BYTES", 100_000)
    handler = httpx.MockTransport(lambda request: httpx.Response(200, stream=Endless()))
    with httpx.Client(transport=handler, event_hooks={"response": [exchange.bound]}) as client:
        with pytest.raises(httpx.ReadError, match="did not end"):
            client.get("http://127.0.0.1/")


def test_raw_bytes_without_an_end_are_cut(monkeypatch):
    monkeypatch.setattr(raw, "BODY_BYTES", 100_000)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            with server.accept()[0] as connection, suppress(OSError):
                while True:
                    connection.sendall(b"x" * 65536)

        threading.Thread(target=answer, daemon=True).start()
        data, closed = raw.exchange("127.0.0.1", server.getsockname()[1], None, b"GET / HTTP/1.1\r\n\r\n")
    assert 100_000 < len(data) < 300_000 and not closed


def test_the_credentials_of_a_request_are_not_reported():
    request = httpx.Request("GET", "http://127.0.0.1/admin", headers={"Authorization": "Basic bWU6aGlkZGVu"})
    assert "\nAuthorization: ***\n" in exchange.request_text(request)
