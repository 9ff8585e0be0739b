"""A project that is a package itself, writes a SQLite database, and has keys in an env_file of its own."""

import json
import subprocess

from tests.checkout import docker

APPLICATION = """import os
import shutil
import sqlite3
from importlib.metadata import entry_points, version

from fastapi import FastAPI


def create_app() -> FastAPI:
    app = FastAPI(version=version("their"))
    rows = sqlite3.connect("data/shop.db", check_same_thread=False)
    rows.execute("create table if not exists row (number integer)")

    @app.get("/seen")
    def seen() -> dict[str, object]:
        rows.execute("insert into row values (1)")
        rows.commit()
        return {
            "version": app.version,
            "plugins": [one.name for one in entry_points(group="their.plugins")],
            "script": bool(shutil.which("their-cli")),
            "rows": rows.execute("select count(*) from row").fetchone()[0],
            "currency": os.environ.get("CURRENCY"),
        }

    return app
"""
PYPROJECT = """[build-system]
requires = []
build-backend = "their_build"
backend-path = ["."]

[project]
name = "their"
dynamic = ["version", "dependencies"]
requires-python = ">=3.11"
readme = "README.md"

[tool.fastapi]
entrypoint = "their.web:create_app"
"""
# Of its own, so that the build needs no network; it reads what a build reads.
BUILD = """import pathlib
import zipfile

NAME = "their-1.2-py3-none-any.whl"


def build_wheel(folder, config_settings=None, metadata_directory=None):
    needs = pathlib.Path("requirements.in").read_text().split()
    head = ["Metadata-Version: 2.1", "Name: their", "Version: 1.2"]
    head += [f"Requires-Dist: {one}" for one in needs]
    files = {
        "METADATA": "\\n".join(head) + "\\n\\n" + pathlib.Path("README.md").read_text(),
        "WHEEL": "Wheel-Version: 1.0\\nGenerator: own\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        "entry_points.txt": "[console_scripts]\\ntheir-cli = json.tool:main\\n"
        "[their.plugins]\\none = json:loads\\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(pathlib.Path(folder, NAME), "w") as wheel:
        for name, text in files.items():
            wheel.writestr("their-1.2.dist-info/" + name, text)
    return NAME
"""
FILES = {
    "pyproject.toml": PYPROJECT,
    "their_build.py": BUILD,
    "README.md": "# Theirs\n",
    "requirements.in": "fastapi\n",
    "src/their/__init__.py": "",
    "src/their/web.py": APPLICATION,
    "compose.yaml": "services:\n  web:\n    build: .\n    env_file: app.env\n",
    "app.env": "CURRENCY=EUR\n",
    ".env": "APP_DATA=data\n",
    ".gitignore": "/data/\n",
}


def test_it_has_its_metadata_its_scripts_its_keys_and_a_place_to_write(source, project):
    shop = project("package", FILES)
    code, output = source.new(shop)
    assert code == 0, output
    source.link(shop.home)
    try:
        shop.must("up")
        answer = {"version": "1.2", "plugins": ["one"], "script": True, "currency": "EUR"}
        assert json.loads(shop.answers("/api/v1/seen")) == {**answer, "rows": 1}
        if shop.runtime == "native":
            script = [str(shop.home / ".behindproxy/app/bin/their-cli"), "--help"]
            assert subprocess.run(script, capture_output=True).returncode == 0
        # What it wrote is there for the next, which a migration comes before.
        migration = "import sqlite3; sqlite3.connect('data/shop.db').execute('create table ran (at integer)')"
        shop.must("restart", MIGRATE_COMMAND=f'python -c "{migration}"')
        assert json.loads(shop.answers("/api/v1/seen")) == {**answer, "rows": 2}
        # The table is there already: it fails, and the previous version goes on.
        code, output = shop.make("up", MIGRATE_COMMAND=f'python -c "{migration}"', DOCS="off")
        assert code != 0 and "table ran already exists" in output, output
        assert "ended with status 1" in output and "nothing was replaced" in output
        assert json.loads(shop.answers("/api/v1/seen")) == {**answer, "rows": 3}
        assert '"openapi"' in shop.answers("/api/v1/openapi.json")  # DOCS=off did not come
    finally:
        shop.make("down")
        if shop.runtime == "docker":
            docker("volume", "rm", "behindproxy-package_data")
