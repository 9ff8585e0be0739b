"""`behindproxy manual`: the pages of docs/ that messages name, for who has the tool and no clone."""

import re

from behindproxy.stack.paths import PLACES, SOURCE

from . import __version__

PAGES = SOURCE.parent / "docs" if SOURCE.name == "src" else SOURCE / "behindproxy" / "pages"
# A file of this repository, or another page: the words stay.
_LINK = re.compile(r"!?\[([^\]]*)\]\((?!https?:)[^)\s]*\)")


def listed() -> dict[str, str]:
    """Return the title of each page."""
    titles = {}
    for path in sorted(PAGES.glob("*.md")):
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        titles[path.stem] = first.removeprefix("# ")
    return titles


def text(page: str) -> str:
    """Return a page with the commands and files of the project. Raise SystemExit where there is none."""
    titles = listed()
    if page not in titles:
        raise SystemExit(f"{page}: no such page; there are {', '.join(titles)}")
    content = _LINK.sub(r"\1", (PAGES / f"{page}.md").read_text(encoding="utf-8"))
    return f"docs/{page}.md of behindproxy {__version__}\n\n{PLACES.named(content)}"
