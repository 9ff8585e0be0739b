"""`python -m behindproxy_serve.install ENVIRONMENT WHEEL`, in the project's folder: installs an application's
packages into the environment, as the project's own files name them, and then the wheel and what it needs.
With `--project` it installs the project itself, where that is a package.

Runs from the wheel itself: it needs no more than Python.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

# A project's own packages: the first of these that it has.
LISTS = ("uv.lock", "poetry.lock", "requirements.txt", "pyproject.toml")
# The servers that APP_SERVER names, and reload on change.
EXTRAS = "fastapi,gunicorn,hypercorn,reload"
OPTIONS = ("--no-input", "--disable-pip-version-check", "--root-user-action=ignore", "--progress-bar=off")
FAILED = "not installed: "  # begins the line that says why
# A version that git would have to tell: the copy that is built has no .git.
VERSIONS = {
    "SETUPTOOLS_SCM_PRETEND_VERSION": "0",  # hatch-vcs reads it too
    "PDM_BUILD_SCM_VERSION": "0",
    "POETRY_DYNAMIC_VERSIONING_BYPASS": "0",
}
NOT_BUILT = (".*", "__pycache__", "node_modules", "venv", "build", "dist", "*.egg-info")


class Failed(Exception):
    """Its text says why."""


def install(environment: Path, wheel: Path, project: Path) -> None:
    """Install the packages of the first of LISTS, and the wheel. Raise Failed."""
    refuse_python(environment, project)
    requirements = environment / "wanted.txt"
    source = next((name for name in LISTS if (project / name).is_file()), "")
    if source == "uv.lock":
        options = ["--quiet", "--frozen", "--no-dev", "--no-emit-project", "--output-file", str(requirements)]
        _reader("uv", ["uv"], ["export", *options], project)
    elif source == "poetry.lock":
        options = ["--quiet", "--only", "main", "--output", str(requirements)]
        _reader("poetry", ["poetry", "poetry-plugin-export"], ["export", *options], project)
    elif source == "requirements.txt":
        requirements = project / source
    else:
        # Its dependencies; those that only its build can tell come with the project itself.
        dependencies = _described(project).get("dependencies", [])
        requirements.write_text("".join(f"{one}\n" for one in dependencies), encoding="utf-8")
    _pip(environment, "install", "-r", str(requirements), project=project)
    theirs = environment / "theirs.txt"
    theirs.write_text(_frozen(environment))
    _pip(environment, "install", _requirement(wheel), "-c", str(theirs), project=project)


def install_project(environment: Path, wheel: Path, project: Path) -> None:
    """Install the project itself, where it is a package: for its metadata, entry points and console scripts.
    What is served is its source, which is looked for first. Raise Failed."""
    if not is_package(project):
        return
    with tempfile.TemporaryDirectory() as own:
        # Builders write into the folder, and take what an earlier build left there.
        copy = Path(own, "project")
        shutil.copytree(project, copy, symlinks=True, ignore=_not_built(project))
        if source_of_its_own(project):
            more = ["--no-deps"]
        else:
            more = [_requirement(wheel), "-c", str(environment / "theirs.txt")]
            (environment / "theirs.txt").write_text("")
        _pip(environment, "install", str(copy), *more, project=project)


def is_package(project: Path) -> bool:
    """Whether the project is to be installed: by uv's rule, where it says what builds it."""
    if not (project / "pyproject.toml").is_file():
        return False
    whole = _toml(project)
    tools = whole.get("tool", {})
    packaged = tools.get("uv", {}).get("package", tools.get("poetry", {}).get("package-mode", True))
    return "build-system" in whole and bool(packaged)


def source_of_its_own(project: Path) -> bool:
    """Whether a list names its dependencies, which then need not be built first."""
    return any((project / name).is_file() for name in LISTS[:-1]) or "dependencies" in _described(project)


def refuse_python(environment: Path, project: Path) -> None:
    """Raise Failed where the project wants another Python than the environment has: pip looks at that of a
    package, and not of a list."""
    specifier = str(_described(project).get("requires-python", ""))
    if not specifier:
        return
    question = (
        "import platform, sys; from pip._vendor.packaging.specifiers import SpecifierSet\n"
        "version = platform.python_version(); print(version)\n"
        "sys.exit(not SpecifierSet(sys.argv[1]).contains(version, prereleases=True))"
    )
    command = [str(environment / "bin" / "python"), "-c", question, specifier]
    process = subprocess.run(command, capture_output=True, text=True)
    if process.returncode and process.stdout:
        version = process.stdout.strip()
        raise Failed(
            f'pyproject.toml has requires-python = "{specifier}", and this is Python {version}: in Docker '
            "name one that fits in both FROM lines of the Dockerfile; natively make clean, then for example "
            "make up PYTHON=python3.14"
        )


def _toml(project: Path) -> dict[str, Any]:
    path = project / "pyproject.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise Failed(f"pyproject.toml cannot be read: {error}") from None


def _described(project: Path) -> dict[str, Any]:
    table = _toml(project).get("project", {})
    return table if isinstance(table, dict) else {}


def _not_built(project: Path) -> Any:
    """Return what copytree leaves out: at the top what tools make, further down hidden and compiled files."""
    top, below = shutil.ignore_patterns(*NOT_BUILT), shutil.ignore_patterns("__pycache__", ".git", ".venv")
    return lambda folder, names: (top if Path(folder) == project else below)(folder, names)


def _requirement(wheel: Path) -> str:
    return f"behindproxy-serve[{EXTRAS}] @ {wheel.resolve().as_uri()}"


def _frozen(environment: Path) -> str:
    command = [str(environment / "bin" / "python"), "-m", "pip", "freeze", "--exclude-editable"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def _reader(name: str, packages: list[str], arguments: list[str], project: Path) -> None:
    """Run what reads a lock file, in an environment of its own."""
    with tempfile.TemporaryDirectory() as own:
        subprocess.run([sys.executable, "-m", "venv", own], check=True)
        _pip(Path(own), "install", *packages, project=project)
        command = [str(Path(own, "bin", name)), *arguments]
        subprocess.run(command, check=True, cwd=project, stdout=subprocess.DEVNULL)


def _pip(environment: Path, *arguments: str, project: Path) -> None:
    """Run it, silently where all goes well. Raise Failed."""
    command = [str(environment / "bin" / "python"), "-m", "pip", arguments[0], *OPTIONS, *arguments[1:]]
    process = subprocess.run(
        command,
        cwd=project,
        env=VERSIONS | os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if process.returncode:
        lines = process.stdout.strip().splitlines() or ["pip does not say why"]
        print(*lines[-40:], sep="\n", file=sys.stderr)
        raise Failed(
            conflict(process.stdout, environment, project)
            or next((one for one in lines if "ERROR" in one), lines[-1])
        )


def conflict(output: str, environment: Path, project: Path) -> str:
    """Return which pin of theirs does not fit what, as pip says it; nothing where it says no such thing."""
    _, heading, causes = output.partition("The conflict is caused by:")
    if not heading:
        return ""
    causes = re.sub(r"\[[\w,-]+\]", "", causes.strip("\n").partition("\n\n")[0])  # extras
    pins = dict.fromkeys(re.findall(r"The user requested (?:\(constraint\) )?(\S[^\n]*)", causes))
    needs = "; ".join(dict.fromkeys(re.findall(r"(?m)^ +(\S+ \S+ depends on [^\n]+?) *$", causes)))
    pin_places = ", ".join(pin + _place(pin, environment, project) for pin in pins)
    if not pin_places or not needs:
        return f"{pin_places or needs}: these do not fit together; change one"
    return f"{pin_places} does not fit what else is needed: {needs}; change the pin"


def _place(pin: str, environment: Path, project: Path) -> str:
    """Return the line of theirs that has the pin, or that has the package which needs it."""
    match = re.match(r"[\w.-]+", pin)
    name = match[0] if match else ""
    if line := _line_of(name, project):
        return f" ({line})"
    command = [str(environment / "bin" / "python"), "-m", "pip", "show", name]
    description = subprocess.run(command, capture_output=True, text=True).stdout
    required = re.search(r"(?m)^Required-by: (.+)$", description)
    for one in required[1].split(", ") if required else []:
        if line := _line_of(one, project):
            return f" (of {one}, {line})"
    return ""


def _line_of(name: str, project: Path) -> str:
    pattern = "[-_.]+".join(re.split("[-_.]+", name))
    line_pattern = re.compile(rf"""(?i)\s*["']?{pattern}(?![\w.-])""")
    for source in ("requirements.txt", "pyproject.toml"):
        path = project / source
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
        for number, line in enumerate(lines, 1):
            if name and line_pattern.match(
                line.partition("[")[2] if line.startswith("dependencies") else line
            ):
                return f"{source} line {number}"
    return ""


def main() -> None:
    arguments = [one for one in sys.argv[1:] if one != "--project"]
    environment, wheel = (Path(one).absolute() for one in arguments[:2])
    act = install_project if "--project" in sys.argv else install
    try:
        act(environment, wheel, Path.cwd())
    except Failed as error:
        sys.exit(f"{FAILED}{error}")
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode or 1)


if __name__ == "__main__":
    main()
