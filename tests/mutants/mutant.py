"""One misconfiguration: a TOML file beside this module, and how it is applied to a checkout."""

import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

HERE = Path(__file__).parent
ROUTES = "traefik/routes.toml"


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Patch(Strict):
    """Replaces `find`, which must stand in `file` exactly `times` times."""

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
        # By rename, as editors save: Traefik must never read half a file.
        part = path.with_suffix(".part")
        part.write_text(text.replace(self.find, self.replace))
        part.replace(path)


class Mutant(Strict):
    name: str
    title: str  # what is broken
    story: str  # how it comes about in practice
    source: str  # an issue, a CVE, a heading of a named page, or a file of this repository
    runtime: Literal["native", "docker"] = "native"
    settings: dict[str, str] = {}  # for `make up` and `make verify`
    verify: dict[str, str] = {}  # for `make verify` alone
    patch: list[Patch] = []
    packages: str = ""  # a requirements file, installed into build/<its name> of the copy
    caught_by: list[str] = Field(min_length=1)  # ids that must go red; `up`: it refuses to start
    named: list[str] = Field(min_length=1)  # words that the diagnosis must have

    @property
    def edits_routes_alone(self) -> bool:
        """Whether a running Traefik takes it in; a stack that must not come up has to be started."""
        files = {patch.file for patch in self.patch}
        return files == {ROUTES} and not (self.settings or self.packages or "up" in self.caught_by)

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
    found = [load(path) for path in sorted(HERE.glob("*.toml")) if fnmatch(path.stem, only)]
    if not found:
        raise SystemExit(f"ONLY={only}: no mutant has such a name, for example ONLY='trust.*'")
    return found
