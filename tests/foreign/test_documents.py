"""The lines to write that docs/setup-*.md show, run as they stand there but for names, ports and files."""

import re
import shlex
import shutil

import pytest
import yaml

from behindproxy.stack.paths import ROOT

from .entry import Entry, made
from .run import HOME, of
from .serving import Missing, Ports, Servers, certificate, check

DOCUMENTED = HOME.with_name("foreign-documents")
BLOCK = re.compile(r"(?m)^```(\w+)[^\n]*\n(.*?)^```", re.DOTALL)
CADDY = """{
	admin off
	persist_config off
	auto_https off
	default_bind 127.0.0.1
	servers {
		protocols h1 h2
	}
}
http://localhost:@HTTP@ SITE
https://localhost:@TLS@ SITE"""
SERVICE = """
[[tls.certificates]]
certFile = "@CERT@"
keyFile = "@CERT@"
[http.services.shop.loadBalancer]
[[http.services.shop.loadBalancer.servers]]
url = "http://127.0.0.1:@APP@"
"""


def blocks(name: str) -> dict[str, list[str]]:
    """The page's blocks, by their language."""
    found: dict[str, list[str]] = {}
    for language, text in BLOCK.findall((ROOT / "docs" / f"setup-{name}.md").read_text()):
        found.setdefault(language, []).append(text)
    return found


def server(command: list[str]) -> str:
    """The page's command line, at a port of the test's."""
    line = shlex.join(command)
    assert re.search(r"--host \S+ --port 8000 ", line), line
    line = re.sub(r"--host \S+ --port 8000 ", "", line).replace("main:app", "@MODULE@")
    return f"{line.replace('172.30.50.10', '127.0.0.1')} --no-server-header"


def local(text: str) -> str:
    for pattern, new in (
        (r"api\.example\.com(?!\.(pem|key))", "localhost"),
        (r"/etc/\w+/api\.example\.com\.(pem|key)", "@CERT@"),
        (r"127\.0\.0\.1:8000", "127.0.0.1:@APP@"),
        (r"(?m)^(\s*(?:listen|bind) ):?80\b", r"\g<1>127.0.0.1:@HTTP@"),
        (r"(?m)^(\s*(?:listen|bind) ):?443\b", r"\g<1>127.0.0.1:@TLS@"),
    ):
        text = re.sub(pattern, new, text)
    return text


def entry(name: str) -> Entry:
    shown = blocks(name)
    row = {"name": name, "title": name, "source": f"docs/setup-{name}.md", "proxy": name}
    if name == "traefik":
        service = yaml.safe_load(shown["yaml"][0])["services"]["app"]
        labels = "\n".join(
            one for one in service["labels"] if not re.search(r"\.enable=|\.loadbalancer\.server\.", one)
        )
        row |= {
            "labels": local(f"{labels}\ntraefik.http.routers.shop.service=shop"),
            "static": f'[entryPoints.websecure]\naddress = "127.0.0.1:@TLS@"\n{shown["toml"][0]}',
            "config": SERVICE,
            "server": server(service["command"]),
        }
    else:
        [command] = [line[2:] for line in shown["console"][0].splitlines() if "uvicorn main:app" in line]
        language = {"caddy": "caddyfile"}.get(name, name)
        config = local(shown[language][0])
        if name == "caddy":
            site = config.removeprefix("localhost ")
            config = CADDY.replace("SITE", site, 1).replace(
                "SITE", site.replace("{", "{\n\ttls @CERT@ @CERT@", 1)
            )
        row |= {"config": config, "server": server(shlex.split(command))}
    return made("documents", row | {"right": True, "direct": True}).probed


@pytest.fixture(scope="module")
def bed():
    shutil.rmtree(DOCUMENTED, ignore_errors=True)
    ports = Ports()
    texts = certificate(DOCUMENTED)
    servers = Servers(ENTRIES, ports, DOCUMENTED)
    yield servers, ports, texts
    servers.close()
    shutil.rmtree(DOCUMENTED, ignore_errors=True)


ENTRIES = [entry(name) for name in ("nginx", "caddy", "haproxy", "traefik")]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.proxy)
def test_the_lines_of_a_page_are_right(entry, bed):
    try:
        check(entry)
    except Missing as missing:
        pytest.skip(str(missing))
    verdict = of(entry, *bed, DOCUMENTED / entry.proxy)
    assert verdict.good, "; ".join(verdict.words)
