"""What the site has and docs/ has not: a page for each check, links to the files of the repository, and the
pictures that follow the palette."""

import html
import posixpath
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from tests import tables
from tests.mutants.red import by_check

from behindproxy.stack.paths import ROOT
from behindproxy.verify import explanation

SHOTS = ROOT / "build" / "shots"  # tests/shots.py takes them; a site without them is whole
MAX_NAMES = 10  # of the deployments under which a check was red
FENCE = re.compile(r"^\s*(```|~~~)")
CODE = re.compile(r"(?<![\[`])`([a-z0-9]+\.[a-z0-9_]+)`(?!`)")
CONSOLE = re.compile(r"(?ms)^```(?P<kind>console|sh)(?: elsewhere)?\n(?P<text>.*?)^```$")
OUTSIDE = re.compile(r"\]\((\.\./[^)#\s]+)(#[^)\s]*)?\)")
PICTURE = re.compile(
    r"<picture>\s*<source [^>]*srcset=\"(?P<dark>[^\"]+)\">\s*"
    r"<img alt=\"(?P<alt>[^\"]*)\" src=\"(?P<light>[^\"]+)\">\s*</picture>"
)
LEVELS = {
    "broken": "A user meets it.",
    "exposed": "An attacker can use it.",
    "hardening": "Good practice that this deployment follows and others may not.",
}
PLACES = {
    "http": "http, through the proxy",
    "https": "https, through the proxy",
    "direct": "direct, at the application server",
    "all": "all, of the containers or the logs",
}
HEAD = """# Every check

`behindproxy verify` sends these to a deployment. Each page has what `behindproxy verify --explain ID` prints,
and the deployments that it was seen red under.
"""

checks = {check["id"]: check for check in tables.checks()}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    red = by_check()
    pages = {"checks/index.md": "\n".join(listed())}
    pages |= {f"checks/{id}.md": "\n".join(explained(id, red.get(id, []))) for id in checks}
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    for shot in sorted(SHOTS.glob("*.png")):
        files.append(File.generated(config, f"shots/{shot.name}", abs_src_path=str(shot)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, **_: Any) -> str:
    repository = (config.repo_url or "").rstrip("/")
    here = posixpath.dirname(page.file.src_uri)

    def outside(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", here, link[1]))
        if path.startswith("docs/"):
            return link[0]
        if not (ROOT / path).exists():
            raise PluginError(f"{page.file.src_uri}: {link[1]} is not in the repository")
        kind = "tree" if (ROOT / path).is_dir() else "blob"
        return f"]({repository}/{kind}/main/{path}{link[2] or ''})"

    def code(match: re.Match[str]) -> str:
        if match[1] not in checks or page.file.src_uri == f"checks/{match[1]}.md":
            return match[0]
        return f"[{match[0]}]({posixpath.relpath(f'checks/{match[1]}.md', here or '.')})"

    lines, fenced = [], False
    for line in CONSOLE.sub(commands, PICTURE.sub(picture, markdown)).splitlines():
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced and not line.startswith("#"):
            line = CODE.sub(code, OUTSIDE.sub(outside, line))
        lines.append(line)
    return "\n".join([*lines, *shots(page)])


def commands(match: re.Match[str]) -> str:
    """Return a block without the word that is for tests/copies/test_documents.py, and one of commands alone
    without their prompts: the button copies what can be pasted."""
    lines = match["text"].splitlines()
    if match["kind"] == "console" and all(line.startswith("$ ") for line in lines):
        return "\n".join(["```sh", *(line.removeprefix("$ ") for line in lines), "```"])
    return f"```{match['kind']}\n{match['text']}```"


def picture(match: re.Match[str]) -> str:
    """Return the picture as two, of which the theme shows the one of its palette."""
    return f"![{match['alt']}]({match['light']}#only-light)\n![{match['alt']}]({match['dark']}#only-dark)"


def shots(page: Page) -> Iterator[str]:
    """The pictures of a browser whose names begin with the page's."""
    for shot in sorted(SHOTS.glob(f"{page.file.name}--*.png")):
        caption = shot.stem.partition("--")[2].replace("-", " ")
        yield f"\n![{caption}](shots/{shot.name})\n\n*{caption}*"


def listed() -> Iterator[str]:
    yield HEAD
    for group, members in groupby(sorted(checks), key=lambda id: id.partition(".")[0]):
        yield f"## {group}\n\n| check | level | |\n|---|---|---|"
        for id in members:
            yield tables.row(f"[`{id}`]({id}.md)", checks[id]["level"], checks[id]["title"])
        yield ""


def explained(id: str, red: list[str]) -> Iterator[str]:
    check, rows = checks[id], explanation(checks[id])
    yield f"# {id}\n\n**{plain(rows['title'])}**\n\n{plain(rows['states'])}\n"
    yield "| | |\n|---|---|"
    yield tables.row("level", f"**{check['level']}**: {LEVELS[check['level']]}")
    yield tables.row("sent to", "; ".join(PLACES[place] for place in check["entrypoints"]))
    if check["unsafe"]:
        yield tables.row("sent only with", "`--unsafe`: it is more than GET, HEAD and OPTIONS")
    yield tables.row("source", plain(rows["source"]))
    if rows.get("fix"):
        yield f"\n## Fix\n\n{plain(rows['fix'])}\n"
    yield "\n## Send it to yours\n"
    yield f"```console\n$ behindproxy verify https://api.example.com/shop --only {id}\n```\n"
    yield "[How to name your paths, your proxy and the server's own port](../verify.md#yours).\n"
    if red:
        yield "## Seen red under\n"
        yield from (f"- `{name}`" for name in red[:MAX_NAMES])
        yield f"- and {len(red) - MAX_NAMES} more" if len(red) > MAX_NAMES else ""
        yield "\nTheir stories: [broken on purpose](../mutants.md), [deployments of others](../foreign.md)."


def plain(text: str) -> str:
    """Return a sentence that may have Markdown's own characters in it, as it is to be read."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(one if one.startswith("`") else escaped(one) for one in parts)


def escaped(text: str) -> str:
    return re.sub(r"([\\*_{}\[\]#])", r"\\\1", html.escape(text, quote=False))
