"""What `up` says where APP_MODULE could not be loaded."""

import subprocess
import sys

import pytest

from behindproxy.stack import loading
from tests.hosts import free_port

NO_DATABASE = """
from contextlib import asynccontextmanager
from fastapi import FastAPI

@asynccontextmanager
async def lifespan(app):
    raise RuntimeError("no database at db:5432")
    yield

app = FastAPI(lifespan=lifespan)
"""


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


@pytest.mark.parametrize("server", ["uvicorn", "fastapi", "gunicorn", "hypercorn"])
def test_a_lifespan_that_fails_is_named_and_its_error_stands_in_the_log_once(server, tmp_path, monkeypatch):
    (tmp_path / "without_database.py").write_text(NO_DATABASE)
    monkeypatch.syspath_prepend(tmp_path)
    environ = {
        "PYTHONPATH": ":".join((str(tmp_path), "src")),
        "APP_MODULE": "without_database:app",
        "APP_SERVER": server,
        "APP_PORT": str(free_port()),
        "RUN_DIR": str(tmp_path / "run"),
    }
    for key, value in environ.items():
        monkeypatch.setenv(key, value)
    done = subprocess.run(
        [sys.executable, "-m", "behindproxy_serve"], capture_output=True, text=True, timeout=60
    )
    log = done.stdout + done.stderr
    sentence, trace = loading.failure(log)
    assert sentence == "APP_MODULE=without_database:app could not start: RuntimeError: no database at db:5432"
    assert trace.startswith("Traceback") and trace.endswith("no database at db:5432")
    own = server == "hypercorn"  # which ends by an exception of its own, come of this one
    assert log.count("raise RuntimeError") == 1 + own, log


def test_other_lines_are_none():
    assert loading.failure("app | nonsense could not be loaded {\napp | {}\n", "") == ("", "")
