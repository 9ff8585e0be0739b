"""Which version serves, and which one did before: the tags of the application's image."""

import subprocess
import sys
from contextlib import suppress

from . import ownership
from .paths import PLACES

TAGS = ("latest", "previous", "served")  # Compose's, and those of `keep`


def serving(image: str) -> str:
    """Return the id of the image that the replicas have, of the first slot's where they differ, or that the
    last ones had; empty before the first. `image` itself may be one that never served."""
    own = {
        one.service: str(one.inspection["Image"])
        for one in ownership.own()
        if one.running and not one.oneoff and "PROXY_ADDRESS" in one.environ
    }
    return own[min(own)] if own else identity(f"{image}:served")


def keep(image: str, before: str) -> None:
    """Note that `image` serves now, so that `rollback` goes to what did before."""
    now = identity(image)
    try:
        if before not in ("", now):
            tag(before, f"{image}:previous")
        tag(now, f"{image}:served")
    except SystemExit as reason:  # it serves all the same
        note = f"{reason}; `make rollback` may go to an earlier version than the one before"
        print(PLACES.named(note), file=sys.stderr)


def identity(image: str) -> str:
    """Return its id; nothing where there is no such image here."""
    return _inspect(image, "{{.Id}}")


def pull(name: str) -> str:
    """Pull `name` and return its id. Where that fails, the local image of this name will do.

    Raise SystemExit where there is none."""
    print(f"pulling {name}", flush=True)
    process = subprocess.run(["docker", "pull", "--quiet", name], capture_output=True, text=True)
    id_ = identity(name)
    if process.returncode == 0 and id_:
        return id_
    reason = (process.stderr.strip().splitlines() or ["it said nothing"])[-1]
    if not id_:
        raise SystemExit(
            f"{name} cannot be pulled: {reason}; name an image that docker pull finds, for example "
            "registry.example.com/shop@sha256:… (docker login first, where the registry wants it)"
        )
    print(f"{name} cannot be pulled ({reason}); the local image of this name is used")
    return id_


def digest(image: str) -> str:
    """Return the digest by which a registry has the image, with its name; nothing where none has it."""
    return _inspect(image, "{{range .RepoDigests}}{{println .}}{{end}}").partition("\n")[0]


def _inspect(image: str, form: str) -> str:
    command = ["docker", "image", "inspect", "--format", form, image]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def tag(id_: str, name: str) -> None:
    """Raise SystemExit with the engine's reason where it does not do that, as on a full disk."""
    if not id_:
        return
    process = subprocess.run(["docker", "tag", id_, name], capture_output=True, text=True)
    if process.returncode:
        raise SystemExit(f"docker tag {name} failed: {process.stderr.strip()}")


def give_back(id_: str, name: str) -> None:
    """`tag` after a failure, whose reason is the one to say."""
    with suppress(SystemExit):
        tag(id_, name)
