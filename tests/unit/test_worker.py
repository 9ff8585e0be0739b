"""WORKER_COMMAND: a second process of the application's, natively and in Docker."""

import json
import os
import signal
import subprocess
from dataclasses import replace

import psutil
import pytest

from behindproxy.doctor import checks
from behindproxy.doctor.facts import Container as facts_container
from behindproxy.stack import compose_file, docker, native, render, rolling
from behindproxy.stack.ownership import Container
from behindproxy.stack.settings import StackSettings, SwarmSettings, read_as
from tests.checkout import ROOT, wait_for

from .doctor_facts import healthy

WITHOUT = StackSettings.model_validate({})
WITH = StackSettings.model_validate({"worker_command": "arq 'shop.jobs:Worker $1'", "app_data": "data"})


def container(service, status="running", health="healthy"):
    state = {"Status": status, "Health": {"Status": health}} if health else {"Status": status}
    labels = {"com.docker.compose.service": service, "com.docker.compose.project": "shop"}
    config = {"Labels": labels, "Env": []}
    return Container(service, "shop", service, "Up", {"Id": service, "State": state, "Config": config})


def test_it_is_a_part_natively(monkeypatch, tmp_path):
    assert native.parts(WITHOUT) == ("traefik", "app")
    assert native.parts(WITH) == ("traefik", "app", "worker")
    monkeypatch.setattr(native, "HOME", tmp_path)
    text = native._supervisord(WITH)
    assert "[program:worker]" in text and "arq 'shop.jobs:Worker $1'" in text.replace("'\"'\"'", "'")
    assert "[program:worker]" not in native._supervisord(WITHOUT)


def test_one_that_ended_is_named_natively(monkeypatch):
    monkeypatch.setattr(native, "_app_answers", lambda settings: True)
    monkeypatch.setattr(native, "_status", lambda url: 200)
    monkeypatch.setattr(native.metrics, "first_said", lambda look: True)
    for state, problems in (("RUNNING", []), ("FATAL", ["worker does not run (WORKER_COMMAND)"])):
        row = {"statename": state, "pid": os.getpid()}
        monkeypatch.setattr(native, "states", lambda row=row: {"worker": row})
        assert native.unhealthy(WITH) == problems
        assert native.unhealthy(WITHOUT) == []


def test_it_is_a_service_as_the_application_s_but_for_its_command(monkeypatch, tmp_path):
    monkeypatch.setattr(render, "BUILD", tmp_path)
    (path,) = render.worker(WITH)
    worker = compose_file.load(path)["services"]["worker"]
    assert worker["extends"]["service"] == "app" and worker["ports"] == []
    assert worker["command"] == ["arq", "shop.jobs:Worker $$1"]
    assert worker["healthcheck"]["test"] == render.ALIVE
    assert "ports: !reset []" in path.read_text()
    assert render.worker(WITHOUT) == []
    assert docker.worker(WITHOUT) == [] and docker.worker(WITH) == ["worker"]


def test_in_production_everything_starts_again_with_the_engine_however_that_ended(monkeypatch, tmp_path):
    production = compose_file.load(ROOT / "docker-compose.prod.yml")["services"]
    policies = {name: one.get("restart") for name, one in production.items() if name != "acme-owner"}
    assert policies and set(policies.values()) == {"always"}
    monkeypatch.setattr(render, "BUILD", tmp_path)
    settings = WITH.model_copy(update={"domain": "api.example.com"})
    (path,) = render.worker(settings)
    assert compose_file.load(path)["services"]["worker"]["restart"] == "always"


def test_in_docker_it_has_a_health_of_its_own():
    up = [container("traefik"), container("app")]
    assert docker._unhealthy(WITH, [*up, container("worker")]) == []
    for worker in ([], [container("worker", "exited", "")], [container("worker", health="unhealthy")]):
        assert docker._unhealthy(WITH, [*up, *worker]) == ["worker is not healthy"]
    assert docker._unhealthy(WITHOUT, up) == []


def test_one_that_the_engine_found_ended_is_not_healthy_whatever_its_last_check_said():
    ended = container("app", "exited", "healthy")
    assert not ended.healthy and ended.health == "exited"
    assert docker._unhealthy(WITHOUT, [container("traefik"), ended]) == ["app is not healthy"]


@pytest.mark.parametrize(("health", "problems"), [("unhealthy", ["db is not healthy"]), ("", [])])
def test_a_database_that_ended_is_a_problem_and_a_job_without_a_health_check_is_none(health, problems):
    database = container("db", "exited", health)
    database.inspection["State"]["ExitCode"] = 0
    assert docker._beside(WITHOUT, [database]) == problems


def test_ps_names_what_ended_badly_beside_them():
    database, task = container("db", "exited", ""), container("seed", "exited", "")
    database.inspection["State"]["ExitCode"], task.inspection["State"]["ExitCode"] = 1, 0
    parts = [container("app"), container("worker"), database, task]
    assert docker._beside(WITH, parts) == ["db is not healthy"]


@pytest.mark.parametrize(("signal_", "status"), [(signal.SIGCONT, 0), (signal.SIGSTOP, 1)])
def test_its_health_check_fails_where_its_process_is_stopped(signal_, status):
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            process.send_signal(signal_)
            wait_for(lambda: (psutil.Process(process.pid).status() == psutil.STATUS_STOPPED) == bool(status))
            command = [word.replace("/1/", f"/{process.pid}/") for word in render.ALIVE[1:]]
            assert subprocess.run(command).returncode == status
        finally:
            process.kill()


def test_the_engine_starting_it_again_and_again_is_no_start(capsys, monkeypatch):
    monkeypatch.setattr(docker, "_log", lambda one, lines: "no broker\n")
    ended = container("worker", "restarting", "")
    docker.refuse_ended_worker(WITH, [ended])
    ended.inspection["RestartCount"] = 2
    with pytest.raises(SystemExit, match="it ended at once"):
        docker.refuse_ended_worker(WITH, [ended])
    assert "no broker" in capsys.readouterr().err


def test_it_has_what_an_override_gives_the_application(monkeypatch, tmp_path):
    monkeypatch.setattr(render, "BUILD", tmp_path)
    override = tmp_path / "docker-compose.override.yml"
    assert render.as_app(override, ["app-2"]) == []
    override.write_text(
        "services:\n  app: {networks: [data], command: [serve], container_name: one, ports: !reset []}\n"
    )
    (path,) = render.as_app(override, ["app-2", "worker"])
    assert json.loads(path.read_text())["services"] == {
        "app-2": {"networks": ["data"], "command": ["serve"]},
        "worker": {"networks": ["data"]},
    }
    override.write_text("services:\n  db: {image: postgres}\n")
    assert render.as_app(override, ["app-2"]) == []


def test_a_deploy_replaces_it_last_and_an_up_without_it_removes_it(monkeypatch):
    steps = []
    monkeypatch.setattr(docker, "running", lambda slot: slot == "app")
    monkeypatch.setattr(docker, "compose", lambda: ["docker", "compose"])
    monkeypatch.setattr(docker, "environment", lambda settings: {})
    monkeypatch.setattr(docker, "unhealthy", lambda settings: [])
    monkeypatch.setattr(docker, "step", lambda command, arguments, *rest: steps.append(arguments[-1]))
    monkeypatch.setattr(rolling.ownership, "own", list)
    monkeypatch.setattr(rolling, "retire", lambda settings, slot: steps.append(f"retire {slot}"))
    monkeypatch.setattr(rolling, "_start", lambda settings, slot, serves=False: steps.append(slot))
    rolling.roll(WITH, lambda: None)
    assert steps == ["app-2", "retire app", "app", "retire app-2", "worker"]
    removed = []
    monkeypatch.setattr(rolling.ownership, "own", lambda: [container("app"), container("worker", health="")])
    monkeypatch.setattr(docker, "remove", lambda containers, seconds: removed.extend(containers))
    rolling.retire_surplus(WITH)
    assert removed == []
    rolling.retire_surplus(WITHOUT)
    assert [one.service for one in removed] == ["worker"]


def test_doctor_names_one_that_ended():
    facts = healthy(worker_command="arq x")
    worker = facts_container("worker", "x-worker-1", listeners=())
    facts.containers.append(worker)
    assert [step.finding for step in checks.parts(facts) if step.finding] == []
    # What an override has beside: a database that ended is named, and a task that ended well is not.
    facts.containers += [facts_container("db", "x-db-1", state="exited", exit_code=1, last_line="no space")]
    facts.containers += [facts_container("seed", "x-seed-1", state="exited")]
    (step,) = [step for step in checks.parts(facts) if step.finding]
    assert "no space" in str(step)
    facts.containers[-2] = replace(facts.containers[-2], exit_code=0, health="unhealthy")
    assert [step.finding for step in checks.parts(facts) if step.finding]
    del facts.containers[-2:]
    facts.containers[-1] = replace(worker, state="exited", exit_code=1, last_line="no broker")
    (step,) = [step for step in checks.parts(facts) if step.finding]
    assert "no broker" in str(step)
    facts.containers.pop()
    (step,) = [step for step in checks.parts(facts) if step.finding]
    assert step.finding == "container.missing" or "container.missing" in str(step)
    facts.runtime, facts.processes = "native", {"traefik": "RUNNING", "app": "RUNNING", "worker": "FATAL"}
    assert any("worker" in str(step) and step.finding for step in checks.parts(facts))


def test_the_document_shows_the_example_that_is_tested():
    text = (ROOT / "docs" / "production.md").read_text()
    assert (ROOT / "tests/copies/shop/docker-compose.override.yml").read_text() in text


def test_a_swarm_has_none(tmp_path):
    settings = {"BIND_ADDRESS": "0.0.0.0", "WORKER_COMMAND": "arq x"}
    with pytest.raises(SystemExit, match="WORKER_COMMAND=arq x: `make swarm-deploy` starts no worker"):
        read_as(SwarmSettings, settings, tmp_path / ".env")
