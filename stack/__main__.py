"""`python -m stack up|down|ps|…`: what the Makefile's targets run."""

import os
import signal
import sys
from collections.abc import Callable
from io import TextIOWrapper

from . import acme, docker, native, rolling, runtime, state, swarm
from .addresses import show
from .routes_edit import refused
from .settings import StackSettings, read


def up() -> int:
    settings = read()
    name = runtime.choose()
    running = state.load()
    if running and running[0] != name:
        print(f"stopping what runs in the {running[0]} runtime")
        _stop(*running)
    elif running and running[1].subnet != settings.subnet:
        _stop(*running)  # a network's address range cannot be changed under its containers
    elif running and name == "docker":
        rolling.retire_surplus(settings)
    state.save(name, settings)  # first, so that `down` finds what a killed `up` left
    try:
        runtime.RUNTIMES[name].up(settings)
    except BaseException:
        if not runtime.RUNTIMES[name].left(settings):
            state.forget()
        raise
    show(name, settings)
    return 0


def down() -> int:
    running = state.load()
    if running:
        _stop(*running)
        print(f"stopped ({running[0]})")
    elif os.environ.get("RUNTIME") != "docker":
        native.down()  # processes outlive a lost state file
        print("nothing was running")
    return 0


def _stop(name: str, settings: StackSettings) -> None:
    if name == "docker" and not runtime.engine()[0]:
        raise SystemExit("the stack was started in Docker, and no engine answers: start Docker")
    if name == "docker":
        docker.down(settings)
    else:
        native.down()
    state.forget()


def dev() -> int:
    """`up` with reload on change, and the logs, until Ctrl-C; then `down`."""
    settings = read()
    if settings.domain:
        raise SystemExit(f"DOMAIN={settings.domain}: production does not reload; leave DOMAIN out")
    os.environ["APP_RELOAD"] = "1"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a background job
    try:
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
            down()


def ps() -> int:
    running = state.load()
    if not running:
        print("the stack is not running: make up")
        return 1
    name, settings = running
    print(f"runtime: {name}")
    code = runtime.RUNTIMES[name].ps(settings)
    log = runtime.RUNTIMES[name].logs_text(settings, lines=0)
    if settings.domain:
        line, well = acme.state(settings, log)
        print(line)
        code = code if well else 1
    if error := refused(log):
        print(f"routes   NOT TAKEN   {error}")
        return 1
    print("routes   taken")
    return code


def logs() -> int:
    running = state.load()
    if not running:
        print("the stack is not running: make up")
        return 1
    name, settings = running
    return runtime.RUNTIMES[name].logs(settings, follow=os.environ.get("FOLLOW", "1") != "0")


def clean() -> int:
    """Stops the stack and removes its image; the Makefile removes build/."""
    down()
    if runtime.engine()[0]:
        docker.remove_images(read())
    return 0


def deploy() -> int:
    """Replaces the running application by the current source, and loses no request."""
    return _roll(rolling.deploy)


def rollback() -> int:
    """Replaces it by the version before, in the same way."""
    return _roll(rolling.rollback)


def _roll(replace: Callable[[StackSettings], None]) -> int:
    running = state.load()
    if not running:
        raise SystemExit("the stack is not running: make up")
    name, settings = running
    if name != "docker":
        print("deploy and rollback replace containers, and natively there are none; make restart "
              "starts the current source, with a moment's pause", file=sys.stderr)  # fmt: skip
        return 2
    if changed := [one for one in state.differences(settings) if rolling.needs_up(one)]:
        raise SystemExit(f"the running stack does not have {changed[0]}: `make up` applies it")
    replace(settings)
    return 0


COMMANDS = {"up": up, "dev": dev, "down": down, "ps": ps, "logs": logs, "clean": clean,
            "deploy": deploy, "rollback": rollback, "stack-deploy": swarm.deploy,
            "stack-ps": swarm.ps, "stack-rm": swarm.rm}  # fmt: skip


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1] not in COMMANDS:
        raise SystemExit(f"usage: python -m stack {'|'.join(COMMANDS)}")
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # in order with what subprocesses print
    try:
        return COMMANDS[sys.argv[1]]()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
