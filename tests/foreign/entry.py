"""What a foreign deployment consists of, and what is right to say about it: one row of a TOML file."""

import re
import tomllib
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
UVICORN = (
    "uvicorn @MODULE@ --root-path @PREFIX@ --proxy-headers --forwarded-allow-ips 127.0.0.1 --no-server-header"
)
PROXIES = ("nginx", "caddy", "haproxy", "traefik")


@dataclass(frozen=True)
class Entry:
    name: str  # the file's, a slash, its own
    title: str
    source: str
    proxy: str
    config: str
    static: str = ""  # Traefik's; its dynamic file is `config`
    labels: str = ""  # the same for Traefik's Docker provider, one a line
    application: str = "shop"
    server: str = UVICORN
    environ: tuple[tuple[str, str], ...] = ()
    prefix: str = "/shop"
    packages: str = ""  # a lock of requirements/: what the server has in another version than is pinned
    beside: str = ""  # another application, below a prefix of its own name
    options: tuple[str, ...] = ()
    direct: bool = False
    right: bool = False
    visible: bool = True
    reason: str = ""
    red: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    level: str = "broken"
    not_tested: tuple[str, ...] = ()
    probed_red: tuple[str, ...] = ()  # where the application has the probe, and `red` is not what it shows
    probed_named: tuple[str, ...] = ()
    shows: tuple[dict[str, Any], ...] = ()  # requests that prove it, in the words of shows.py

    def __post_init__(self) -> None:
        wrong = [
            (not self.title or not self.source, "has no title or no source"),
            (self.proxy not in PROXIES, f"has a proxy that is none of {', '.join(PROXIES)}: {self.proxy}"),
            (not self.right and not self.shows, "shows no fault"),
            (not self.visible and not self.reason, "is not visible for no reason"),
            (self.visible and not self.right and not (self.red and self.named), "needs red and named"),
            (self.right and bool(self.red or self.named), "is right and says what is red"),
            (self.level not in ("broken", "exposed"), f"has the level {self.level}"),
        ]
        for is_wrong, what in wrong:
            if is_wrong:
                raise ValueError(f"{self.name} {what}")

    @property
    def neighbour(self) -> "Entry | None":
        """What is served beside, as an entry of its own."""
        if not self.beside:
            return None
        return replace(self, application=self.beside, prefix=f"/{self.beside}", server=UVICORN, environ=())

    @property
    def probed(self) -> "Entry":
        """The same deployment, of which the application has the probe."""
        return replace(
            self,
            application="probed",
            environ=(*self.environ, ("PROBED", self.application)),
            red=self.probed_red or self.red,
            named=self.probed_named or self.named,
            visible=self.visible or bool(self.probed_red),
            not_tested=() if self.probed_red else self.not_tested,
        )

    @property
    def group(self) -> str:
        return self.name.partition("/")[0]


def load_all() -> list[Entry]:
    return [entry for path in sorted(HERE.glob("*.toml")) for entry in load(path)]


def load(path: Path) -> list[Entry]:
    """Return the rows of `path`: [snippets] fill `@NAME@`, [defaults] what a row does not say."""
    content = tomllib.loads(path.read_text())
    snippets = content.get("snippets", {})
    defaults = content.get("defaults", {})
    rows = [fill(defaults | row, snippets) for row in content["entry"]]
    return [made(path.stem, row) for row in rows]


def made(group: str, row: dict[str, Any]) -> Entry:
    names = {field.name for field in fields(Entry)}
    if unknown := row.keys() - names:
        raise ValueError(f"{group}/{row.get('name')}: unknown {', '.join(sorted(unknown))}")
    if isinstance(row.get("shows"), dict):
        row["shows"] = [row["shows"]]
    row = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    row["environ"] = tuple(sorted(row.get("environ", {}).items()))
    return Entry(**row | {"name": f"{group}/{row['name']}"})


def fill(value: Any, texts: dict[str, str]) -> Any:
    """Put each text in the place of its `@NAME@`, until none is left: a text may name another."""
    if isinstance(value, dict):
        return {key: fill(one, texts) for key, one in value.items()}
    if isinstance(value, list):
        return [fill(one, texts) for one in value]
    if not isinstance(value, str):
        return value
    for _ in range(5):
        value = re.sub(r"@([A-Z_]+)@", lambda match: texts.get(match[1], match[0]), value)
    return value


def chosen(entries: list[Entry], patterns: list[str]) -> list[Entry]:
    """Return those whose name fits one of the patterns, or contains it."""
    if not patterns:
        return entries
    return [one for one in entries if any(fnmatch(one.name, each) or each in one.name for each in patterns)]
