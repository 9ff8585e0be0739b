"""up, down, ps and logs, in the runtime that RUNTIME names."""

import os
import signal
import time

import pytest

from tests.checkout import wait_for

DOCKER = os.environ.get("RUNTIME") == "docker"
SERVERS = ["uvicorn", "fastapi", "gunicorn", "hypercorn"]
HELLO = '{"message":"Hello World","root_path":"/api/v1"}'


def test_up_twice_is_harmless(running):
    assert running.make("up")[0] == 0
    assert running.answers() == HELLO
    assert running.make("ps")[0] == 0


def test_down_leaves_nothing_and_down_again_is_harmless(running):
    assert running.make("down")[0] == 0
    assert running.nothing_left()
    assert running.make("down")[0] == 0
    assert running.answers() == ""


def test_up_again_applies_what_changed(running):
    code, output = running.make("up", API_PREFIX="/shop")
    assert code == 0, output
    assert running.answers("/shop/app") == HELLO.replace("/api/v1", "/shop")
    assert running.answers() == "404 page not found\n"


def test_up_after_a_killed_up_recovers(stopped):
    killed = stopped.start("up")
    wait_for(lambda: (stopped.path / "build" / "state.json").exists())
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    code, output = stopped.make("up")
    assert code == 0, output
    assert stopped.answers() == HELLO


def test_down_after_a_killed_up_leaves_nothing(stopped):
    killed = stopped.start("up")
    wait_for(lambda: (stopped.path / "build" / "state.json").exists())
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert stopped.make("down")[0] == 0
    assert stopped.nothing_left()


@pytest.mark.parametrize("server", ["uvicorn"] if DOCKER else SERVERS)
def test_dev_serves_an_edit_and_stops_with_it(stopped, server):
    source = stopped.path / "app" / "main.py"
    before = source.read_text()
    dev = stopped.start("dev", APP_SERVER=server)
    try:
        assert any("reload: " in line for line in dev.stdout), "it ended before it served"
        assert stopped.answers() == HELLO
        rename_over(source, before.replace("Hello World", "Hello again"))
        wait_for(lambda: stopped.answers() == HELLO.replace("World", "again"), 20)
    finally:
        rename_over(source, before)
        os.killpg(dev.pid, signal.SIGINT)
        output, _ = dev.communicate(timeout=60)
    assert "stopped" in output
    assert stopped.nothing_left()


def test_an_edit_saved_by_rename_is_taken_while_it_runs(running):
    routes = running.path / "traefik" / "dynamic" / "routes.toml"
    before = routes.read_text()
    try:
        rename_over(routes, before.replace("Path(`{{ $prefix }}`)", "Path(`/renamed`)"))
        wait_for(lambda: running.answers("/renamed") != "404 page not found\n")
    finally:
        rename_over(routes, before)
    wait_for(lambda: running.answers("/renamed") == "404 page not found\n")


def test_an_edit_that_does_not_parse_keeps_the_old_routes_and_ps_says_so(running):
    routes = running.path / "traefik" / "dynamic" / "routes.toml"
    before = routes.read_text()
    try:
        rename_over(routes, before + "\n[http.routers\n")
        wait_for(lambda: "NOT TAKEN" in running.make("ps")[1])
        assert running.make("ps")[0] != 0
        assert running.answers() == HELLO
        assert "refused the last edit of its routes" in running.make("curl")[1]
    finally:
        rename_over(routes, before)
    wait_for(lambda: running.make("ps")[0] == 0)


def test_a_lost_middleware_turns_the_health_check_red(running):
    middlewares = running.path / "traefik" / "dynamic" / "middlewares.toml"
    before = middlewares.read_text()
    try:
        rename_over(middlewares, before.replace(".retry.retry]", ".x.retry]"))
        wait_for(lambda: "unhealthy" in running.make("ps")[1], seconds=30)
        assert running.answers() == "404 page not found\n"
    finally:
        rename_over(middlewares, before)
    wait_for(lambda: running.make("ps")[0] == 0, seconds=30)


def test_logs_once_show_both_parts(running):
    running.answers()
    code, output = running.make("logs", FOLLOW=0)
    assert code == 0
    assert '"RequestPath":"/api/v1/app"' in output  # Traefik's line
    assert '"path":"/api/v1/app"' in output  # the app's


def test_deploy_replaces_containers_and_natively_says_so(running):
    code, output = running.make("deploy")
    if running.runtime == "docker":
        assert code == 0, output
        assert running.answers() == HELLO
    else:
        assert code == 2 and "natively there are none" in output
    assert running.make("ps")[0] == 0


def rename_over(path, text):
    # Traefik's log has whole seconds: an edit in the second of an error counts as the one refused.
    last = int(time.time())
    wait_for(lambda: int(time.time()) > last)
    # Not beside it: a new file in that folder makes Traefik read what is still refused once more.
    part = path.parents[1] / f"{path.name}.edit"
    part.write_text(text)
    os.replace(part, path)
