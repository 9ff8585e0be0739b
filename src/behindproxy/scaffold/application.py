"""Which application a project has, read from its sources: nothing of it is run."""

import ast
import os
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from behindproxy_serve.settings import MODULE

NOT_SERVED = {"tests", "test", "docs", "node_modules", "site-packages"}
# What an empty folder may have, and what begins with a dot.
PAPERS = ("README", "LICENSE", "LICENCE", "COPYING", "NOTICE", "CHANGELOG", "CONTRIBUTING")
# ASGI applications of other frameworks; Flask's is none.
OTHERS = {"Starlette", "Litestar", "Quart", "BlackSheep", "Robyn", "Sanic", "Falcon", "get_asgi_application"}


@dataclass
class Sources:
    """What the Python files of a project say."""

    files: int = 0
    applications: list[str] = field(default_factory=list)
    factories: list[str] = field(default_factory=list)  # functions that need no argument
    functions: list[str] = field(default_factory=list)  # that make an application of their arguments
    others: list[str] = field(default_factory=list)

    @property
    def candidates(self) -> str:
        functions = [
            f"{name} (a function that needs arguments: a module that says `app = …` can be named)"
            for name in self.functions
        ]
        return ", ".join([*functions, *(f"APP_MODULE={name}" for name in self.others)])


def discover(destination: Path) -> str:
    """Return the application as module:attribute, or nothing for an empty folder.

    Raise SystemExit with one line where there is none to be sure of."""
    if empty(destination):
        return ""
    if name := entrypoint(destination):
        return name
    sources = read(destination)
    names = sources.applications or sources.factories
    if len(names) > 1:
        raise SystemExit(
            f"APP_MODULE is not set, and {destination} has {len(names)} applications: "
            f"{', '.join(f'APP_MODULE={name}' for name in names)}"
        )
    if not names:
        read_there = f"none of its {sources.files} Python files" if sources.files else "no Python file"
        hint = f"; seen: {sources.candidates}" if sources.candidates else ""
        raise SystemExit(
            f"APP_MODULE is not set, and {destination} is not empty: {read_there} outside tests/ and docs/ "
            "says `app = FastAPI(…)` at its top level or has a function that makes one, nor does "
            f"pyproject.toml have an entrypoint in [tool.fastapi]{hint}; for example "
            "APP_MODULE=their.module:app"
        )
    project = names[0].partition(".")[0]
    if any((destination / project / name).exists() for name in ("requirements.txt", "pyproject.toml")):
        raise SystemExit(
            f"APP_MODULE is not set, and the application is in {project}/, a separate project: "
            f"DEST={destination / project} (or APP_MODULE={names[0]})"
        )
    return names[0]


def empty(destination: Path) -> bool:
    return not destination.exists() or all(
        path.name.startswith(".") or (path.is_file() and path.name.upper().startswith(PAPERS))
        for path in destination.iterdir()
    )


def entrypoint(destination: Path) -> str:
    """Return what the FastAPI CLI would serve."""
    try:
        project = tomllib.loads((destination / "pyproject.toml").read_text(encoding="utf-8"))
        name = project["tool"]["fastapi"]["entrypoint"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return name if isinstance(name, str) and MODULE.fullmatch(name) else ""


def read(destination: Path) -> Sources:
    sources, trees = Sources(), []
    for path in files(destination):
        sources.files += 1
        parts = path.with_suffix("").parts
        parts = parts[1:] if parts[0] == "src" and len(parts) > 1 else parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if not parts or not all(part.isidentifier() for part in parts):
            continue
        try:
            trees.append((".".join(parts), ast.parse((destination / path).read_bytes())))
        except (OSError, SyntaxError, ValueError, RecursionError):
            continue
    # First what makes an application, wherever it is defined; then what is made with it.
    makers = {"FastAPI"}
    for _, tree in trees:
        makers |= {
            node.name
            for node in tree.body
            if isinstance(node, ast.ClassDef) and "FastAPI" in map(callee, node.bases)
        }
    for module, tree in trees:
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and returns(node, makers):
                kind = sources.functions if needs_arguments(node.args) else sources.factories
                kind.append(f"{module}:{node.name}")
    makers |= {name.partition(":")[2] for name in sources.factories + sources.functions}
    for module, tree in trees:
        aliases = {
            name.asname: name.name
            for node in ast.walk(tree)
            for name in (node.names if isinstance(node, ast.ImportFrom) else ())
            if name.asname
        }
        for name, call in assignments(tree.body):
            maker = aliases.get(callee(call), callee(call))
            if maker in makers:
                sources.applications.append(f"{module}:{name}")
            elif maker in OTHERS:
                sources.others.append(f"{module}:{name}")
    for names in (sources.applications, sources.factories, sources.functions, sources.others):
        names[:] = sorted(set(names))
    return sources


def files(destination: Path) -> Iterator[Path]:
    """Yield the Python files, without those that git ignores."""
    result = subprocess.run(
        ["git", "-C", str(destination), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
    )
    if result.returncode == 0 and result.stdout:  # none: a folder that another repository ignores
        paths = [Path(os.fsdecode(name)) for name in result.stdout.split(b"\0") if name]
    else:
        paths = [path.relative_to(destination) for path in destination.rglob("*.py")]
    for path in sorted(paths):
        outside = NOT_SERVED & set(path.parts[:-1]) or any(
            part.startswith((".", "venv")) for part in path.parts[:-1]
        )
        own_test = path.name.startswith("test_") or path.name == "conftest.py"
        if path.suffix == ".py" and not outside and not own_test:
            yield path


def callee(node: ast.expr) -> str:
    """Return the last name of `fastapi.FastAPI(…)` or of the expression before the brackets."""
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def returns(function: ast.FunctionDef, makers: set[str]) -> bool:
    annotation = function.returns
    if isinstance(annotation, ast.Constant):
        return str(annotation.value).rpartition(".")[2] in makers
    if annotation is not None:
        return callee(annotation) in makers
    inside = list(ast.walk(function))
    return any(isinstance(node, ast.Call) and callee(node) in makers for node in inside) and any(
        isinstance(node, ast.Return) and node.value is not None for node in inside
    )


def needs_arguments(arguments: ast.arguments) -> bool:
    positional = len(arguments.posonlyargs) + len(arguments.args)
    return positional > len(arguments.defaults) or None in arguments.kw_defaults


def assignments(body: list[ast.stmt]) -> Iterator[tuple[str, ast.Call]]:
    """Yield what is assigned from a call when the module is imported."""
    for node in body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.value
        for name in ("body", "orelse", "finalbody", "handlers"):
            if isinstance(node, ast.If | ast.Try | ast.With):
                for inner in getattr(node, name, []):
                    is_handler = isinstance(inner, ast.ExceptHandler)
                    yield from assignments(inner.body if is_handler else [inner])
