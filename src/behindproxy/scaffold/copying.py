"""The first `behindproxy new`: the files of a copy, beside those of the person."""

import hashlib
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from behindproxy import __version__
from behindproxy.contract.advice.places import Places
from behindproxy.stack.dotenv import DotenvError, parse
from behindproxy.stack.index import fetch, requirement
from behindproxy_serve.settings import Settings, explain

from .application import discover
from .layout import (
    COMPOSE,
    DEPENDABOT,
    DOCKERIGNORE,
    MAKEFILES,
    RENOVATE,
    STATEMENTS,
    WORKFLOW,
    answers,
    is_free,
)
from .render import OURS, RECORD, render
from .repository import is_repository, top
from .request import Request
from .wheels import wheels
from .writing import File, obstacle, write

STARTER = b'''"""Requested at the prefix, and written without it."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/app")
async def read_main() -> dict[str, str]:
    return {"message": "Hello"}
'''


def copy(destination: Path, request: Request) -> int:
    module = request.module or discover(destination)
    values = {"app_module": module or "main:app", "api_prefix": request.prefix or "/api/v1"}
    try:
        Settings.model_validate(values)
    except ValidationError as error:
        raise SystemExit(explain(error)) from None
    choices = answers(destination, module, request.prefix, request.parts)
    root, start = top(destination), f"{choices['folder']}/" if choices["folder"] else ""
    tool = wheels()
    choices |= of_this_version(tool)
    choices["index"] = bool(request.index)
    files: dict[str, File | None] = {}
    if request.index:
        in_index(tool)
    else:
        files |= {f"{start}{OURS}/{name}": File(data) for name, data in tool.items()}
    files |= render(choices)
    if not module:
        files[f"{start}main.py"] = File(STARTER)
    lines = list(advice(destination, module, choices))
    if os.path.lexists(destination / ".env"):
        settings = files.pop(f"{start}.env")
        assert settings
        lines += kept(destination / ".env", settings)
    refuse_collisions(root, files)
    files[start + RECORD] = files.pop(start + RECORD)
    write(root, files)

    print(f"into {destination}:")
    for name in files:
        path = root / name
        place = (
            path.relative_to(destination)
            if path.is_relative_to(destination)
            else os.path.relpath(path, destination)
        )
        note = "   an application to begin with: there was none" if name == f"{start}main.py" else ""
        print(f"  {place}{note}")
    for line in lines:
        print(f"! {line}")
    verify = Places(choices["makefile"]).named("make verify")
    print(f"\nnext:\n  cd {shlex.quote(request.folder)}\n  {verify}")
    return 0


def of_this_version(tool: dict[str, bytes]) -> dict[str, Any]:
    return {
        "version": __version__,
        "wheels": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(tool.items())},
    }


def in_index(tool: dict[str, bytes]) -> None:
    """Raise SystemExit where no index has these very wheels."""
    try:
        fetch({requirement(name): hashlib.sha256(data).hexdigest() for name, data in tool.items()})
    except SystemExit as error:
        raise SystemExit(f"{error}; nothing was changed: --no-index puts the wheels into the copy") from None


def refuse_collisions(root: Path, files: dict[str, File | None]) -> None:
    """Raise SystemExit where a file of the person's would be replaced."""
    reasons = []
    for name, file in files.items():
        if reason := obstacle(root, name):
            reasons.append(reason)
        elif file and not is_free(root, name, file):
            reasons.append(f"{name} is there already")
    if reasons:
        raise SystemExit(
            f"{root}: {', '.join(dict.fromkeys(reasons))}, where the copy puts its own files, so nothing "
            "was written: move it"
        )


def kept(env: Path, settings: File) -> Iterator[str]:
    """Yield what is to be said of a `.env` of the person's, which is not changed: a copy's own files have its
    defaults (stack/paths.py)."""
    ours = parse(settings.data.decode(), {})
    try:
        # Compose itself refuses what is not UTF-8 in a value; in a comment it does not matter.
        theirs = parse(env.read_text(encoding="utf-8", errors="replace"), {})
    except (DotenvError, OSError) as error:
        # Not the line itself, which may have a secret.
        yield f".env existed and was not changed, and {str(error).partition(':')[0]} cannot be read"
        return
    missing = [f"{key}={value}" for key, value in ours.items() if key not in theirs]
    if missing:
        yield (
            f".env existed and was not changed: without a line there, {', '.join(missing)} "
            f"{'is this deployment' if len(missing) == 1 else 'are this deployment'}'s default"
            f"{'' if len(missing) == 1 else 's'}"
        )
    for key, value in ours.items():
        if theirs.get(key, value) != value:
            yield f".env says {key}={theirs[key]}, and stays as it is"


def advice(destination: Path, module: str, choices: dict[str, Any]) -> Iterator[str]:
    """Yield what the user must know or do."""
    name = module.partition(":")[0].replace(".", "/")
    sources = [
        folder / f"{name}{end}"
        for folder in (destination, destination / "src")
        for end in (".py", "/__init__.py")
    ]
    if module and not any(place.exists() for place in sources):
        yield (
            f"APP_MODULE={module}: {name}.py is not in {destination}; it must be, or come with an "
            "installed package"
        )
    if choices["stack"]:
        names = (*COMPOSE, "Dockerfile", "traefik", *(["deploy"] if choices["with"] else []))
        theirs = [name for name in names if os.path.lexists(destination / name)]
        yield (
            f"{', '.join(theirs)} existed and {'was' if len(theirs) == 1 else 'were'} not changed: this "
            f"deployment's own are in {OURS}/ (docker compose --env-file .env -f {OURS}/docker-compose.yml)"
        )
    if choices["makefile"] != "Makefile":
        theirs = [name for name in MAKEFILES if os.path.lexists(destination / name)]
        yield (
            f"{theirs[0]} existed and was not changed: this deployment's targets are those of "
            f"{choices['makefile']}; to call them by yours, add the line "
            f"`proxy-%: ; $(MAKE) -f {choices['makefile']} $*` (make proxy-up)"
        )
    if os.path.lexists(destination / DOCKERIGNORE) and choices["dockerignore"] != DOCKERIGNORE:
        lines = (destination / DOCKERIGNORE).read_text(encoding="utf-8", errors="replace").split()
        if {"*", "**", "/*", "/**"} & set(lines):
            must = f"allow what {choices['dockerignore']} allows (!{OURS}/behindproxy_serve-*.whl among it)"
        else:
            must = "have .env, .git and .behindproxy"
        yield (
            f"{DOCKERIGNORE} existed and was not changed: BuildKit reads {choices['dockerignore']} for this "
            f"deployment's image. A builder other than BuildKit reads {DOCKERIGNORE}: it must {must}"
        )
    where = "" if not choices["folder"] else " of the repository"
    merge = {
        WORKFLOW: f"to it a step `make -f {choices['makefile']} verify`",
        DEPENDABOT: f'to it the directory "/{choices["folder"]}" for docker, and "/" for github-actions',
        RENOVATE: 'to it "docker:pinDigests" and "helpers:pinGitHubActionDigests" in extends',
    }
    if os.path.lexists(destination / STATEMENTS) and STATEMENTS in choices["left_out"]:
        yield f"{STATEMENTS} existed and was not changed: verify runs it if it reads PROXY_URL"
    for name in filter(merge.get, choices["left_out"]):
        yield f"{name}{where} existed, or its like, and was not changed: add {merge[name]}"
    if not is_repository(destination if destination.is_dir() else destination.parent):
        yield "not a git repository: behindproxy update brings later changes only into what is committed"
