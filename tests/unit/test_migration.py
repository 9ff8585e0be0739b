"""MIGRATE_COMMAND: runs once, in the environment of the version that is to serve, and stops it by failing."""

import os
import sys

import pytest

from behindproxy.stack import docker, migration, rolling
from behindproxy.stack.settings import StackSettings, SwarmSettings, read_as


def test_it_runs_with_its_words_and_environment(tmp_path):
    code = "import os, sys; open('ran', 'a').write(os.environ['DATABASE_URL'] + sys.argv[1])"
    command = f'{sys.executable} -c "{code}" "two words"'
    migration.run(command, ["env"], {**os.environ, "DATABASE_URL": "sqlite://"}, tmp_path)
    assert (tmp_path / "ran").read_text() == "sqlite://two words"
    migration.run("", ["false"], {}, tmp_path)


def test_what_it_wrote_is_shown_where_it_fails(tmp_path, capfd):
    command = f"{sys.executable} -c \"print('no such revision'); raise SystemExit(3)\""
    with pytest.raises(SystemExit, match="ended with status 3 .*, so nothing was replaced"):
        migration.run(command, [], dict(os.environ), tmp_path)
    assert "no such revision" in capfd.readouterr().err
    with pytest.raises(SystemExit, match="MIGRATE_COMMAND=ghost: No such file"):
        migration.run("ghost", [], dict(os.environ), tmp_path)


def test_a_deploy_runs_it_with_the_new_image_and_replaces_nothing_where_it_fails(monkeypatch):
    steps = []
    monkeypatch.setattr(rolling, "_image", lambda settings: "shop-app")
    monkeypatch.setattr(docker, "running", lambda service: "id")
    monkeypatch.setattr(rolling.images, "serving", lambda image: "sha256:before")
    monkeypatch.setattr(rolling.images, "identity", lambda image: "sha256:new")
    monkeypatch.setattr(rolling.images, "tag", lambda id_, name: steps.append(f"tag {id_}"))
    monkeypatch.setattr(docker, "compose", lambda: ["false"])
    monkeypatch.setattr(docker, "environment", lambda settings: dict(os.environ))
    monkeypatch.setattr(docker, "obtain", lambda *arguments: steps.append("obtain"))
    monkeypatch.setattr(rolling, "roll", lambda *arguments: steps.append("roll"))
    settings = StackSettings.model_validate({"migrate_command": "alembic upgrade head"})
    with pytest.raises(SystemExit, match="MIGRATE_COMMAND=alembic upgrade head ended with status 1"):
        rolling.deploy(settings)
    assert steps == ["obtain", "tag sha256:before"]
    steps.clear()
    monkeypatch.setattr(docker, "compose", lambda: ["true"])
    rolling.deploy(settings)
    assert steps == ["obtain", "roll"]


@pytest.mark.parametrize("command", [rolling.deploy, rolling.rollback])
def test_without_traefik_nothing_is_replaced(monkeypatch, command):
    monkeypatch.setattr(docker, "running", lambda service: "" if service == "traefik" else "id")
    monkeypatch.setattr(rolling, "_image", lambda settings: pytest.fail("it went on"))
    with pytest.raises(SystemExit, match="traefik does not run; `make up` starts it"):
        command(StackSettings())


@pytest.mark.parametrize(
    ("model", "values", "says"),
    [
        (StackSettings, {}, "cannot be split into words: No closing quotation"),
        (SwarmSettings, {"BIND_ADDRESS": "0.0.0.0"}, "`make swarm-deploy` does not run it"),
    ],
)
def test_what_cannot_be_run_is_refused(tmp_path, model, values, says):
    command = "alembic upgrade 'head" if model is StackSettings else "alembic upgrade head"
    with pytest.raises(SystemExit, match=f"MIGRATE_COMMAND=.*: {says}"):
        read_as(model, {**values, "MIGRATE_COMMAND": command}, tmp_path / ".env")
