"""The files of a copy, as this version of the package has them.

`python -m behindproxy.scaffold.render` reads a copy's answers as JSON and prints its files as JSON. With the
wheel of an earlier version on its path it is that version's: how `update` knows what a person has changed.
"""

import base64
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from behindproxy.contract.advice.places import TOOL, Places
from behindproxy.stack.index import requirement

from .writing import File

PACKAGE = Path(__file__).resolve().parents[1]
REPOSITORY = PACKAGE.parents[1]  # where this is a clone
OURS = "deployment"  # the folder of what only the tool reads
RECORD = f"{OURS}/behindproxy.toml"  # the answers; written last, so a copy that has it is whole
LOCK = f"{OURS}/tool.lock"
TEMPLATE = "behindproxy/template/"
PINS = "behindproxy/pins/"


def included() -> dict[str, Path]:
    """Return the files of pages/, pins/ and template/ by their names in the wheel."""
    project = REPOSITORY / "pyproject.toml"
    places = {f"behindproxy/{name}": PACKAGE / name for name in ("pages", "pins", "template")}
    if PACKAGE.parent.name == "src" and project.is_file():
        # In a clone the root's own files stand for what the wheel has of them: one list says which.
        build = tomllib.loads(project.read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
        table = build["targets"]["wheel"]["force-include"]
        places |= {inside: REPOSITORY / outside for outside, inside in table.items()}
    return dict(_files(places))


def _files(places: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    for inside, place in places.items():
        for path in sorted(place.rglob("*")) if place.is_dir() else [place] if place.is_file() else []:
            if path.is_file() and "__pycache__" not in path.parts and path.name != ".DS_Store":
                yield inside if path == place else f"{inside}/{path.relative_to(place)}", path


def render(answers: Mapping[str, Any]) -> dict[str, File]:
    """Return each file by its name in the repository, RECORD last."""
    files = {}
    for name, path in templates().items():
        place, _ = placed(name, answers)
        if place:
            files[place] = File(text_of(name, path.read_text(encoding="utf-8"), answers).encode())
    folder = f"{answers['folder']}/" if answers["folder"] else ""
    files[folder + LOCK] = File(lock(pins(), answers).encode())
    files[folder + RECORD] = File(record(answers).encode())
    return files


def templates() -> dict[str, Path]:
    return {
        name.removeprefix(TEMPLATE): path for name, path in included().items() if name.startswith(TEMPLATE)
    }


def places(answers: Mapping[str, Any]) -> dict[str, str]:
    """Return the kind of each file, by its name in the repository."""
    return {place: kind for place, kind in (placed(name, answers) for name in templates()) if place}


def placed(name: str, answers: Mapping[str, Any]) -> tuple[str, str]:
    """Return where a file of the template goes, and its kind; no place where it is left out."""
    kind, _, place = name.removesuffix(".jinja").partition("/")
    if kind == "with":
        part, _, place = place.partition("/")
        if part not in answers["with"]:
            return "", kind
        kind = "stack"
    if kind in ("repository", "optional") and place in answers["left_out"]:
        return "", kind
    if kind == "repository":
        return place, kind
    if kind == "stack" and answers["stack"]:
        place = f"{answers['stack']}/{place}"
    elif kind in ("makefile", "dockerignore"):
        place = answers[kind]
    return f"{answers['folder']}/{place}" if answers["folder"] else place, kind


def text_of(name: str, text: str, answers: Mapping[str, Any]) -> str:
    text = _text_of(name, text, answers)
    if name == "makefile":  # its comments name the deployment's files; its targets are its own
        return Places(folder=answers["stack"]).named(text)
    if name == "dockerignore.jinja":  # names of theirs
        return text
    # A file in the deployment's folder names its neighbours as they are called there.
    return Places(answers["makefile"], tool=TOOL).named(text)


def _text_of(name: str, text: str, answers: Mapping[str, Any]) -> str:
    if name.endswith(".jinja"):
        environment = Environment(
            undefined=StrictUndefined,
            keep_trailing_newline=True,
            trim_blocks=True,
            lstrip_blocks=True,
            variable_start_string="[[",
            variable_end_string="]]",  # GitHub's expressions have {{ }}
        )
        return environment.from_string(text).render(answers)
    if name.startswith(("stack/", "with/")):  # what a copy has not
        text = re.sub(r" \((?:src|behindproxy_serve)/[\w./]+\)", "", text)
    if re.fullmatch(r"stack/docker-compose[\w.]*\.yml", name):
        text = re.sub(r"(?m)^name: behindproxy$", f"name: behindproxy-{answers['project']}", text)
        # Plain Compose reads the .env beside the file alone, and a clone may have none.
        text = text.replace("${API_PREFIX:-/api/v1}", f"${{API_PREFIX:-{answers['api_prefix']}}}")
        text = text.replace("${APP_MODULE:-app.main:app}", f"${{APP_MODULE:-{answers['app_module']}}}")
        if answers["stack"]:  # paths in it begin at its folder
            build = f"build: {{context: .., dockerfile: {answers['stack']}/Dockerfile}}"
            text = re.sub(r"(?m)^( +)build: \.$", rf"\1{build}", text)
            text = re.sub(r"(?m)^( +)- \.:/srv", r"\1- ..:/srv", text)
    return text


def pins() -> str:
    return included()[f"{PINS}verify.txt"].read_text(encoding="utf-8")


def lock(pins: str, answers: Mapping[str, Any]) -> str:
    """Return the tool's requirements, each with its hash."""
    pins = re.sub(r"(?m)^ +# +-c requirements/\S+\n", "", pins)  # a file that a copy has not
    wheels = "".join(
        f"{requirement(name) if answers['index'] else f'./{OURS}/{name}'} \\\n    --hash=sha256:{digest}\n"
        for name, digest in answers["wheels"].items()
    )
    return (
        f"# Generated by behindproxy {answers['version']}; `behindproxy update` writes it again.\n"
        f"# The tool itself, and then what it needs.\n{wheels}{pins}"
    )


def record(answers: Mapping[str, Any]) -> str:
    # A string, a boolean, or a list or table of strings: JSON's are TOML's, but for a table.
    values = {key: value for key, value in answers.items() if key not in ("wheels", "folder")}
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    return (
        "# What this copy was made with, for behindproxy update: leave it as it is.\n"
        "# Its prefix and module are defaults, which .env overrides.\n" + "\n".join(lines) + "\n"
    )


def main() -> None:
    files = render(json.load(sys.stdin))
    json.dump(
        {
            name: {"data": base64.b64encode(file.data).decode(), "executable": file.executable}
            for name, file in files.items()
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
