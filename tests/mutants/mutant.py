"""One misconfiguration: a TOML file beside this module, and how it is applied to a checkout."""

import tomllib
from collections.abc import Callable
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from behindproxy.stack.render import write
from behindproxy.stack.settings import StackSettings

from . import data, objects
from .data import Edit, Strict

HERE = Path(__file__).parent
DYNAMIC = "traefik/dynamic/"
# What only Traefik's own environment tells stays a template in what is written.
OF_THE_START = {key: f"{{{{ env `{key}` }}}}" for key in ("APP_SERVERS", "PROXY_TOKEN", "STATIC_DIR")}


class Replace(Strict):
    """Another object in place of `object`: what the function `by` of objects.py makes of it."""

    object: str = Field(pattern=r"^[a-z_.]+:[\w.]+$")
    by: str
    arguments: dict[str, Any] = {}

    @property
    def module(self) -> str:
        return self.object.partition(":")[0]

    @property
    def attributes(self) -> str:
        return self.object.partition(":")[2]

    @property
    def function(self) -> Callable[[Any], Any]:
        return partial(getattr(objects, self.by), **self.arguments)


class Patch(Strict):
    """Replaces `find`, which must stand in `file` exactly `times` times: for what is wrong with a text."""

    file: str
    find: str = Field(min_length=1)
    replace: str
    times: int = 1

    def apply(self, root: Path) -> None:
        """Raises ValueError when the text is not there as often as it should be."""
        path = root / self.file
        text = path.read_text()
        if (count := text.count(self.find)) != self.times:
            raise ValueError(f"{self.file} has {self.find!r} {count} times, not {self.times}")
        write(path, text.replace(self.find, self.replace))


class Mutant(Strict):
    name: str
    title: str  # what is broken
    story: str  # how it comes about in practice
    source: str  # an issue, a CVE, a heading of a named page, or a file of this repository
    runtime: Literal["native", "docker"] = "native"
    settings: dict[str, str] = {}  # for `make up` and `make verify`
    verify: dict[str, str] = {}  # for `make verify` alone
    edit: list[Edit] = []
    replace: list[Replace] = []
    patch: list[Patch] = []
    packages: str = ""  # a requirements file, installed into build/<its name> of the copy
    caught_by: list[str] = []  # ids that must go red; `up`: it refuses to start
    named: list[str] = []  # words that the diagnosis must have
    visible: bool = True
    reason: str = ""  # why no response can show it, written before it is run

    @model_validator(mode="after")
    def _objects_are_replaced_where_the_tests_are(self) -> Self:
        if self.replace and self.runtime == "docker":
            raise ValueError("replace: the image has no tests; change docker-compose.yml with edit")
        return self

    @model_validator(mode="after")
    def _says_what_goes_red_or_why_nothing_does(self) -> Self:
        if self.visible and not (self.caught_by and self.named):
            raise ValueError("a visible one needs caught_by and named")
        if not self.visible and (not self.reason or self.caught_by or self.named):
            raise ValueError("one that is not visible needs a reason, and neither caught_by nor named")
        return self

    @property
    def edits_dynamic_alone(self) -> bool:
        """Whether a running Traefik takes it in; a stack that must not come up has to be started."""
        more = self.replace or self.settings or self.packages or "up" in self.caught_by
        return all(name.startswith(DYNAMIC) for name in self.files) and not more

    @property
    def files(self) -> set[str]:
        """Those that it changes."""
        return {change.file for change in (*self.edit, *self.patch)}

    def apply(self, root: Path) -> None:
        """Change the files of the copy at `root`. Raises ValueError where something does not fit."""
        for patch in self.patch:
            patch.apply(root)
        data.apply(self.edit, root, self.environ(root) if self.edit else {})

    def environ(self, root: Path) -> dict[str, str]:
        """Return what the templates in Traefik's configuration are rendered with."""
        # All of them, since the copy is not started with this process's environment.
        defaults = {name: field.default for name, field in StackSettings.model_fields.items()}
        settings = defaults | {key.lower(): value for key, value in self.settings.items()}
        values = StackSettings.model_validate(settings).environ() | OF_THE_START
        if self.runtime == "docker":
            services = yaml.safe_load((root / "docker-compose.yml").read_text())["services"]
            values |= {"APP_SERVERS": services["traefik"]["environment"]["APP_SERVERS"], "PROXY_TOKEN": ""}
        return values

    def startup(self, root: Path) -> str:
        """Return what each Python of the copy at `root` reads first; nothing where it changes no object."""
        if not (self.replace or self.packages):
            return ""
        changes = [(one.object, one.by, one.arguments) for one in self.replace]
        folders = [str(root / "build" / Path(self.packages).stem)] if self.packages else []
        return f"{Path(objects.__file__).read_text()}\n\ninstall({changes!r}, {folders!r})\n"

    @property
    def groups(self) -> set[str]:
        return {check.partition(".")[0] for check in self.caught_by}


def load(path: Path) -> Mutant:
    """Raises SystemExit with one line that names the file and the reason."""
    try:
        return Mutant(name=path.stem, **tomllib.loads(path.read_text()))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise SystemExit(f"{path.name}: {' '.join(str(error).split())}") from None


def load_all(only: str = "*") -> list[Mutant]:
    mutants = [load(path) for path in sorted(HERE.glob("*.toml")) if fnmatch(path.stem, only)]
    if not mutants:
        raise SystemExit(f"ONLY={only}: no mutant has such a name, for example ONLY='trust.*'")
    return mutants
