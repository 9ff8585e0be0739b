"""The application's own source, where the deployment under test is on this machine: which line of it
a check's finding comes from."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = {".py", ".html", ".jinja", ".j2", ".js"}
LARGEST_BYTES = 500_000
MOST = 3
# Published applications that put links together themselves, and what tells them the prefix.
TOLD_BY = {
    r"\bDatasette\(": 'Datasette(settings={{"base_url": "{prefix}/"}})',
    r"\bDash\(": 'Dash(requests_pathname_prefix="{prefix}/")',
}


@dataclass(frozen=True)
class Source:
    """`name` is `module:attribute` as it is served, `path` its file or its package's folder."""

    name: str
    path: Path
    prefix: str = ""

    def fault(self, pattern: str, observed: str) -> str:
        """` (file:line: text, …)`: where `pattern` stands, or what was observed, or where the
        application is made; empty where none is found."""
        patterns = [pattern] if pattern else [*_literals(observed, self.prefix)]
        lines = next(filter(None, map(self.lines, patterns)), None) or self.made()
        text = "; ".join(lines[:MOST])
        return f" The line: {text}{self.told_by()}" if text else ""

    def lines(self, pattern: str) -> list[str]:
        regex, matches = re.compile(pattern), []
        for file in self.files():
            for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
                if regex.search(line) and not line.lstrip().startswith("#"):
                    matches.append(f"{shortened(file)}:{number}: {line.strip()[:100]}")
        return sorted(matches, key=lambda line: ": @" in line)  # where it is used, then its route

    def files(self) -> Iterator[Path]:
        files = sorted(self.path.rglob("*")) if self.path.is_dir() else [self.path]
        for file in files:
            if file.suffix in SUFFIXES and file.is_file() and file.stat().st_size < LARGEST_BYTES:
                yield file

    def made(self) -> list[str]:
        attribute = self.name.partition(":")[2].partition(".")[0]
        return self.lines(rf"^{re.escape(attribute)}\b[^=]*=")

    def told_by(self) -> str:
        texts = (text for call, text in TOLD_BY.items() if self.lines(call))
        return "".join(f"; it is told by {text.format(prefix=self.prefix)}" for text in texts)


def shortened(file: Path) -> Path:
    return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file


def _literals(observed: str, prefix: str) -> Iterator[str]:
    """For each path that was observed, how it may stand in the source: whole, or what an f-string
    begins with."""
    answers = re.sub(r"(?m)^.* -> ", "", observed)  # what was asked for; the answer is what was wrong
    for path in re.findall(r'(?:https?://[^/\s"]+)?(/[^\s",\]\\]+)', answers):
        path = path.removeprefix(prefix)
        while len(path) > 1:
            yield rf"""["'`(={{}}]{re.escape(path)}["'`{{?#]"""
            path = path.rstrip("/").rpartition("/")[0] + ("" if path.endswith("/") else "/")
