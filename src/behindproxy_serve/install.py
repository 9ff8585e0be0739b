"""`python -m behindproxy_serve.install ENVIRONMENT WHEEL`, in the project's folder: installs an application's
packages into the environment, as the project's own files name them, and then the wheel and what it needs.

Runs from the wheel itself: it needs no more than Python.
"""

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

# A project's own packages: the first of these that it has.
LISTS = ("uv.lock", "poetry.lock", "requirements.txt", "pyproject.toml")
# The servers that APP_SERVER names, and reload on change.
EXTRAS = "fastapi,gunicorn,hypercorn,reload"
QUIET = ("--quiet", "--no-input", "--disable-pip-version-check", "--root-user-action=ignore")


def install(environment: Path, wheel: Path, project: Path) -> None:
    """Raise CalledProcessError where a command fails; it has said why."""
    wanted = environment / "wanted.txt"
    source = next((name for name in LISTS if (project / name).is_file()), "")
    if source == "uv.lock":
        options = ["--quiet", "--frozen", "--no-dev", "--no-emit-project", "--output-file", str(wanted)]
        _reader("uv", ["uv"], ["export", *options], project)
    elif source == "poetry.lock":
        options = ["--quiet", "--only", "main", "--output", str(wanted)]
        _reader("poetry", ["poetry", "poetry-plugin-export"], ["export", *options], project)
    elif source == "requirements.txt":
        wanted = project / source
    elif source == "pyproject.toml":
        # Its dependencies, and not the project: that is served from its source.
        listed = tomllib.loads((project / source).read_text(encoding="utf-8")).get("project", {})
        wanted.write_text("".join(f"{one}\n" for one in listed.get("dependencies", [])), encoding="utf-8")
    else:
        wanted.write_text("")
    _pip(environment, "install", "-r", str(wanted), folder=project)
    freeze = [str(environment / "bin" / "python"), "-m", "pip", "freeze", "--exclude-editable"]
    theirs = environment / "theirs.txt"
    theirs.write_bytes(subprocess.run(freeze, check=True, stdout=subprocess.PIPE).stdout)
    requirement = f"behindproxy-serve[{EXTRAS}] @ {wheel.resolve().as_uri()}"
    _pip(environment, "install", requirement, "-c", str(theirs), folder=project)


def _reader(name: str, packages: list[str], arguments: list[str], project: Path) -> None:
    """Run what reads a lock file, in an environment of its own."""
    with tempfile.TemporaryDirectory() as own:
        subprocess.run([sys.executable, "-m", "venv", own], check=True)
        _pip(Path(own), "install", *packages, folder=project)
        command = [str(Path(own, "bin", name)), *arguments]
        subprocess.run(command, check=True, cwd=project, stdout=subprocess.DEVNULL)


def _pip(environment: Path, *arguments: str, folder: Path) -> None:
    command = [str(environment / "bin" / "python"), "-m", "pip", arguments[0], *QUIET, *arguments[1:]]
    subprocess.run(command, check=True, cwd=folder)


def main() -> None:
    environment, wheel = map(Path, sys.argv[1:3])
    try:
        install(environment.absolute(), wheel.absolute(), Path.cwd())
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode or 1)


if __name__ == "__main__":
    main()
