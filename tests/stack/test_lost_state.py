"""What runs is found by the engine's labels and the processes' marks; build/state.json is a cache."""

import json
import shutil
import subprocess

import pytest

from tests.checkout import wait_for

from .test_up_and_down import DOCKER, HELLO

MALFORMED = [
    "",
    "[]",
    "null",
    '"up"',
    "7",
    '{"settings": null}',
    '{"runtime": "docker"}',
    '{"runtime": "docker", "settings": null}',
    '{"runtime": "native", "settings": []}',
    '{"runtime": "other", "settings": {}}',
    '{"runtime": ["docker"], "settings": {}}',
    '{"runtime": "docker", "settings": {"HTTP_PORT": "none"}}',
    "\xff",
]


@pytest.fixture
def shop(stopped):
    stopped.must("up", API_PREFIX="/shop")
    return stopped


def test_ps_and_logs_know_it_whatever_the_file_says(shop):
    state = shop.path / "build" / "state.json"
    for text in MALFORMED if shop.runtime == "native" else MALFORMED[:3]:  # read before Docker is
        state.write_text(text, encoding="latin-1")
        output = shop.must("ps")
        assert f"runtime: {shop.runtime}" in output, text
    state.unlink()
    assert shop.must("ps").count("healthy") >= 2
    assert shop.answers("/shop/app")
    wait_for(lambda: '"RequestPath":"/shop/app"' in shop.must("logs", FOLLOW=0))


def test_up_again_finds_it_and_leaves_it(shop):
    (shop.path / "build" / "state.json").unlink()
    shop.must("up", API_PREFIX="/shop")
    assert shop.answers("/shop/app") == HELLO.replace("/api/v1", "/shop")


@pytest.mark.parametrize("text", [None, "[]", "null", '{"settings": null}'])
@pytest.mark.parametrize("target", ["down", "clean"])
def test_it_is_stopped(shop, text, target):
    state = shop.path / "build" / "state.json"
    state.unlink() if text is None else state.write_text(text)
    output = shop.must(target)
    assert f"stopped ({shop.runtime})" in output
    assert shop.nothing_left() and shop.answers("/shop/app") == ""
    restore(shop)


def restore(stack) -> None:
    """The link to the installed environment, which `clean` removes with the rest."""
    if not (stack.path / "build" / "venv").exists():
        stack.link_environment()


def test_it_is_stopped_when_all_of_build_is_gone(shop):
    for path in (shop.path / "build").iterdir():
        if path.name != "venv":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert f"stopped ({shop.runtime})" in shop.must("down")
    assert shop.nothing_left()


def test_a_bad_env_file_keeps_nobody_from_stopping_it(shop):
    (shop.path / "build" / "state.json").unlink()
    (shop.path / ".env").write_text("SUBNET=nonsense\n")
    assert "stopped" in shop.must("down")
    assert shop.nothing_left()


def test_doctor_examines_what_runs(shop):
    (shop.path / "build" / "state.json").write_text("null")
    output = shop.make("doctor", JSON=1)[1]
    facts = json.loads(output[output.index("{") : output.rindex("}") + 1])["facts"]
    assert facts["runtime"] == shop.runtime
    assert facts["settings"]["API_PREFIX"] == "/shop"


@pytest.mark.skipif(not DOCKER, reason="RUNTIME is not docker: deploy replaces containers")
def test_deploy_keeps_the_settings_of_what_runs(stopped):
    settings = {"API_PREFIX": "/shop", "APP_REPLICAS": 2, "RATE_LIMIT": 500}
    stopped.must("up", **settings)
    (stopped.path / "build" / "state.json").unlink()
    stopped.must("deploy")
    assert stopped.answers("/shop/app") == HELLO.replace("/api/v1", "/shop")
    assert stopped.must("ps").count("(healthy)") == 3


@pytest.mark.skipif(not DOCKER, reason="RUNTIME is not docker: there are not two runtimes")
def test_what_runs_in_the_other_runtime_is_stopped_by_up(shop):
    (shop.path / "build" / "state.json").unlink()
    output = shop.must("up", RUNTIME="native")
    assert "stopping what runs in the docker runtime" in output
    assert not shop.containers()
    assert "stopped (native)" in shop.must("down")
    assert not subprocess.run(["pgrep", "-f", str(shop.path)], capture_output=True).stdout
