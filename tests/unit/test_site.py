"""docs/ as a site (`make site`): built strictly, without a network; its links hold, nothing comes from
another host, and each check has a page with what `verify --explain` prints."""

import os
import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
import yaml

from behindproxy.stack.paths import ROOT
from behindproxy.verify import explanation
from tests import tables

DOCS = ROOT / "docs"
CONFIG = DOCS / "site" / "mkdocs.yml"
# Each of them would be an address that is not there: nothing answers at the discard port.
NO_NETWORK = {f"{name}_proxy": "http://127.0.0.1:9" for name in ("http", "https", "all")}
LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "srcset", "video": "src", "object": "data"}
GENERATED = ("applications.md", "claims.md", "foreign.md", "mutants.md", "troubleshooting.md")
LINK_LOADS = {"stylesheet", "icon", "preload", "prefetch", "preconnect", "dns-prefetch", "manifest"}


class Read(HTMLParser):
    """What a page loads, where it leads, and which anchors and texts it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        values = {name: value or "" for name, value in attrs}
        if id := values.get("id"):
            self.anchors.add(id)
        if tag in LOADS and values.get(LOADS[tag]):
            self.loads.append(values[LOADS[tag]])
        if tag == "link" and LINK_LOADS & set(values.get("rel", "").split()):
            self.loads.append(values.get("href", ""))
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def checks() -> list[dict]:
    return tables.checks()


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    if not find_spec("material"):
        pytest.skip("mkdocs-material is not installed: src/behindproxy/make/environment.sh site")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(CONFIG), "-d", str(folder)]
    environ = (
        os.environ | NO_NETWORK | {"PYTHONPATH": str(ROOT / "src"), "SITE_REPOSITORY": "https://host/us/it"}
    )
    process = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site) -> dict[str, Read]:
    return {path.relative_to(site).as_posix(): Read(path.read_text()) for path in site.rglob("*.html")}


def test_nothing_is_loaded_from_another_host(site, pages):
    loads = {load for page in pages.values() for load in page.loads}
    assert loads and not [load for load in loads if urlsplit(load).netloc]
    for sheet in site.rglob("*.css"):
        outside = re.findall(r"url\(\s*[\"']?(?:https?:)?//[^)]*|@import[^;]*", sheet.read_text())
        assert not outside, sheet.name
    # With it the theme's script sends a request to the code host.
    assert not [path for path in site.rglob("*.html") if 'data-md-component="source"' in path.read_text()]
    # With it the same script loads a library from a CDN.
    assert not [path for path in site.rglob("*.html") if 'class="mermaid"' in path.read_text()]


def test_each_link_leads_somewhere(site, pages):
    broken = []
    for name, page in pages.items():
        if name == "404.html":
            continue
        for link in page.links:
            path, fragment = urldefrag(link)
            parts = urlsplit(path)
            if parts.scheme in ("http", "https"):
                continue
            assert not parts.scheme and not parts.netloc, (name, link)
            target = (
                os.path.normpath(os.path.join(os.path.dirname(name), unquote(parts.path))) if path else name
            )
            if target.endswith(".html") and fragment and target in pages:
                exists = unquote(fragment) in pages[target].anchors
            else:
                exists = (site / target).exists()
            if not exists:
                broken.append((name, link))
    assert not broken


def test_what_is_not_in_docs_is_a_link_to_the_repository(pages):
    outside = {
        link for page in pages.values() for link in page.links if link.startswith("https://host/us/it/")
    }
    files = [link.removeprefix("https://host/us/it/").partition("/main/")[::2] for link in outside]
    assert files
    for kind, path in files:
        place = ROOT / path.partition("#")[0]
        assert place.is_dir() if kind == "tree" else place.is_file(), path


def test_each_check_has_a_page_with_what_explain_prints(checks, pages):
    links = pages["checks/index.html"].links
    for check in checks:
        text = squeezed("".join(pages[f"checks/{check['id']}.html"].texts))
        assert [row for row in explanation(check).values() if squeezed(row) not in text] == [], check["id"]
        assert f"{check['id']}.html" in links


def squeezed(text: str) -> str:
    """Without spaces and the marks of code, which a page shows as a typeface."""
    return re.sub(r"[\s`]+", "", unescape(text))


def test_a_name_of_a_check_leads_to_its_page(pages):
    assert "checks/redirect.keeps_prefix.html" in pages["redirects-to-http.html"].links


def test_what_a_page_names_like_a_check_is_one(checks):
    """But for the pages that tests write, which have names of their own."""
    ids = {check["id"] for check in checks}
    groups = {id.partition(".")[0] for id in ids} - {"request"}  # Starlette's: request.url
    for path in sorted(DOCS.glob("*.md")):
        if path.name in GENERATED:
            continue
        names = re.findall(r"`(([a-z0-9]+)\.(?!yaml|toml|py)[a-z0-9_]+)`", path.read_text())
        assert {name for name, group in names if group in groups} <= ids, path.name


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_a_link_holds_in_the_repository_too(path):
    for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)", path.read_text()):
        if not urlsplit(link).scheme:
            assert (path.parent / link).exists(), link


def test_each_page_is_in_the_navigation():
    text = re.sub(r"!\S+", "", CONFIG.read_text())
    names = set(re.findall(r": ([\w-]+\.md)", str(yaml.safe_load(text)["nav"]).replace("'", "")))
    assert names == {path.name for path in DOCS.glob("*.md")}
