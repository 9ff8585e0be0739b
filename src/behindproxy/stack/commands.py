"""What `behindproxy up`, `down`, `ps` … run."""

import os
import signal
import sys
from collections.abc import Callable
from functools import partial

from . import (
    acme,
    docker,
    lock,
    made,
    native,
    neighbours,
    ownership,
    ports,
    rolling,
    runtime,
    state,
    subnet,
    swarm,
)
from .addresses import show
from .paths import BUILD, PLACES
from .routes_edit import refused
from .settings import StackSettings, read, warn


def up() -> int:
    return _start()


def _start(fresh: bool = False) -> int:
    """`up`; `fresh`: what runs is stopped, whatever its state, once nothing is left to refuse."""
    settings = read()
    warn()
    name = runtime.choose()
    running = state.load()
    _refuse_unreachable(running)
    with ownership.one_look():
        if name == "docker":
            settings = subnet.settle(settings, docker.projects())
        settings = neighbours.settle(settings, name)

    def make_room() -> None:
        for other in set(runtime.RUNTIMES) - {name}:
            if runtime.RUNTIMES[other].left():
                print(f"stopping what runs in the {other} runtime")
                _stop(other)
        if fresh and runtime.RUNTIMES[name].left():
            _stop(name)
            print(f"stopped ({name})", flush=True)
        elif running and running[0] == name == "docker":
            if running[1].subnet != settings.subnet:
                _stop(name)  # a network's address range cannot be changed under its containers
            else:
                rolling.retire_surplus(settings)
        state.save(name, settings)  # first, so that `down` finds what a killed `up` left

    try:
        runtime.RUNTIMES[name].up(settings, make_room, replaces=running is not None, fresh=fresh)
    except BaseException:
        if not any(one.left() for one in runtime.RUNTIMES.values()):
            state.forget()
        raise
    state.save(name, settings)  # when: an edit from here on is not what runs
    show(name, settings)
    return 0


def down() -> int:
    running = state.load()
    _refuse_unreachable(running)
    # Whatever the file says: what is there is stopped.
    there = [name for name in runtime.RUNTIMES if runtime.RUNTIMES[name].left()]
    for name in there:
        _stop(name)
        print(f"stopped ({name})")
    if not there:
        if runtime.engine()[0]:
            _stop("docker")  # a killed `up` may have made networks, and nothing else yet
        state.forget()
        print("nothing was running")
        for line in _still_there(running):
            print(PLACES.named(line))
    return 0


def _still_there(running: tuple[str, StackSettings] | None) -> list[str]:
    """Return what runs and cannot be stopped from here: this folder may have been moved under it, or
    another user may have started it."""
    if lines := [*native.lost(), *ownership.lost()]:
        return lines
    if running and running[0] == "native" and not ports.free(port := running[1].direct_port):
        return [f"another process has DIRECT_PORT={port}: another clone's, or what another user started"]
    return []


def _refuse_unreachable(running: tuple[str, StackSettings] | None) -> None:
    if running and running[0] == "docker" and not runtime.engine()[0]:
        raise SystemExit("the stack was started in Docker, and no engine answers: start Docker")


def _stop(name: str) -> None:
    if name == "docker":
        docker.down()
    else:
        native.down()
    state.forget()


def restart() -> int:
    return _start(fresh=True)


def dev() -> int:
    """`up` with reload on change, and the logs, until Ctrl-C; then `down`."""
    settings = read()
    if settings.domain:
        raise SystemExit(f"DOMAIN={settings.domain}: production does not reload; leave DOMAIN out")
    os.environ["APP_RELOAD"] = "1"
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a background job
    try:
        with lock.alone("dev"):
            up()
        print(
            f"reload: an edit of {settings.package} is served within seconds; Ctrl-C stops the stack",
            flush=True,
        )
        return logs()
    except KeyboardInterrupt:
        return 0
    finally:
        if state.load():
            with lock.taken_over("dev"):
                down()


def ps() -> int:
    running = state.load()
    if not running:
        print(PLACES.named("the stack is not running: make up"))
        return 1
    name, settings = running
    print(f"runtime: {name}")
    code = runtime.RUNTIMES[name].ps(settings)
    log = partial(runtime.RUNTIMES[name].logs_text, settings, lines=0)
    if settings.domain:
        line, well = acme.state(settings, log())
        print(PLACES.named(line))
        code = code if well else 1
    if error := refused(log):
        print(f"routes   NOT TAKEN   {error}")
        return 1
    print("routes   taken")
    return code


def logs() -> int:
    running = state.load()
    if not running:
        print(PLACES.named("the stack is not running: make up"))
        return 1
    name, settings = running
    return runtime.RUNTIMES[name].logs(settings, follow=os.environ.get("FOLLOW", "1") != "0")


def clean() -> int:
    """Stop the stack, and remove its image and what the tools wrote."""
    projects = docker.projects()
    down()
    docker.remove_images(projects)
    if stays := made.remove(BUILD):
        print(f"not made by these tools, so it stays: {', '.join(stays)}")
    return 0


def deploy() -> int:
    """Replace the running application by the current source, or by APP_IMAGE, and lose no request."""
    now = read()
    image, fresh = now.app_image, {"app_image": now.app_image, "migrate_command": now.migrate_command}

    def replace(settings: StackSettings) -> None:
        new = settings.model_copy(update=fresh)
        rolling.deploy(new)
        state.save("docker", new)
        if os.environ.get("IMAGE"):
            note = f"make up and make deploy build from this folder again; APP_IMAGE={image} in .env keeps it"
            print(PLACES.named(note))

    return _roll(replace)


def rollback() -> int:
    """Replace it with the previous version, in the same way."""
    return _roll(rolling.rollback)


def _roll(replace: Callable[[StackSettings], None]) -> int:
    running = state.load()
    if not running:
        raise SystemExit("the stack is not running: make up")
    name, settings = running
    if name != "docker":
        reason = (
            "deploy and rollback replace containers, and natively there are none; make restart "
            "starts the current source, with a moment's pause"
        )
        print(PLACES.named(reason), file=sys.stderr)
        return 2
    if changed := [one for one in state.differences(settings) if rolling.needs_up(one)]:
        raise SystemExit(f"the running stack does not have {changed[0]}: `make up` applies it")
    replace(settings)
    return 0


COMMANDS = {
    "up": up,
    "dev": dev,
    "down": down,
    "restart": restart,
    "ps": ps,
    "logs": logs,
    "clean": clean,
    "deploy": deploy,
    "rollback": rollback,
    "swarm-deploy": swarm.deploy,
    "swarm-ps": swarm.ps,
    "swarm-rm": swarm.rm,
}
# They change what runs, so one at a time does. `down` takes the lock over; `dev` takes it for its parts.
ALONE = ("up", "restart", "clean", "deploy", "rollback", "swarm-deploy", "swarm-rm")


def run(command: str) -> int:
    """Run one of COMMANDS, ended by a signal only after it has cleaned up."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    if command == "down":
        running = state.load()
        with lock.taken_over(command, running[1].drain_seconds if running else 0):
            return down()
    if command in ALONE:
        with lock.alone(command):
            return COMMANDS[command]()
    return COMMANDS[command]()


def _end(number: int, _: object) -> None:
    for later in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(later, signal.SIG_IGN)  # the clean-up goes on to its end
    sys.exit(128 + number)
