"""What `up` says where APP_MODULE could not be loaded."""

import os
import subprocess
import sys

import pytest

from behindproxy.stack import docker, loading
from behindproxy.stack.ownership import Container
from behindproxy.stack.paths import ROOT
from behindproxy.stack.settings import StackSettings
from behindproxy_serve import healthcheck
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
    process = subprocess.run(
        [sys.executable, "-m", "behindproxy_serve"], capture_output=True, text=True, timeout=60
    )
    log = "".join(f"app     | {line}\n" for line in (process.stdout + process.stderr).splitlines())
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
    process = subprocess.run(
        [sys.executable, "-m", "behindproxy_serve"], capture_output=True, text=True, timeout=60
    )
    log = process.stdout + process.stderr
    sentence, trace = loading.failure(log)
    assert sentence == "APP_MODULE=without_database:app could not start: RuntimeError: no database at db:5432"
    assert trace.startswith("Traceback") and trace.endswith("no database at db:5432")
    own = server == "hypercorn"  # which ends by an exception of its own, come of this one
    assert log.count("raise RuntimeError") == 1 + own, log


def test_other_lines_are_none():
    assert loading.failure("app | nonsense could not be loaded {\napp | {}\n", "") == ("", "")


def test_what_an_application_logs_of_a_plugin_is_no_failure_of_its_own():
    for key in ("event", "message"):
        line = f'{{"{key}": "the plugin x could not be loaded: no module named x", "level": "warning"}}'
        assert loading.failure(f"app | {line}\n") == ("", "")


CONFIG = {
    "name": "shop",
    "services": {
        "app": {
            "image": "shop-app",
            "environment": {"APP_MODULE": "shop:app", "PRICE": "5$$", "PATH": "/bin"},
            "volumes": [
                {"type": "bind", "source": "/their/app", "target": "/srv/app", "read_only": True},
                {"type": "volume", "source": "data", "target": "/data"},
            ],
        }
    },
    "volumes": {"data": {"name": "shop_data"}},
}


def test_the_container_that_tries_the_application_has_what_the_one_that_serves_it_gets(monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin")
    command, environ = loading.in_a_container(CONFIG, "abc")
    words = " ".join(command)
    assert "--network container:abc" in words and "shop-app python -c" in words
    assert "--mount type=bind,source=/their/app,target=/srv/app,readonly" in words
    assert "--mount type=volume,source=shop_data,target=/data --" not in words
    assert "--mount type=volume,source=shop_data,target=/data" in words
    # A secret is in no command line; the client's own variables stay as they are.
    assert "--env PRICE " in words and environ["PRICE"] == "5$" and "5$" not in words
    assert "--env PATH=/bin" in words and environ["PATH"] == "/usr/bin"


def test_nothing_is_tried_in_a_container_that_would_lack_something(monkeypatch):
    app = {**CONFIG["services"]["app"], "secrets": [{"source": "key"}]}
    assert loading.in_a_container({**CONFIG, "services": {"app": app}}, "abc")[0] == []


def tried(module, tmp_path):
    environ = {**os.environ, "APP_MODULE": module, "RUN_DIR": str(tmp_path), "PYTHONPATH": "src:."}
    loading.refuse_unloadable([sys.executable, "-c", loading.IMPORT], environ, ROOT, 60)


def test_what_cannot_be_loaded_is_refused_while_another_serves(tmp_path, monkeypatch):
    tried("app.main:app", tmp_path)
    with pytest.raises(SystemExit) as end:
        tried("app.mian:app", tmp_path)
    assert "app.mian" in str(end.value) and str(end.value).endswith("; what runs goes on")
    monkeypatch.setenv("APP_RELOAD", "1")
    tried("app.mian:app", tmp_path)


def test_one_that_takes_too_long_is_left_to_the_start():
    loading.refuse_unloadable([sys.executable, "-c", "import time; time.sleep(9)"], {}, ROOT, 0.1)


@pytest.mark.parametrize(
    ("state", "says", "sentence"),
    [
        ({"Status": "exited"}, "", "could not start: its process ended each time before it answered"),
        (
            {"Status": "running", "Health": {"Status": "unhealthy"}},
            f"{healthcheck.NONE} (refused)",
            "within START_SECONDS=60",
        ),
        ({"Status": "running", "Health": {"Status": "unhealthy"}}, "200", ""),  # the check itself is wrong
        ({"Status": "running", "Health": {"Status": "healthy"}}, "", ""),
    ],
)
def test_a_replica_that_did_not_start_is_said_so(monkeypatch, state, says, sentence):
    inspection = {"State": state, "Config": {"Labels": {}}}
    answer = subprocess.CompletedProcess([], 1, says + "\n")
    monkeypatch.setattr(docker, "_execute", lambda *command: answer)
    reason = docker._not_started(StackSettings(), [Container("1", "shop", "app", "", inspection)])
    assert sentence in reason and bool(reason) == bool(sentence)
    assert not reason or reason.startswith("APP_MODULE=app.main:app ")
