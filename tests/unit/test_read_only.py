"""A read-only file system: what is said of it, and the folders that APP_DATA makes writable."""

import json
import logging
import sqlite3
import sys

import pytest

from behindproxy.stack import compose_file, ownership, render
from behindproxy.stack.settings import StackSettings, SwarmSettings, read_as
from behindproxy_serve import read_only
from behindproxy_serve.log import Line
from behindproxy_serve.middleware.startup import last_error

SQLALCHEMY = """Traceback (most recent call last):
  File "shop.py", line 1, in connect
    return self.loaded_dbapi.connect()
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^
sqlite3.OperationalError: unable to open database file

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "shop.py", line 2, in life
    create_all(engine)
sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) unable to open database file
(Background on this error at: https://sqlalche.me/e/21/e3q8)"""

GROUP = """  + Exception Group Traceback (most recent call last):
  |   File "shop.py", line 2, in life
  |     async with asyncio.TaskGroup() as group:
  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "shop.py", line 1, in connect
    |     raise RuntimeError("no database at db:5432")
    | RuntimeError: no database at db:5432
    +------------------------------------"""


@pytest.fixture
def cannot_write(monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)


def test_the_error_itself_is_the_reason_and_not_where_to_read_about_it():
    assert last_error(SQLALCHEMY) == (
        "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) unable to open database file"
    )
    assert last_error(GROUP) == "RuntimeError: no database at db:5432"
    assert last_error("ValueError: no trace") == "ValueError: no trace"
    assert last_error("") == ""


@pytest.mark.parametrize(
    "error",
    [
        OSError(30, "Read-only file system", "uploads/a.png"),
        sqlite3.OperationalError("attempt to write a readonly database"),
        RuntimeError(SQLALCHEMY),
    ],
)
def test_what_comes_of_a_read_only_file_system_is_said_with_the_setting(error, cannot_write):
    assert "APP_DATA=data" in read_only.advice(str(error))
    try:
        raise error
    except type(error):
        record = logging.LogRecord("uvicorn.error", logging.ERROR, "", 1, "Exception", (), sys.exc_info())
    assert "APP_DATA=data" in json.loads(Line().format(record))["hint"]


def test_nothing_is_said_of_other_errors_or_where_it_can_write(tmp_path, monkeypatch, cannot_write):
    assert read_only.advice("ValueError: no such item") == ""
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert read_only.advice("unable to open database file") == ""


def test_each_folder_is_a_volume_of_every_replica_and_of_what_gives_it_away(tmp_path, monkeypatch):
    monkeypatch.setattr(render, "BUILD", tmp_path)
    settings = StackSettings.model_validate({"app_data": "files/uploads/, data"})
    (path,) = render.volumes(["app", "app-2"], settings.data_folders)
    config = compose_file.load(path)
    assert config["volumes"] == {"data": {}, "files-uploads": {}}
    targets = ["/srv/data", "/srv/files/uploads"]
    for name in ("app", "app-2", render.OWNER):
        assert [one["target"] for one in config["services"][name]["volumes"]] == targets
    owner = config["services"][render.OWNER]
    assert owner["cap_drop"] == ["ALL"] and owner["network_mode"] == "none" and owner["profiles"] == ["setup"]
    assert owner["command"][-2:] == targets and render.OWNER in ownership.OWNERS
    assert render.volumes(["app"], StackSettings.model_validate({}).data_folders) == []


@pytest.mark.parametrize("value", ["/data", "..", "a/../b", ".", "data,,x", "a b", "data,/x", "-rf"])
def test_a_folder_outside_the_project_is_refused(value, tmp_path):
    with pytest.raises(SystemExit, match="APP_DATA=.*: must be folders inside the project's"):
        read_as(StackSettings, {"APP_DATA": value}, tmp_path / ".env")


def test_a_swarm_has_no_volumes(tmp_path):
    with pytest.raises(SystemExit, match="APP_DATA=data: in a swarm each node would have files of its own"):
        read_as(SwarmSettings, {"APP_DATA": "data", "BIND_ADDRESS": "0.0.0.0"}, tmp_path / ".env")
