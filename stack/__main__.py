"""`python -m stack up|down|ps|logs|clean`: what the Makefile's targets run."""

import os
import sys

from . import runtime, state
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
    state.save(name, settings)  # first, so that `down` finds what a killed `up` left
    try:
        runtime.RUNTIMES[name].up(settings)
    except BaseException:
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
        runtime.native.down()  # processes outlive a lost state file
        print("nothing was running")
    return 0


def _stop(name: str, settings: StackSettings) -> None:
    if name == "docker" and not runtime.engine()[0]:
        raise SystemExit("the stack was started in Docker, and no engine answers: start Docker")
    if name == "docker":
        runtime.docker.down(settings)
    else:
        runtime.native.down()
    state.forget()


def ps() -> int:
    running = state.load()
    if not running:
        print("the stack is not running: make up")
        return 1
    name, settings = running
    print(f"runtime: {name}")
    code = runtime.RUNTIMES[name].ps(settings)
    if error := refused(runtime.RUNTIMES[name].logs_text(lines=0)):
        print(f"routes   NOT TAKEN   {error}")
        return 1
    print("routes   taken")
    return code


def logs() -> int:
    running = state.load()
    if not running:
        print("the stack is not running: make up")
        return 1
    return runtime.RUNTIMES[running[0]].logs(follow=os.environ.get("FOLLOW", "1") != "0")


def clean() -> int:
    """Stops the stack and removes its image; the Makefile removes build/."""
    down()
    if runtime.engine()[0]:
        runtime.docker.remove_images(read())
    return 0


COMMANDS = {"up": up, "down": down, "ps": ps, "logs": logs, "clean": clean}


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1] not in COMMANDS:
        raise SystemExit(f"usage: python -m stack {'|'.join(COMMANDS)}")
    sys.stdout.reconfigure(line_buffering=True)  # in order with what subprocesses print
    try:
        return COMMANDS[sys.argv[1]]()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
