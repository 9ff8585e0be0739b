"""Replaces the replicas one after the other, so that the proxied entrypoint loses no request.

Traefik has a fixed list of slots (APP_SERVERS in docker-compose.yml) and asks each for its health.
The new version starts in a spare slot first; then each slot is drained, stopped once Traefik
sends it nothing and its requests have ended, and started with the new image. Compose alone stops
first, and at a recreate runs no pre_stop hook.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from . import docker, images, loading, ownership, render
from .paths import PLACES, ROOT
from .settings import StackSettings

# Traefik asks every second, one slot after the other, two seconds for each at most.
NOTICE_SECONDS = 15
INTERRUPTED = PLACES.named(
    "half deployed: interrupted while the new version and the one before both serve; `make deploy` or "
    "`make rollback` ends it"
)


class NotReady(Exception):
    """What kept a container from serving."""


def deploy(settings: StackSettings) -> None:
    """Build the current source, or pull APP_IMAGE, and put it in place. Raise SystemExit, with the
    previous version still serving, when there is no image or it is never ready."""
    _refuse_without_traefik("deployed")
    image = _image(settings)
    before = images.serving(image)
    if not settings.app_image:
        print("building the image", flush=True)
    with _restored(image, before) as serves:
        docker.obtain(settings, image, docker.compose(), docker.environment(settings))
        docker.migrate(settings, docker.compose(), docker.environment(settings))
        roll(settings, serves)


def rollback(settings: StackSettings) -> None:
    """Put the previous version in place, and the present one where that was."""
    _refuse_without_traefik("rolled back")
    image = _image(settings)
    now, before = images.serving(image), images.identity(f"{image}:previous")
    if not before:
        raise SystemExit(
            "no earlier version to go back to: `make deploy` and `make up` keep the one that they replace"
        )
    with _restored(image, now) as serves:
        images.tag(before, image)
        roll(settings, serves)


def _refuse_without_traefik(action: str) -> None:
    """Raise SystemExit where Traefik does not run, since nothing would ever count as serving."""
    if not docker.running("traefik"):
        raise SystemExit(f"not {action}: traefik does not run; `make up` starts it")


@contextmanager
def _restored(image: str, before: str) -> Iterator[Callable[[], None]]:
    """Give the tag back to the image `before`, unless what is called says that another one serves."""
    serves = False

    def now() -> None:
        nonlocal serves
        serves = True
        images.keep(image, before)

    try:
        yield now
    except NotReady as reason:
        images.give_back(before, image)
        stays = "keeps serving" if docker.running("traefik") else "stays in place"
        raise SystemExit(f"not deployed, the previous version {stays}: {reason}") from None
    except BaseException:
        if not serves:
            images.give_back(before, image)
        raise
    present = images.identity(image)
    pulled = images.digest(present)
    print(f"serving {present[7:19]}{pulled and f' ({pulled})'}, before it {before[7:19]}")


def roll(settings: StackSettings, serves: Callable[[], None]) -> None:
    """Replace every replica by one of the present image; call `serves` once one of it serves. Raise
    NotReady when that never does, and SystemExit when it served in the spare slot and then not in
    another one."""
    slots = docker.slots()[: settings.app_replicas]
    spare = docker.slots()[settings.app_replicas]
    if docker.running(spare):  # left by a deploy that was interrupted
        retire(settings, spare)
    _start(settings, spare)
    serves()
    try:
        for slot in slots:
            if docker.running(slot):
                retire(settings, slot)
            _start(settings, slot, serves=True)
        retire(settings, spare)
    except NotReady as reason:
        raise SystemExit(
            f"half deployed; {spare} serves the new version, and `make deploy` or "
            f"`make rollback` ends it: {reason}"
        ) from None
    except BaseException:  # a signal, a terminal that closed, an engine that went
        with suppress(OSError):
            print(INTERRUPTED, file=sys.stderr)
        raise
    if settings.worker_command:
        _replace_worker(settings)
    try:  # Docker looks less often than Traefik, and `make ps` asks it.
        _await(
            lambda: not docker.unhealthy(settings),
            settings.start_seconds,
            lambda: "; ".join(docker.unhealthy(settings)),
        )
    except NotReady as reason:
        raise SystemExit(f"deployed and serving, but {reason}") from None


def _replace_worker(settings: StackSettings) -> None:
    """Stop it, for which it has DRAIN_SECONDS to end its jobs, and start that of the present image."""
    _say(render.WORKER, "draining")
    options = ["--detach", "--wait", "--no-deps", "--no-build", "--force-recreate"]
    before = {one.id for one in ownership.own()}

    def look() -> None:
        docker.refuse_ended_worker(settings, [one for one in ownership.own() if one.id not in before])

    try:
        docker.step(docker.compose(), ["up", *options, render.WORKER], docker.environment(settings), look)
    except SystemExit as reason:
        raise SystemExit(
            "half deployed; the new version serves, and its worker does not run; `make deploy` or "
            f"`make rollback` ends it: {reason}"
        ) from None
    _say(render.WORKER, "running")


def retire_surplus(settings: StackSettings) -> None:
    """Take out what runs in slots above APP_REPLICAS, and a worker that is no longer wanted."""
    own = [one for one in ownership.own() if one.running and not one.oneoff]
    there = {one.service for one in own}
    if not settings.worker_command:
        docker.remove([one for one in own if one.service == render.WORKER], settings.drain_seconds)
    for slot in reversed(docker.slots()[settings.app_replicas :]):
        if slot in there:
            try:
                retire(settings, slot)
            except NotReady as reason:
                raise SystemExit(f"not scaled: {reason}") from None


def retire(settings: StackSettings, slot: str) -> None:
    """Let what is in flight end, for DRAIN_SECONDS at most, then stop and remove the container."""
    _say(slot, "draining")
    if docker.execute(slot, "python", "-m", "behindproxy_serve.drain", "start") is not None:
        _await(
            lambda: docker.gets_requests(slot) is not True,
            NOTICE_SECONDS,
            lambda: f"Traefik did not take {slot} out within {NOTICE_SECONDS} s",
        )
        docker.execute(slot, "python", "-m", "behindproxy_serve.drain", "wait", str(settings.drain_seconds))
    docker.step(docker.compose(), ["rm", "--stop", "--force", slot], docker.environment(settings))


def _start(settings: StackSettings, slot: str, serves: bool = False) -> None:
    _say(slot, "starting")
    began = loading.now()
    environ = docker.environment(settings)
    try:
        docker.step(
            docker.compose(), ["up", "--detach", "--no-deps", "--no-build", "--force-recreate", slot], environ
        )
        _await(
            lambda: docker.gets_requests(slot) is True,
            settings.start_seconds,
            lambda: _why(settings, slot, began),
            alive=lambda: bool(docker.running(slot)),
        )
    except BaseException as error:
        if not serves:  # nobody, yet
            subprocess.run(
                [*docker.compose(), "rm", "--stop", "--force", slot],
                env=environ,
                cwd=ROOT,
                capture_output=True,
            )
        if isinstance(error, SystemExit) and isinstance(error.code, str):  # a number is a signal's
            raise NotReady(str(error)) from None
        raise
    _say(slot, "serving")


def _await(
    condition: Callable[[], bool],
    seconds: float,
    reason: Callable[[], str],
    alive: Callable[[], bool] = lambda: True,
) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline or not alive():
            raise NotReady(reason())
        time.sleep(0.4)  # each look is a command in a container


def _why(settings: StackSettings, slot: str, began: str) -> str:
    if not docker.running("traefik"):
        return "traefik does not run; `make up` starts it"
    tail = docker.last_lines(settings, slot)
    sentence, trace = loading.failure(tail, began)
    if sentence:
        return f"{trace}\n{sentence}"
    return (
        f"the new version in {slot} ended, or was not ready within START_SECONDS={settings.start_seconds}:\n"
        f"{tail}"
    )


def _say(slot: str, what: str) -> None:
    print(f"{slot:<9}{what}", flush=True)


def _image(settings: StackSettings) -> str:
    return f"{docker.project(docker.compose(), docker.environment(settings))['name']}-app"


def needs_up(change: str) -> bool:
    """Whether a changed setting (`KEY=value`) is more than a new container of the app can apply."""
    return change.partition("=")[0] not in (
        "APP_ENV_FILE",
        "APP_SERVER",
        "APP_WORKERS",
        "APP_IMAGE",
        "APP_MODULE",
        "DOCS",
        "MAX_BODY_BYTES",
        "MIGRATE_COMMAND",
        "WEBSOCKET_MAX_BYTES",
    )
