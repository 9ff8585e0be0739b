"""What `up` says where APP_MODULE could not be loaded."""

import subprocess
import sys

from behindproxy.stack import loading
from tests.experiments.serving import free_port


def test_the_line_of_the_server_is_found_and_an_earlier_start_s_is_not(monkeypatch):
    monkeypatch.setenv("APP_MODULE", "app.mian:app")
    monkeypatch.setenv("APP_PORT", str(free_port()))
    before = loading.now()
    done = subprocess.run(
        [sys.executable, "-m", "behindproxy_serve"], capture_output=True, text=True, timeout=60
    )
    log = "".join(f"app     | {line}\n" for line in (done.stdout + done.stderr).splitlines())
    sentence, trace = loading.failure(log, before)
    assert sentence == (
        "APP_MODULE=app.mian:app could not be loaded: ModuleNotFoundError: No module named 'app.mian'; "
        "for example APP_MODULE=app.main:app"
    )
    assert trace.startswith("Traceback") and trace.endswith("No module named 'app.mian'")
    assert loading.failure(log, loading.now()) == ("", "")


def test_other_lines_are_none():
    assert loading.failure("app | nonsense could not be loaded {\napp | {}\n", "") == ("", "")
