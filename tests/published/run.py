"""Serves each application as it is and with its line, looks at it in a browser, and asks `verify`."""

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from behindproxy.stack.paths import BUILD

from ..foreign.entry import Entry, fill
from ..foreign.proxy import proxied
from ..foreign.run import verified
from ..foreign.serving import DidNotStart, Missing, Ports, certificate, listening, started
from .application import PREFIX, SOURCES, Application
from .environment import must, node_modules, python_of
from .truth import Place, visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOME = BUILD / "published" / "run"
START_SECONDS = 120
STATIC = """
[entryPoints.http]
address = "127.0.0.1:@HTTP@"
[entryPoints.https]
address = "127.0.0.1:@TLS@"
"""
ROUTES = """
[[tls.certificates]]
certFile = "@CERT@"
keyFile = "@CERT@"
[http.middlewares.strip.stripPrefix]
prefixes = ["@PREFIX@"]
# Traefik adds X-Forwarded-Prefix where it strips one.
[http.middlewares.told.headers.customRequestHeaders]
"X-Forwarded-Prefix" = ""
# Relative addresses of a page need the slash.
[http.middlewares.slash.redirectRegex]
regex = "^([^?]*@PREFIX@)([?].*)?$"
replacement = "${1}/${2}"
[http.routers.plain]
rule = "Host(`localhost`) && (Path(`@PREFIX@`) || PathPrefix(`@PREFIX@/`))"
entryPoints = ["http"]
middlewares = @MIDDLEWARES@
service = "app"
[http.routers.secure]
rule = "Host(`localhost`) && (Path(`@PREFIX@`) || PathPrefix(`@PREFIX@/`))"
entryPoints = ["https"]
middlewares = @MIDDLEWARES@
service = "app"
tls = {}
[[http.services.app.loadBalancer.servers]]
url = "http://127.0.0.1:@APP@"
"""


@dataclass(frozen=True)
class Answer:
    """What a deployment shows, and what `verify` says of it."""

    broken: tuple[str, ...]  # what fails with the prefix and does not without it
    red: tuple[str, ...]  # of level broken or exposed
    names_it: bool  # a red check shows something that is broken
    seconds: float
    problem: str = ""  # why there is none

    @property
    def works(self) -> bool:
        return not self.broken

    @property
    def is_true(self) -> bool:
        if self.problem:
            return False
        return self.names_it if self.broken else not self.red


@dataclass(frozen=True)
class Row:
    application: Application
    as_it_is: Answer | None
    with_line: Answer | None
    problem: str = ""
    without: tuple[str, ...] = ()  # what fails without a prefix too, and so hides what fails with it

    @property
    def answers(self) -> list[Answer]:
        return [one for one in (self.as_it_is, self.with_line) if one]

    @property
    def is_true(self) -> bool:
        return not self.problem and bool(self.answers) and all(one.is_true for one in self.answers)

    def as_json(self) -> dict:
        return {
            "name": self.application.name,
            "problem": self.problem,
            "without": list(self.without),
            "as_it_is": asdict(self.as_it_is) if self.as_it_is else None,
            "with_line": asdict(self.with_line) if self.with_line else None,
            "true": self.is_true,
        }


@dataclass(frozen=True)
class Bed:
    """What the deployments of an application share."""

    browser: "Browser"
    ports: Ports
    texts: dict[str, str]
    without: set[str]  # what fails without a prefix too
    only: tuple[str, ...]  # options of verify


def run(application: Application, browser: "Browser", keep: bool = False, only: tuple[str, ...] = ()) -> Row:
    """Judge an application as it is, and with its line where it has one; `only` narrows `verify`."""
    home = HOME / application.name
    shutil.rmtree(home, ignore_errors=True)
    ports, texts = Ports(), certificate(home)
    row = Row(application, None, None)
    try:
        with served(application, home / "without", ports, "", texts) as filled:
            place = Place(f"http://localhost:{filled['APP']}", "")
            without = visit(browser, place, application.start).failures
        row = replace(row, without=tuple(sorted(without)))
        bed = Bed(browser, ports, texts, without, only)
        row = replace(row, as_it_is=judged(application, home / "as-it-is", bed))
        if application.line:
            row = replace(row, with_line=judged(with_line(application), home / "with-line", bed))
    except (Missing, DidNotStart, OSError) as error:
        row = replace(row, problem=str(error))
    finally:
        if not keep:
            shutil.rmtree(home, ignore_errors=True)
    return row


def with_line(application: Application) -> Application:
    line = application.line
    assert line
    arguments = application.arguments if line.arguments is None else line.arguments
    return replace(application, arguments=arguments, environ=application.environ | line.environ)


def judged(application: Application, home: Path, bed: Bed) -> Answer:
    """Open it behind Traefik, with the prefix; then ask `verify`."""
    line = application.line if home.name == "with-line" else None
    strips, forwards = line is None or line.strip, line is None or line.forward_prefix
    names = ["slash", *(["strip"] if strips else []), *([] if forwards else ["told"])]
    middlewares = {"MIDDLEWARES": json.dumps(names)}
    entry = Entry(
        name=f"published/{application.name}",
        title=application.title,
        source=application.source,
        proxy="traefik",
        config=ROUTES,
        static=STATIC,
        prefix=PREFIX,
        right=True,
    )
    with served(application, home, bed.ports, PREFIX, bed.texts) as filled:
        with proxied(entry, made(home / "proxy"), filled | middlewares):
            place = Place(f"https://localhost:{filled['TLS']}", PREFIX)
            result = visit(bed.browser, place, application.start)
            broken = {key: text for key, text in result.texts.items() if key not in bed.without}
            verdict = verified(entry, made(home / "verify"), filled, *bed.only)
    if verdict.problem:
        return Answer(tuple(sorted(broken.values())), (), False, verdict.seconds, verdict.problem)
    red = failed(home / "verify" / "report" / "report.json")
    names_it = any(shows(check, what) for check in red for what in broken.values())
    ids = tuple(dict.fromkeys(check["id"] for check in red))
    return Answer(tuple(sorted(broken.values())), ids, names_it, verdict.seconds)


def failed(report: Path) -> list[dict]:
    """Return the red checks that count."""
    checks = json.loads(report.read_text())["checks"]
    return [
        one
        for one in checks
        if one["status"] in ("failed", "error") and one["level"] in ("broken", "exposed")
    ]


def shows(check: dict, what: str) -> bool:
    """Whether a red check names what is broken: its path, or the message of a script."""
    words = what.split(" /", 1)
    path = f"/{words[1]}" if len(words) == 2 else what
    path = path.removeprefix(f"{PREFIX}/").strip("/")
    text = f"{check['subject']} {check['observed']}"
    return path in text if path else bool(re.search(r"https?://[^/\s]+/(?![^\s\"])", text))  # the host's root


def made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def pairs(texts: list[str]) -> Iterator[tuple[str, str]]:
    return zip(texts[::2], texts[1::2], strict=True)


@contextmanager
def served(
    application: Application, home: Path, ports: Ports, prefix: str, texts: dict[str, str]
) -> Iterator[dict[str, str]]:
    """The application at a port of its own, until the block ends; yields the names that a row may use."""
    python = python_of(application)
    packages = node_modules(application)
    filled = texts | {"HTTP": ports(), "TLS": ports(), "OPS": ports(), "APP": ports(), "PREFIX": prefix}
    folder = home / "source"
    source = SOURCES / application.name
    shutil.copytree(source, folder) if source.exists() else folder.mkdir(parents=True)
    line = application.line if home.name == "with-line" else None
    for name, swaps in (line.swap if line else {}).items():
        path = folder / name
        for old, new in pairs(swaps):
            text = path.read_text()
            if old not in text:
                raise DidNotStart(f"{application.name}: {name} has no {old}")
            path.write_text(text.replace(old, fill(new, filled)))
    own = fill(dict(application.environ), filled)
    if packages:
        (folder / "node_modules").symlink_to(packages)
    if application.build:
        must(["sh", "-c", fill(application.build, filled)], folder, own)
    arguments = application.arguments if prefix else ""
    command = shlex.split(fill(f"{application.server} {arguments}", filled))
    own |= {"HOME": str(made(home / "home")), "PYTHONPATH": str(folder)}
    ready = lambda: listening(filled["APP"])  # noqa: E731
    with started([str(python), "-m", *command], home, ready, own, folder=folder, seconds=START_SECONDS):
        yield filled
