"""A published application, and the deployments of it: one row of applications.toml."""

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SOURCES = HERE / "applications"
ROWS = HERE / "applications.toml"
PREFIX = "/shop"
SERVER = (
    "uvicorn main:app --host 127.0.0.1 --port @APP@ --proxy-headers --forwarded-allow-ips 127.0.0.1 "
    "--no-server-header"
)
ROOT_PATH = "--root-path @PREFIX@"


@dataclass(frozen=True)
class Line:
    """What makes an application right that is not so as it is."""

    says: str  # as the table shows it
    swap: dict[str, list[str]] = field(default_factory=dict)  # by file: what stands there, and what then does
    arguments: str | None = None  # of the server, in the place of --root-path
    environ: dict[str, str] = field(default_factory=dict)
    strip: bool = True
    forward_prefix: bool = True  # Traefik's X-Forwarded-Prefix


@dataclass(frozen=True)
class Application:
    name: str
    title: str
    source: str  # where its documentation tells how it is served
    package: str  # whose version the table shows
    environment: str
    requirements: tuple[str, ...]  # of the environment
    works: bool  # as it is: what was observed when the row was written
    line: Line | None = None
    says: str = ""  # where no line makes it right: why not
    server: str = SERVER  # a module of Python, and its arguments
    arguments: str = ROOT_PATH  # with a prefix
    environ: dict[str, str] = field(default_factory=dict)
    npm: tuple[str, ...] = ()  # packages
    build: str = ""  # what makes the page, in the folder with the packages
    start: str = "/"  # the page that is opened first

    @property
    def version(self) -> str:
        pins = dict(one.split("==") for one in (*self.requirements, *self.npm_pins))
        return pins[self.package]

    @property
    def npm_pins(self) -> list[str]:
        return ["==".join(one.rsplit("@", 1)) for one in self.npm]


def load_all() -> list[Application]:
    content = tomllib.loads(ROWS.read_text())
    return [made(row, content["environments"]) for row in content["application"]]


def made(row: dict[str, Any], environments: dict[str, list[str]]) -> Application:
    names = {one.name for one in fields(Application)}
    if unknown := row.keys() - names:
        raise ValueError(f"{row.get('name')}: unknown {', '.join(sorted(unknown))}")
    environment = row.get("environment", row["name"])
    row |= {"environment": environment, "requirements": tuple(environments[environment])}
    row["npm"] = tuple(row.get("npm", []))
    if "line" in row:
        row["line"] = Line(**row["line"])
    return Application(**row)
