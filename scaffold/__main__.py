"""`make new DEST=../theirs [APP_MODULE=their.module:app] [API_PREFIX=/shop]`: this deployment for an
application that lies in DEST, or the changes since, where DEST has one already.

Copier renders and updates; copier.yml in this repository's root is its template.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml
from copier import run_copy, run_update
from copier.errors import CopierError
from pydantic import ValidationError

from serve.settings import Settings, explain
from stack.paths import BUILD, ROOT

ANSWERS = ".copier-answers.yml"
# Written where there is none, and left alone where there is.
KEPT = tuple(yaml.safe_load((ROOT / "copier.yml").read_text())["_skip_if_exists"])
INCLUDE = "include deployment/stack/targets.mk"
STARTER = '''"""Asked at the prefix, and written without it."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/app")
async def read_main() -> dict[str, str]:
    return {"message": "Hello"}
'''
APPLICATION = re.compile(r"^(\w+)\s*(?::[^=]+)?=\s*FastAPI\(", re.MULTILINE)
NOT_THEIRS = {"deployment", "build", "tests", "docs", "node_modules", "site-packages"}


def main() -> int:
    destination = destined(os.environ.get("DEST", ""))
    os.chdir(ROOT)  # `.` in the answers is whichever clone this runs in
    if dirty := git(ROOT, "status", "--porcelain"):
        print(f"left out, since not committed here: {dirty.splitlines()[0][3:]}"
              f"{' and more' if dirty.count(chr(10)) else ''}")  # fmt: skip
    version = git(ROOT, "rev-parse", "HEAD")
    if not version:
        raise SystemExit("this folder is not a git clone: later changes could not be told from yours; "
                         "git clone it and run make new there")  # fmt: skip
    try:
        if (destination / ANSWERS).exists():
            return update(destination, version)
        return copy(destination, version)
    except CopierError as error:
        raise SystemExit(f"DEST={destination}: {error}") from None


def destined(value: str) -> Path:
    """Raises SystemExit with one line where it cannot be written to."""
    if not value:
        raise SystemExit("DEST is not set: the folder of the application; for example make new DEST=../theirs "
                         "APP_MODULE=their.module:app API_PREFIX=/shop")  # fmt: skip
    path = Path(value).expanduser().resolve()
    reason = ""
    if path == ROOT or ROOT in path.parents and BUILD not in path.parents:
        reason = "lies in this project"
    elif path.exists() and not path.is_dir():
        reason = "is a file"
    elif not path.parent.is_dir():
        reason = f"{path.parent} is not there"
    elif any((path / name).exists() for name in ("serve", "serve.py")):
        reason = (
            "has a module serve, as the wrapper in deployment/ is called: one would hide the other"
        )
    if reason:
        raise SystemExit(f"DEST={value}: {reason}; for example DEST=../theirs")
    return path


def copy(destination: Path, version: str) -> int:
    module = os.environ.get("APP_MODULE") or found(destination)
    data = {
        "project": re.sub(r"[^a-z0-9_-]+", "-", destination.name.lower()).strip("-_") or "app",
        "app_module": module or "main:app",
        "api_prefix": os.environ.get("API_PREFIX") or "/api/v1",
    }
    try:
        Settings.model_validate({key: data[key] for key in ("app_module", "api_prefix")})
    except ValidationError as error:
        raise SystemExit(explain(error)) from None
    with tempfile.TemporaryDirectory() as folder:
        run_copy(".", folder, data=data, vcs_ref=version, defaults=True, quiet=True)
        written = sorted(
            path.relative_to(folder) for path in Path(folder).rglob("*") if path.is_file()
        )
        taken = [
            path for path in written if str(path) not in KEPT and differs(destination, folder, path)
        ]
    if taken and os.environ.get("OVERWRITE") != "1":
        raise SystemExit(f"{destination} has {', '.join(map(str, taken))} already, and nothing was written: "
                         "OVERWRITE=1 replaces them (commit them before: git then shows what was there)")  # fmt: skip
    kept = [name for name in KEPT if (destination / name).exists()]
    run_copy(
        ".", destination, data=data, vcs_ref=version, defaults=True, quiet=True, overwrite=True
    )
    print(f"into {destination}:")
    for path in written:
        if path.parts[0] != "deployment" and str(path) not in kept:
            print(f"  {path}")
    print(f"  deployment/   {sum(path.parts[0] == 'deployment' for path in written)} files: the tools, "
          "as they are here")  # fmt: skip
    if not module:
        (destination / "main.py").write_text(STARTER)
        print("  main.py       an application to begin with: there was none")
    for line in (*complete(destination, kept, data), *advice(destination, data["app_module"])):
        print(f"! {line}")
    makefile = "" if "Makefile" not in kept else " -f deployment/stack/targets.mk"
    print(f"\nnext:\n  cd {os.environ['DEST']}\n  make{makefile} verify")
    return 0


def differs(destination: Path, rendered: str, path: Path) -> bool:
    there = destination / path
    return there.exists() and there.read_bytes() != (Path(rendered) / path).read_bytes()


def complete(destination: Path, kept: list[str], data: dict[str, str]) -> Iterator[str]:
    """What the files that were there already need."""
    if ".env" in kept:
        env = destination / ".env"
        text = env.read_text()
        wanted = {"API_PREFIX": data["api_prefix"], "APP_MODULE": data["app_module"]}
        lines = [f"{key}={value}" for key, value in wanted.items()
                 if not re.search(rf"^(export )?{key}\s*=", text, re.MULTILINE)]  # fmt: skip
        if lines:
            env.write_text(
                "\n".join([*text.splitlines(), "", "# The deployment's (.env.example)", *lines, ""])
            )
            yield f".env was there: added {', '.join(lines)}"
    ignored = destination / ".dockerignore"
    if ".dockerignore" in kept and ".behindproxy" not in ignored.read_text():
        yield (".dockerignore was there, and stays as it is: add the line `.behindproxy` to it, or the local "
               "certificate authority's key comes into the image")  # fmt: skip
    if "Makefile" in kept and INCLUDE not in (destination / "Makefile").read_text():
        yield (f"Makefile was there, and stays as it is: add the line `{INCLUDE}` to it, or call "
               "make -f deployment/stack/targets.mk")  # fmt: skip


def advice(destination: Path, module: str) -> Iterator[str]:
    name = module.partition(":")[0].replace(".", "/")
    places = [folder / f"{name}{end}" for folder in (destination, destination / "src")
              for end in (".py", "/__init__.py")]  # fmt: skip
    if not any(place.exists() for place in places):
        yield (f"APP_MODULE={module}: {name}.py is not in {destination}; it must be, or come with an "
               "installed package")  # fmt: skip
    if not git(destination, "rev-parse", "--git-dir"):
        yield "not a git repository: make new can bring later changes only into one (git init, git add, git commit)"
    elif git(destination, "check-ignore", ".env"):
        yield ".env is ignored by git, and the CI workflow needs it: git add --force .env (it holds no secrets)"


def found(destination: Path) -> str:
    """The application of a project, where one file of it says `… = FastAPI(`; or nothing.

    Raises SystemExit with one line where several do."""
    names = []
    for path in sorted(destination.rglob("*.py")):
        parts = path.relative_to(destination).with_suffix("").parts
        if NOT_THEIRS & set(parts) or any(part.startswith((".", "venv")) for part in parts):
            continue
        if match := APPLICATION.search(path.read_text(errors="replace")):
            parts = parts[1:] if parts[0] == "src" else parts
            names.append(f"{'.'.join(parts)}:{match[1]}".replace(".__init__:", ":"))
    if len(names) > 1:
        raise SystemExit(f"APP_MODULE is not set, and {destination} has {len(names)} applications: "
                         f"{', '.join(f'APP_MODULE={name}' for name in names)}")  # fmt: skip
    if not names and any(destination.glob("*.py")):
        raise SystemExit(f"APP_MODULE is not set, and no file in {destination} says `app = FastAPI(`; "
                         "for example APP_MODULE=their.module:app")  # fmt: skip
    return names[0] if names else ""


def update(destination: Path, version: str) -> int:
    """What changed here since, into what the person has made of it."""
    answers = yaml.safe_load((destination / ANSWERS).read_text())
    before = answers["_commit"]
    for key in ("APP_MODULE", "API_PREFIX"):
        if os.environ.get(key):
            print(f"! {key} is a setting of {destination}/.env: change it there")
    if git(destination, "status", "--porcelain"):
        raise SystemExit(f"{destination} has changes that are not committed: commit or stash them, so that git "
                         "can show which are new and take them back")  # fmt: skip
    if not git(ROOT, "cat-file", "-t", f"{before.rpartition('-g')[2]}^{{commit}}"):
        raise SystemExit(
            f"{destination}/{ANSWERS} was made from {before}, which this clone does not have: git fetch"
        )
    run_update(
        destination, vcs_ref=version, defaults=True, overwrite=True, quiet=True, conflict="inline"
    )
    changed = git(destination, "status", "--porcelain").splitlines()
    conflicts = [line[3:] for line in changed if line[:2] in ("UU", "AA", "DU", "UD")]
    if not [line for line in changed if line[3:] != ANSWERS]:
        print(f"{destination} has everything already")
        return 0
    print(f"{destination}: from {before} to {git(ROOT, 'describe', '--tags', '--always')}")
    for line in changed:
        print(f"  {'conflict  ' if line[3:] in conflicts else ''}{line[3:]}")
    if conflicts:
        print(f"! both sides changed the same lines of {', '.join(conflicts)}: edit what lies between <<<<<<< and "
              ">>>>>>>, then git add")  # fmt: skip
        return 1
    print(f"\nnext: git -C {os.environ['DEST']} diff, make verify, git commit")
    return 0


def git(folder: Path, *arguments: str) -> str:
    """What it prints; nothing where it fails."""
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True)
    return done.stdout.rstrip("\n") if done.returncode == 0 else ""


if __name__ == "__main__":
    sys.exit(main())
