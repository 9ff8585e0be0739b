"""Where the files of a copy go in somebody's project: beside what is there, and never in its place."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from behindproxy.stack import compose_file
from behindproxy_serve.install import Failed, is_package

from .application import NOT_SERVED, PAPERS
from .render import OURS, places, render
from .repository import git, top
from .writing import File, obstacle

NAME = re.compile(r"[\w@+ .-]+")  # that .dockerignore can have as it is
MAKEFILES = ("GNUmakefile", "makefile", "Makefile")  # the order in which make looks for one
# What Compose reads by itself.
COMPOSE = tuple(
    f"{name}{kind}.{end}"
    for name in ("compose", "docker-compose")
    for kind in ("", ".override")
    for end in ("yaml", "yml")
)
DOCKERIGNORE = ".dockerignore"
WORKFLOW = ".github/workflows/behindproxy.yml"
DEPENDABOT = ".github/dependabot.yml"
RENOVATE = ".github/renovate.json"
STATEMENTS = "tests/test_deployment.py"
# Where else Dependabot and Renovate look.
ELSEWHERE = {
    DEPENDABOT: (".github/dependabot.yaml",),
    RENOVATE: (
        "renovate.json",
        "renovate.json5",
        ".github/renovate.json5",
        ".renovaterc",
        ".renovaterc.json",
        ".renovaterc.json5",
    ),
}
# What builds of a package read beside its source (readme, license-files, dynamic dependencies).
BUILT_WITH = ("REQUIREMENTS", "README", "LICENSE", "LICENCE", "COPYING", "NOTICE", "SETUP.CFG", "MANIFEST.IN")
NOT_IN_AN_IMAGE = {*NOT_SERVED, *MAKEFILES, *COMPOSE, OURS, "deploy", "traefik", "dist"}


def answers(destination: Path, module: str, prefix: str, parts: tuple[str, ...]) -> dict[str, Any]:
    """Return what the copy is rendered with."""
    root = top(destination)
    values: dict[str, Any] = {
        "version": "",
        "project": re.sub(r"[^a-z0-9_-]+", "-", destination.name.lower()).strip("-_") or "app",
        "app_module": module or "main:app",
        "api_prefix": prefix or "/api/v1",
        "with": sorted(parts),
        "stack": "",
        "makefile": "Makefile",
        "dockerignore": DOCKERIGNORE,
        "allowed": sorted(allowed(destination)) if module else ["main.py"],
        "env_file": ",".join(env_files(destination)),
        "left_out": [],
        "index": False,
        "folder": "" if root == destination else destination.relative_to(root).as_posix(),
        "wheels": {},
    }
    files, kinds = render(values), places(values)
    stack = [name for name in files if kinds.get(name) == "stack"]
    start = f"{values['folder']}/" if values["folder"] else ""
    composes = [name for name in COMPOSE if f"{start}{name}" not in files]
    if any(not is_free(root, name, files[name]) for name in stack) or any(
        os.path.lexists(destination / name) for name in composes
    ):
        values["stack"] = OURS
    makefile = files[f"{start}Makefile"]
    if any(not is_free(destination, name, makefile) for name in MAKEFILES):
        values["makefile"] = f"{OURS}/Makefile"
    if values["stack"] or not is_free(root, start + DOCKERIGNORE, files[start + DOCKERIGNORE]):
        # BuildKit reads it before .dockerignore, which images of theirs go on having alone.
        values["dockerignore"] = f"{values['stack']}/Dockerfile.dockerignore".lstrip("/")
    files = render(values)
    values["left_out"] = [
        name
        for name in (WORKFLOW, DEPENDABOT, RENOVATE)
        if name in files
        and (
            not is_free(root, name, files[name])
            or any(os.path.lexists(root / other) for other in ELSEWHERE.get(name, ()))
        )
    ]
    # An empty folder has an application first, and tests of it later.
    if not module or not is_free(root, start + STATEMENTS, files[start + STATEMENTS]):
        values["left_out"].append(STATEMENTS)
    return values


def is_free(folder: Path, name: str, file: File) -> bool:
    """Say whether nothing is there, or `file` itself, as after a `new` that was cut off."""
    path = folder / name
    if obstacle(folder, name):
        return False
    return not path.exists() or path.is_file() and path.read_bytes() == file.data


def allowed(destination: Path) -> Iterator[str]:
    """Yield what an image of the application may need: what git has, but for what is not served."""
    names = git(destination, "ls-files", "-z", "--cached").split("\0")
    tracked = {Path(name).parts[0] for name in names if name}
    is_packaged = _is_package(destination)
    for path in destination.iterdir() if destination.is_dir() else ():
        name = path.name
        if is_packaged and name in tracked and name.upper().startswith(BUILT_WITH) and NAME.fullmatch(name):
            yield name
            continue
        if name in NOT_IN_AN_IMAGE or name.startswith((".", "venv", "requirements")):
            continue
        if name.upper().startswith((*PAPERS, "DOCKERFILE")) or not NAME.fullmatch(name):
            continue
        if path.suffix in (".md", ".rst", ".lock") or name in ("pyproject.toml", "setup.cfg", "tox.ini"):
            continue
        if name in tracked or path.suffix == ".py" or path.is_dir() and any(path.glob("*.py")):
            yield name


def _is_package(destination: Path) -> bool:
    try:
        return is_package(destination)
    except Failed:  # its pyproject.toml cannot be read; installing says so
        return False


def env_files(destination: Path) -> Iterator[str]:
    """Yield what a compose file of theirs, here or at the repository's top, names as `env_file` of what it
    builds of this folder, but for `.env`."""
    names: dict[str, None] = {}
    folders = dict.fromkeys((destination, top(destination)))
    for path in filter(Path.is_file, (folder / name for folder in folders for name in COMPOSE)):
        try:
            services = compose_file.load(path).get("services")
        except (OSError, ValueError):
            continue
        for service in services.values() if isinstance(services, dict) else ():
            build = service.get("build") if isinstance(service, dict) else None
            context = build.get("context", ".") if isinstance(build, dict) else build
            if not isinstance(context, str) or (path.parent / context).resolve() != destination.resolve():
                continue
            files = service.get("env_file") or []
            for one in files if isinstance(files, list) else [files]:
                name = str(one.get("path", "") if isinstance(one, dict) else one)
                place = path.parent / name
                if place.is_file() and place.resolve() != (destination / ".env").resolve():
                    names[os.path.relpath(place, destination)] = None
    yield from names
