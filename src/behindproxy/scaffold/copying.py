"""The first `make new`: the files of a copy, where none of the person's is in the way."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from behindproxy.stack.dotenv import DotenvError, parse
from behindproxy_serve.settings import Settings, explain

from .application import discover
from .render import ANSWERS, KEPT, MADE, render
from .repository import git, is_committed, is_repository
from .request import Request
from .writing import File, obstacle, write

TARGETS = "deployment/behindproxy/make/targets.mk"
STARTER = b'''"""Requested at the prefix, and written without it."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/app")
async def read_main() -> dict[str, str]:
    return {"message": "Hello"}
'''
# What Compose reads by itself; the first is ours, in a copy.
COMPOSE = (
    "docker-compose.yml",
    "compose.yaml",
    "compose.yml",
    "docker-compose.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
    "compose.override.yaml",
    "compose.override.yml",
)
MAKEFILES = ("GNUmakefile", "makefile", "Makefile")  # the order in which make looks for one


def copy(destination: Path, version: str, request: Request) -> int:
    module = request.module or discover(destination)
    data = {
        "project": re.sub(r"[^a-z0-9_-]+", "-", destination.name.lower()).strip("-_") or "app",
        "app_module": module or "main:app",
        "api_prefix": request.prefix or "/api/v1",
    }
    try:
        Settings.model_validate({key: data[key] for key in ("app_module", "api_prefix")})
    except ValidationError as error:
        raise SystemExit(explain(error)) from None
    rendering = render(version, data)
    theirs = {
        path.name
        for path in (destination.iterdir() if destination.exists() else ())
        if path.is_symlink() or path.name not in rendering or not same(path, rendering[path.name])
    }
    own = [name for name in KEPT if name in theirs]
    makefile = next((name for name in MAKEFILES if name in theirs), "")
    left = {*own, "Makefile"} if makefile else {*own}
    files: dict[str, File | None] = {k: file for k, file in rendering.items() if k not in left}
    composes = [name for name in COMPOSE[1:] if name in theirs]
    refuse_collisions(destination, files, request.overwrite)
    lines = list(advice(destination, module, own, makefile))
    if ".env" in own:
        added, notes = complete(destination / ".env", rendering[".env"])
        files |= added
        lines += notes
    for name in composes:
        lines.append(
            f"{name} was there, and stays yours: docker compose reads it with docker-compose.yml or before "
            "it, make reads this deployment's files alone"
        )
    if not module:
        files["main.py"] = File(STARTER)
    files[ANSWERS] = files.pop(ANSWERS)
    write(destination, files)

    print(f"into {destination}:")
    for name in files:
        if not name.startswith("deployment/") and name not in (*own, "main.py"):
            print(f"  {name}")
    print(
        f"  deployment/   {sum(name.startswith('deployment/') for name in files)} files: the tools, "
        "as they are here"
    )
    if not module:
        print("  main.py       an application to begin with: there was none")
    for line in lines:
        print(f"! {line}")
    print(f"\nnext:\n  cd {shlex.quote(request.folder)}\n  make{f' -f {TARGETS}' if makefile else ''} verify")
    return 0


def refuse_collisions(destination: Path, files: dict[str, File | None], overwrite: bool) -> None:
    """Raise SystemExit where a file of the person's would be replaced, or could not be brought back."""
    reasons, collisions = [], []
    for name, file in files.items():
        path = destination / name
        if reason := obstacle(destination, name):
            reasons.append(reason)
        elif path.exists() and file and not same(path, file):
            collisions.append(name)
    nothing = f"{destination} has {', '.join(collisions)} already, and nothing was written"
    if reasons:
        raise SystemExit(
            f"{destination}: {', '.join(dict.fromkeys(reasons))}, where the copy has files of its own, "
            "and nothing was written: move it"
        )
    if COMPOSE[0] in collisions:
        raise SystemExit(
            f"{nothing}: a compose file of yours is never replaced; git mv {COMPOSE[0]} compose.yaml, "
            "which Compose reads before this deployment's"
        )
    if collisions and not overwrite:
        raise SystemExit(
            f"{nothing}: OVERWRITE=1 replaces them (commit them before: git then shows what was there)"
        )
    if lost := [name for name in collisions if not is_committed(destination, name)]:
        raise SystemExit(
            f"{nothing}: {', '.join(lost)} is not committed as it is, and OVERWRITE=1 would lose it"
        )


def same(path: Path, file: File) -> bool:
    return path.is_file() and path.read_bytes() == file.data


def complete(env: Path, settings: File) -> tuple[dict[str, File | None], list[str]]:
    """Return a `.env` of the person's with the missing lines at its end, not a byte before them changed,
    and what is to be said of it."""
    wanted = parse(settings.data.decode(), {})
    try:
        # Compose itself refuses what is not UTF-8 in a value; in a comment it does not matter.
        theirs = parse(env.read_text(encoding="utf-8", errors="replace"), {})
        reason = ""
    except (DotenvError, OSError) as error:
        # Not the line itself, which may have a secret.
        theirs, reason = {}, f"{str(error).partition(':')[0]} cannot be read"
    lines = [f"{key}={value}" for key, value in wanted.items() if key not in theirs]
    notes = [
        f".env says {key}={theirs[key]}, and stays as it is"
        for key, value in wanted.items()
        if theirs.get(key, value) != value
    ]
    if env.is_symlink():
        reason = "it is a link"
    elif env.is_file() and not env.stat().st_mode & 0o222:
        reason = "it is read-only"
    if not lines:
        return {}, notes
    if reason:
        return {}, [*notes, f".env was there, and stays as it is ({reason}): add {', '.join(lines)}"]
    before = env.read_bytes()
    end = b"\r\n" if b"\r\n" in before else b"\n"
    start = end if before and not before.endswith(b"\n") else b""
    more = ["", "# The deployment's (.env.example)", *lines]
    data = before + start + b"".join(line.encode() + end for line in more)
    return {".env": File(data)}, [*notes, f".env was there: added {', '.join(lines)}"]


def advice(destination: Path, module: str, own: list[str], makefile: str) -> Iterator[str]:
    name = module.partition(":")[0].replace(".", "/")
    places = [
        folder / f"{name}{end}"
        for folder in (destination, destination / "src")
        for end in (".py", "/__init__.py")
    ]
    if module and not any(place.exists() for place in places):
        yield (
            f"APP_MODULE={module}: {name}.py is not in {destination}; it must be, or come with an "
            "installed package"
        )
    include = f"include {TARGETS}"
    if makefile and include not in (destination / makefile).read_text(errors="replace"):
        yield (
            f"{makefile} was there, and stays as it is: add the line `{include}` to it, or call "
            f"make -f {TARGETS}"
        )
    yield from exposed_by_dockerignore(destination)
    if ".env.example" in own:
        yield ".env.example was there, and stays: the settings are in that of the project this comes from"
    if not is_repository(destination):
        yield "not a git repository: make new can bring later changes only where the copy is committed"
    elif folder := git(destination, "rev-parse", "--show-prefix").rstrip("/"):
        yield (
            "GitHub runs workflows from the repository's own .github/ alone: move deployment.yml there, with "
            f"`defaults: {{run: {{working-directory: {folder}}}}}`"
        )


def exposed_by_dockerignore(destination: Path) -> Iterator[str]:
    """Yield what a `.dockerignore` of the person's lets into the image."""
    path = destination / ".dockerignore"
    theirs = path.read_text(errors="replace").split() if path.is_file() else [".env", MADE]
    if missing := [name for name in (".env", MADE) if name not in theirs]:
        yield (
            f".dockerignore was there, and stays as it is: add {', '.join(missing)}, or the image has "
            "what is in them"
        )
