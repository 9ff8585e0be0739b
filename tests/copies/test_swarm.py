"""`make swarm-deploy` in a copy: what it hands to the engine, which a script stands in for. That three nodes
then serve it is proved of this repository's own (tests/swarm)."""

import json
import os
from pathlib import Path

import pytest
import yaml

from .projects import theirs

MODULE = {"APP_MODULE": "their.module:app", "API_PREFIX": "/shop/api"}
LAYOUTS = {"own": {}, "beside": {"docker-compose.yml": "services: {}\n", "Makefile": "up:\n\techo theirs\n"}}
# One node; the image that is built has a name by its content; both services run once they are deployed.
ENGINE = """#!/bin/sh
echo "$PWD $*" >>{folder}/called
case "$1 $2" in
"version --format") echo 28.2.2 ;;
"node ls") echo one ;;
"node inspect") echo '[{node}]' ;;
"image inspect") echo sha256:0123456789abcdef ;;
"service inspect") exit 1 ;;
"service ps") case "$*" in *desired-state=running*) echo one Running ;; esac ;;
"stack deploy") env -0 >{folder}/environ ;;
"stack services") [ ! -e {folder}/environ ] || printf 'shop_app 2/2 app\\nshop_traefik 1/1 traefik\\n' ;;
esac
"""
NODE = {"Status": {"State": "ready", "Addr": "127.0.0.1"}, "Description": {"Hostname": "one"}}


@pytest.fixture
def engine(tmp_path, monkeypatch) -> Path:
    script = tmp_path / "bin" / "docker"
    script.parent.mkdir()
    script.write_text(ENGINE.format(folder=tmp_path, node=json.dumps(NODE)))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    return tmp_path


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_copy_has_all_that_a_swarm_is_given(source, project, engine, layout):
    shop = project("shop", theirs(**{"requirements.txt": "fastapi\n"}, **LAYOUTS[layout]))
    code, output = source.new(shop, WITH="swarm", **MODULE)
    assert code == 0, output
    source.link(shop.path)
    shop.environ |= {"PATH": os.environ["PATH"], "BIND_ADDRESS": "0.0.0.0"}
    code, output = shop.make("swarm-deploy")
    assert code == 0, output
    assert f"127.0.0.1:{shop.http}/shop/api/" in output
    calls = (engine / "called").read_text().splitlines()
    (deployed,) = (line.split() for line in calls if " stack deploy " in line)
    (file,) = (Path(one) for one in deployed if one.endswith("stack.yml"))
    start = shop.path / ("" if layout == "own" else "deployment")
    assert file == start / "deploy/swarm/stack.yml"
    (build,) = (line for line in calls if " build " in line)
    assert build.startswith(f"{shop.path} build ") and build.endswith(f"--file {start}/Dockerfile .")
    environ = dict(one.split("=", 1) for one in (engine / "environ").read_text().split("\0") if one)
    assert environ["API_PREFIX"] == "/shop/api" and environ["APP_MODULE"] == "their.module:app"
    stack = yaml.safe_load(file.read_text())
    for kind in ("configs", "secrets"):
        for one in stack[kind].values():
            name = environ[one["file"][2:-1]] if one["file"].startswith("${") else one["file"]
            assert (file.parent / name).is_file(), name
    for key in ("STACK", "STATIC_HASH", "DYNAMIC_HASH", "CERTIFICATE_HASH", "APP_IMAGE", "STOP_SECONDS"):
        assert environ[key], key


def test_a_copy_without_it_says_how_it_comes(source, project, engine):
    shop = project("without", theirs(**{"requirements.txt": "fastapi\n"}))
    assert source.new(shop, **MODULE)[0] == 0
    source.link(shop.path)
    shop.environ["PATH"] = os.environ["PATH"]
    code, output = shop.make("swarm-deploy")
    assert code != 0
    assert "deploy/swarm/stack.yml is not there: behindproxy update --with swarm" in output, output
