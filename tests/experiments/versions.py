"""`python -m tests.experiments.versions`: what a root path does in old and new releases of FastAPI and
Uvicorn, behind a proxy that strips. Each pair is installed into an environment of its own; the table is
written into docs/root-path.md."""

import re
import subprocess
import sys
from pathlib import Path

from behindproxy.stack.paths import BUILD, ROOT
from behindproxy.stack.render import write
from tests import tables
from tests.hosts import free_port

from .serving import PREFIX, ROOT_PATH, Served, process
from .test_root_path import HALF, RIGHT

PATH = ROOT / "docs" / "root-path.md"
HOME = BUILD / "root-path"
BLOCK = re.compile(r"(?s)(?<=<!-- versions -->\n).*?(?=<!-- /versions -->)")
# FastAPI brings its Starlette; each pair is on one side of a change.
PAIRS = (
    ("0.108.0", "0.25.0"),
    ("0.108.0", "0.26.0"),
    ("0.109.0", "0.25.0"),
    ("0.109.0", "0.26.0"),
    ("0.115.0", "0.34.0"),
    ("0.165.0", "0.54.0"),
)
WORDS = {"whole": RIGHT, "half": HALF}


def installed(fastapi: str, uvicorn: str) -> Path:
    """The Python of an environment that has the two."""
    folder = HOME / f"{fastapi}-{uvicorn}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pins = f"fastapi=={fastapi}", f"uvicorn=={uvicorn}"
        subprocess.run([python, "-m", "pip", "install", "--quiet", *pins], check=True)
        (folder / "ready").touch()
    return python


def served_by(python: Path, app: str, *options: str) -> str:
    """What the root path is good for there, in a word."""
    port = free_port()
    log = HOME / f"{app}.log"
    command = [str(python), "-m", "uvicorn", f"tests.experiments.apps:{app}", "--port", str(port), *options]
    with process(command, port, log) as served:
        own_work = work_of(served)
    if not own_work["root_path"]:
        return "404 for everything"
    return next((word for word, work in WORDS.items() if own_work == work), f"neither: {own_work}")


def work_of(served: Served) -> dict:
    """The same as in test_root_path, of a server that may not even answer."""
    app = served.get("/app")
    return {
        "root_path": app.json()["root_path"] if app.status_code == 200 else "",
        "mount": served.get("/sub/app").status_code,
        "static file": served.get("/static/hello.txt").status_code,
        "redirect": served.get("/items").headers.get("location", "").removeprefix(served.url),
        "second address": served.get(f"{PREFIX}/app").status_code,
    }


def rows() -> list[str]:
    lines = [
        tables.row("FastAPI", "Starlette", "Uvicorn", "`uvicorn --root-path`", "`FastAPI(root_path=)`"),
        "|---|---|---|---|---|",
    ]
    for fastapi, uvicorn in PAIRS:
        python = installed(fastapi, uvicorn)
        version = [python, "-c", "import starlette; print(starlette.__version__)"]
        starlette = subprocess.run(version, check=True, capture_output=True, text=True).stdout.strip()
        words = served_by(python, "plain", *ROOT_PATH), served_by(python, "declared")
        lines.append(tables.row(fastapi, starlette, uvicorn, *words))
    return lines


if __name__ == "__main__":
    HOME.mkdir(parents=True, exist_ok=True)
    table = "\n".join(rows()) + "\n"
    print(table)
    write(PATH, BLOCK.sub(lambda _: table, PATH.read_text()))
