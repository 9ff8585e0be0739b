"""The four proxies: the files that an entry's configuration makes, and when each is ready."""

import json
import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import tomli_w

from .entry import Entry, fill
from .serving import HOST, binary, listening, started

# On a port of its own, where nothing of the deployment is.
OPERATIONS = """
[api]
insecure = true
dashboard = false
[entryPoints.traefik]
address = "127.0.0.1:@OPS@"
"""


@contextmanager
def proxied(entry: Entry, home: Path, texts: dict[str, str]) -> Iterator[None]:
    """The entry's proxy, until the block ends."""
    start = {"nginx": nginx, "caddy": caddy, "haproxy": haproxy, "traefik": traefik}[entry.proxy]
    command = start(entry, home, texts)
    ports = [texts[name] for name in ("HTTP", "TLS") if uses(entry, name)]

    def ready() -> bool:
        return all(map(listening, ports)) and (entry.proxy != "traefik" or routed(texts))

    # Caddy keeps its state in the home folder.
    own = {"HOME": str(home), "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    with started([binary(command[0]), *command[1:]], home, ready, own):
        yield


def uses(entry: Entry, name: str) -> bool:
    return f"@{name}@" in entry.config + entry.static


def nginx(entry: Entry, home: Path, texts: dict[str, str]) -> list[str]:
    user = "user root;" if os.geteuid() == 0 else ""  # nobody may not enter somebody's checkout
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    own = "\n".join(f"{kind}_temp_path {kind};" for kind in kinds)
    (home / "nginx.conf").write_text(
        f"daemon off; pid nginx.pid; {user}\nevents {{}}\nhttp {{\n{own}\naccess_log access.log;\n"
        f"ssl_certificate {texts['CERT']}; ssl_certificate_key {texts['CERT']};\n"
        f"types {{ text/html html; text/css css; text/javascript js; }}\n{fill(entry.config, texts)}\n}}\n"
    )
    return ["nginx", "-e", "stderr", "-p", f"{home}/", "-c", "nginx.conf"]


def caddy(entry: Entry, home: Path, texts: dict[str, str]) -> list[str]:
    (home / "Caddyfile").write_text(fill(entry.config, texts))
    return ["caddy", "run", "--config", str(home / "Caddyfile"), "--adapter", "caddyfile"]


def haproxy(entry: Entry, home: Path, texts: dict[str, str]) -> list[str]:
    (home / "haproxy.cfg").write_text(fill(entry.config, texts))
    return ["haproxy", "-db", "-f", str(home / "haproxy.cfg")]


def traefik(entry: Entry, home: Path, texts: dict[str, str]) -> list[str]:
    dynamic = fill(entry.config, texts)
    if entry.labels:
        own = tomllib.loads(dynamic)
        dynamic = tomli_w.dumps(merged(own, from_labels(fill(entry.labels, texts).split("\n"))))
    (home / "dynamic.toml").write_text(dynamic)
    static = f'[providers.file]\nfilename = "{home / "dynamic.toml"}"\n{OPERATIONS}{entry.static}'
    (home / "traefik.toml").write_text(fill(static, texts))
    return ["traefik", f"--configFile={home / 'traefik.toml'}"]


def from_labels(labels: list[str]) -> dict:
    """Return what the Docker provider makes of labels, for the file provider: the same names, as a tree."""
    tree: dict = {}
    for label in filter(None, map(str.strip, labels)):
        name, _, value = label.partition("=")
        *path, last = name.removeprefix("traefik.").split(".")
        place = tree
        for part in path:
            place = place.setdefault(part, {})
        place[last] = (
            value.split(",") if last.lower() in ("entrypoints", "middlewares", "prefixes") else value
        )
    return tree


def merged(one: dict, other: dict) -> dict:
    """Return both trees as one; names are compared as Traefik does, whatever their case."""
    result = dict(one)
    for name, value in other.items():
        same = next((own for own in result if own.lower() == name.lower()), name)
        own = result.get(same)
        result[same] = merged(own, value) if isinstance(own, dict) and isinstance(value, dict) else value
    return result


def routed(texts: dict[str, str]) -> bool:
    """Whether Traefik has taken its routes: it listens before."""
    try:
        with urlopen(f"http://{HOST}:{texts['OPS']}/api/http/routers", timeout=1) as answer:
            return any(router["provider"] == "file" for router in json.load(answer))
    except OSError:
        return False
