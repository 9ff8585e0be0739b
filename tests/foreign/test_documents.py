"""The lines to write that docs/setup-*.md show, run as they stand there but for names, ports and files."""

import http.client
import json
import re
import shlex
import shutil
import socket
from dataclasses import replace

import pytest
import yaml

from behindproxy.stack.paths import ROOT

from .entry import Entry, made
from .proxy import proxied
from .run import HOME, of
from .serving import HOST, Missing, Ports, Servers, certificate, check

DOCUMENTED = HOME.with_name("foreign-documents")
BLOCK = re.compile(r"(?m)^```(\w+)[^\n]*\n(.*?)^```", re.DOTALL)
BALANCER, SOMEBODY = "127.0.0.5", "127.0.0.6"
# What a balancer appends to, and what it says of the scheme.
INVENTED, CLIENT = "6.6.6.6", "198.51.100.7"
HEADERS = {"Host": "localhost", "X-Forwarded-For": f"{INVENTED}, {CLIENT}", "X-Forwarded-Proto": "https"}
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
    result: dict[str, list[str]] = {}
    for language, text in BLOCK.findall((ROOT / "docs" / f"setup-{name}.md").read_text()):
        result.setdefault(language, []).append(text)
    return result


def server(command: list[str]) -> str:
    """The page's command line, on a port of the test's."""
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
    example = blocks(name)
    row = {"name": name, "title": name, "source": f"docs/setup-{name}.md", "proxy": name}
    if name == "traefik":
        service = yaml.safe_load(example["yaml"][0])["services"]["app"]
        labels = "\n".join(
            one for one in service["labels"] if not re.search(r"\.enable=|\.loadbalancer\.server\.", one)
        )
        row |= {
            "labels": local(f"{labels}\ntraefik.http.routers.shop.service=shop"),
            "static": f'[entryPoints.websecure]\naddress = "127.0.0.1:@TLS@"\n{example["toml"][0]}',
            "config": SERVICE,
            "server": server(service["command"]),
        }
    else:
        [command] = [line[2:] for line in example["console"][0].splitlines() if "uvicorn main:app" in line]
        language = {"caddy": "caddyfile"}.get(name, name)
        config = local(example[language][0])
        if name == "caddy":
            site = config.removeprefix("localhost ")
            config = CADDY.replace("SITE", site, 1).replace(
                "SITE", site.replace("{", "{\n\ttls @CERT@ @CERT@", 1)
            )
        row |= {"config": config, "server": server(shlex.split(command))}
    return made("documents", row | {"right": True, "direct": True}).probed


def behind_a_balancer(entry: Entry) -> Entry:
    """The same, with the lines of docs/setup-cloud.md, where the balancer calls plain http."""
    example, name = blocks("cloud"), entry.proxy
    [command] = [line[2:] for line in example["console"][0].splitlines()]
    config, static = entry.config, entry.static
    if name == "nginx":
        config = example["nginx"][0] + config.replace("Proto $scheme;", "Proto $public_scheme;")
    elif name == "caddy":
        config = config.replace("servers {", example["caddyfile"][0].rstrip().removesuffix("}"), 1)
    elif name == "haproxy":
        lines = r"(?m)^  http-request set-header X-Forwarded-(For|Proto) .*\n"
        assert len(re.findall(lines, config)) == 3
        config = re.sub(lines, "", config).replace("  acl ours", example["haproxy"][0] + "  acl ours", 1)
    else:
        static = static.replace("@TLS@", "@HTTP@") + example["toml"][0]
        entry = replace(entry, labels=entry.labels.replace("traefik.http.routers.shop.tls=true\n", ""))
    near = f"{BALANCER}/32"
    return replace(
        entry,
        config=config.replace("10.0.1.0/24", near),
        static=static.replace("10.0.1.0/24", near),
        server=server(shlex.split(command)).replace("10.0.1.0/24", near),
    )


@pytest.fixture(scope="module")
def bed():
    shutil.rmtree(DOCUMENTED, ignore_errors=True)
    ports = Ports()
    texts = certificate(DOCUMENTED)
    servers = Servers([*ENTRIES, *map(behind_a_balancer, ENTRIES)], ports, DOCUMENTED)
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


def seen(port: str, caller: str) -> tuple[str, str]:
    """The client and the scheme that the application sees when `caller` says what a balancer would."""
    connection = http.client.HTTPConnection(HOST, int(port), timeout=10, source_address=(caller, 0))
    connection.request("GET", "/shop/_probe/x", headers=HEADERS)
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status == 200, text
    scope = json.loads(text)
    return scope["client"][0], scope["scheme"]


@pytest.mark.parametrize(
    "entry", [behind_a_balancer(entry) for entry in ENTRIES], ids=lambda entry: entry.proxy
)
def test_a_balancer_is_trusted_and_nobody_else(entry, bed):
    servers, ports, texts = bed
    try:
        check(entry)
        socket.create_server((BALANCER, 0)).close()
    except (Missing, OSError) as missing:
        pytest.skip(str(missing))
    home = DOCUMENTED / f"{entry.proxy}-behind"
    home.mkdir(parents=True)
    with servers.of(entry) as app:
        own = {"APP": app, "PREFIX": "/shop", "HTTP": ports(), "TLS": ports(), "OPS": ports()}
        with proxied(entry, home, texts | own):
            assert seen(own["HTTP"], BALANCER) == (CLIENT, "https")
            assert seen(own["HTTP"], SOMEBODY) == (SOMEBODY, "http")
