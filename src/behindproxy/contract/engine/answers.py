"""What a response shows: addresses, links, files that a page needs, sockets and requests of its scripts."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from urllib.parse import SplitResult, parse_qsl, urljoin, urlsplit

import httpx

URL = re.compile(r"""(?:https?|wss?)://[^\s"'<>\\^`{|}\])]+""")
# Whatever a text holds, each of these reads it once: none starts over where it gave up before.
LINK_HEADER = re.compile(r"<([^<>]*)>")
REDIRECTS = (301, 302, 303, 307, 308)
# In a script: the first literal of a call; what is put together before it is the page's own address.
CALL = r"new\s+{}\s*\(([^;]{{0,300}})"
REQUEST_CALL = re.compile(
    r"""\b(?:fetch|axios(?:\.get)?|\.open\(\s*["']GET["'],|new\s+EventSource)\s*(?:\(\s*)?["'`]([^"'`$\s]+)["'`]"""
)
MAX_CALLS = 20  # of a script
# Of a template: an address that is written out keeps it, for it may be another host's.
ORIGIN = re.compile(r"^(?:(?:[a-z]+|\$\{[^}]*\})://[^/]*\$\{[^/]*|\$\{[^}]*\}(?=/))")
PARAMETER = re.compile(r"\$\{[^}]*\}")
PATH = re.compile(r"[\w-]/|/[\w-]")
LITERAL = re.compile(r"""["'`]([^"'`]*)["'`]""")
# Of a module that stands in the page; a bare name is a package's.
IMPORT = re.compile(r"""\bimport\s*(?:[\w$*{}\s,]{1,200}?\bfrom\s*)?["'](\.{0,2}/[^"'\s]+)["']""")
ASSETS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
STYLES = {"stylesheet", "icon", "shortcut", "apple-touch-icon", "manifest", "modulepreload", "preload"}


@dataclass
class Page:
    """What a page leads to, each as it stands there; `base` is its <base href>."""

    links: list[str] = field(default_factory=list)
    assets: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)  # their text
    base: str = ""

    def resolve(self, at: str, link: str) -> str:
        """Return the address of a link of the page that was shown at the address `at`."""
        url = resolved(resolved(at, self.base), link)
        return url if parseable(url) else ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page, self.in_script = Page(), False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        if tag == "base" and values.get("href"):
            self.page.base = values["href"]
        if tag in ASSETS and values.get(ASSETS[tag]):
            is_asset = tag != "link" or bool(STYLES & set(values.get("rel", "").lower().split()))
            (self.page.assets if is_asset else self.page.links).append(values[ASSETS[tag]])
        if tag in ("a", "area") and values.get("href"):
            self.page.links.append(values["href"])
        if tag == "form" and values.get("action") and values.get("method", "get").lower() == "get":
            self.page.links.append(values["action"])
        self.in_script = tag == "script" and "src" not in values

    def handle_endtag(self, tag: str) -> None:
        self.in_script = self.in_script and tag != "script"

    def handle_data(self, data: str) -> None:
        if self.in_script:
            self.page.scripts.append(data)
            self.page.assets += IMPORT.findall(data)


def page_of(html: str) -> Page:
    """Read a page; what cannot be read is left out."""
    reader = _Reader()
    try:
        reader.feed(html)  # without close(), which takes minutes for a page of comments that stay open
    except (AssertionError, ValueError):  # html.parser's own, at a malformed declaration
        pass
    return reader.page


def urls(headers: Mapping[str, str], text: str, nested: bool = True) -> list[str]:
    """Return each absolute URL of a response: in Location, Link and the body, and, with `nested`, in a
    query of those (an OAuth `redirect_uri`)."""
    candidates = [headers.get("location", ""), *LINK_HEADER.findall(headers.get("link", ""))]
    kind = headers.get("content-type", "")
    body = text.replace("\\/", "/") if "json" in kind else unescape(text) if "html" in kind else text
    candidates += [url.rstrip(".,;:") for url in URL.findall(body)]
    absolute = [url for url in candidates if URL.match(url)]
    if nested:
        for url in [*absolute, *(one for one in candidates if "?" in one)]:
            absolute += [value for _, value in parse_qsl(parts(url).query) if URL.match(value)]
    return [url for url in dict.fromkeys(absolute) if parseable(url)]


def resolved(at: str, location: str) -> str:
    """Return where a Location of the response at `at` leads; one that is not a URL is returned unchanged."""
    try:
        return urljoin(at, location)
    except ValueError:
        return location


def parts(url: str) -> SplitResult:
    """Split a URL; one that cannot be read is a path and nothing else."""
    return urlsplit(url) if parseable(url) else SplitResult("", "", url, "", "")


def parseable(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:  # a port above 65535, a bracket that stays open
        return False


def sockets(scripts: Iterable[str]) -> list[str]:
    """Return the paths that scripts open a WebSocket at, as they stand there."""
    return _opened("WebSocket", scripts)


def streams(scripts: Iterable[str]) -> list[str]:
    """Return the paths that scripts open an event stream at, as they stand there."""
    return _opened("EventSource", scripts)


def _opened(name: str, scripts: Iterable[str]) -> list[str]:
    paths = []
    for script in scripts:
        for call in re.findall(CALL.format(name), script)[:MAX_CALLS]:
            # The address, or the variable that has it: `const url = new URL("/ws", location)`.
            variable = re.match(r"\s*(\w+)\s*[,).]", call)
            assignment = re.search(rf"\b{variable[1]}\s*=\s*([^;\n]{{1,300}})", script) if variable else None
            literals = [
                one for one in LITERAL.findall(assignment[1] if assignment else call) if PATH.search(one)
            ]
            if literals:
                paths.append(PARAMETER.sub("1", ORIGIN.sub("", literals[-1])) or "/")
    return list(dict.fromkeys(paths))


def requests(scripts: Iterable[str]) -> list[str]:
    """Return the paths that scripts send a GET request to, as they stand there."""
    return list(dict.fromkeys(path for script in scripts for path in REQUEST_CALL.findall(script)))


def deleted(line: str) -> bool:
    """Say whether a Set-Cookie line removes a cookie: that is no cookie."""
    return bool(re.search(r"max-age=0\b|expires=thu, 0?1[- ]jan[- ]19?70", line, re.IGNORECASE))


def cookies(headers: httpx.Headers) -> list[str]:
    """Return the Set-Cookie lines that set one."""
    return [line for line in headers.get_list("set-cookie") if not deleted(line)]
