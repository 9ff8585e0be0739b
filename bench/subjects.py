"""What is measured: this project's stack as `make up` starts it, and the others beside it."""

import os
import shutil
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from string import Template

import psutil
from tests.checkout import Checkout, free_block, wait_for
from tests.proxies import __main__ as proxies

from behindproxy.stack.native import MARK
from behindproxy.stack.paths import BUILD, VENV

FOLDER = BUILD / "bench"
PREFIX = "/api/v1"
FASTAPI = str(VENV / "bin" / "fastapi")


@dataclass
class Running:
    """`urls` by entrypoint. `parts` are the processes whose time is counted, by name."""

    urls: dict[str, str]
    parts: Callable[[], dict[str, list[psutil.Process]]]

    def seconds(self) -> dict[str, float]:
        """The processor time that each part has used since it began."""
        return {
            name: sum(sum(p.cpu_times()[:2]) for p in processes) for name, processes in self.parts().items()
        }

    def memory(self) -> dict[str, int]:
        """The bytes that each part holds for itself; what processes share is counted in parts."""
        return {
            name: sum(p.memory_full_info().pss for p in processes) for name, processes in self.parts().items()
        }


@contextmanager
def ours(
    name: str,
    patches: dict[str, tuple[str, str]] | None = None,
    runtime: str = "native",
    subnet: str = "",
    **settings: object,
) -> Iterator[Running]:
    """`make up` in a copy of this checkout. `patches` are replacements by file, for what no setting is."""
    copy = Checkout(FOLDER / name, runtime)
    if subnet:
        settings["SUBNET"] = subnet
    copy.fill()
    for file, (find, replace) in (patches or {}).items():
        text = (copy.path / file).read_text()
        if find not in text:
            raise ValueError(f"{file} has no {find!r}")
        (copy.path / file).write_text(text.replace(find, replace))
    code, output = copy.make("up", **settings)
    if code:
        raise RuntimeError(output)
    # An engine may be in a virtual machine or a namespace of its own, where no process is seen.
    parts = dict if runtime == "docker" else partial(_native, copy.path)
    try:
        yield Running(
            {
                "http": f"http://127.0.0.1:{copy.http}{PREFIX}",
                "https": f"https://127.0.0.1:{copy.https}{PREFIX}",
                "direct": f"http://127.0.0.1:{copy.direct}",
            },
            parts,
        )
    finally:
        copy.make("clean" if runtime == "docker" else "down")
        shutil.rmtree(copy.path, ignore_errors=True)


def _native(path: Path) -> dict[str, list[psutil.Process]]:
    found: dict[str, list[psutil.Process]] = {"proxy": [], "app": [], "keeper": []}
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) != str(path / "build" / "native"):
                continue
            command = " ".join(process.cmdline())
        except psutil.Error:
            continue
        keeps = "supervisord" in command or "behindproxy.stack.trim" in command
        found["keeper" if keeps else "proxy" if "/traefik " in command else "app"].append(process)
    return found


PAGE = """
from fastapi import FastAPI, Request

app = FastAPI()


@app.get("{path}")
def read_main(request: Request):
    return {{"message": "Hello World", "root_path": request.scope.get("root_path")}}
"""


@contextmanager
def document() -> Iterator[Running]:
    """What FastAPI's "Behind a Proxy" has its reader run: `fastapi run`, and Traefik with two files."""
    folder, port = _folder("document"), free_block(2)
    (folder / "main.py").write_text(PAGE.format(path="/app"))
    routes = _routes(f"PathPrefix(`{PREFIX}`)", port + 1, strip=True)
    server = [
        FASTAPI,
        "run",
        str(folder / "main.py"),
        "--host",
        "127.0.0.1",
        "--port",
        str(port + 1),
        "--forwarded-allow-ips=*",
        "--root-path",
        PREFIX,
    ]
    with (
        _started(folder, "app", server, port + 1) as app,
        _started(folder, "proxy", _traefik(folder, routes, http=port), port) as proxy,
    ):
        yield _running(
            app, proxy, http=f"http://127.0.0.1:{port}{PREFIX}", direct=f"http://127.0.0.1:{port + 1}"
        )


@contextmanager
def template() -> Iterator[Running]:
    """The full-stack template's server command, and Traefik with what its labels and flags say: a
    router by host name, no stripping (its API has the prefix itself), the access log on."""
    folder, port = _folder("template"), free_block(2)
    (folder / "main.py").write_text(PAGE.format(path=f"{PREFIX}/app"))
    routes = _routes("Host(`127.0.0.1`)", port + 1, strip=False)
    server = [
        FASTAPI,
        "run",
        "--host",
        "127.0.0.1",
        "--port",
        str(port + 1),
        "--workers",
        "4",
        str(folder / "main.py"),
    ]
    traefik = _traefik(folder, routes, "[log]\n[accessLog]", http=port)
    with _started(folder, "app", server, port + 1) as app, _started(folder, "proxy", traefik, port) as proxy:
        yield _running(
            app, proxy, http=f"http://127.0.0.1:{port}{PREFIX}", direct=f"http://127.0.0.1:{port + 1}{PREFIX}"
        )


@contextmanager
def beside(name: str) -> Iterator[Running]:
    """Another proxy doing Traefik's job here, in front of the same application: nginx and caddy as
    deploy/ has them, haproxy, and Traefik with its defaults."""
    folder = _folder(name)
    settings = proxies.deployment(folder)
    command, environ = {
        "nginx": proxies.nginx,
        "caddy": proxies.caddy,
        "haproxy": _haproxy,
        "traefik": _defaults,
    }[name](folder, settings)
    ports = [settings["HTTP_PORT"], settings["HTTPS_PORT"]]
    with (
        proxies.application(folder, settings) as app,
        proxies.started(command, folder / f"{name}.log", environ, ports) as proxy,
    ):
        yield _running(
            app,
            proxy,
            http=f"http://127.0.0.1:{ports[0]}{PREFIX}",
            https=f"https://127.0.0.1:{ports[1]}{PREFIX}",
            direct=f"http://{settings['APP_ADDRESS']}",
        )


def _haproxy(folder: Path, settings: dict[str, str]) -> tuple[list[str], dict]:
    text = Template((Path(__file__).with_name("haproxy.cfg")).read_text()).safe_substitute(settings)
    (folder / "haproxy.cfg").write_text(text)
    return [proxies.binary("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")], {}


def _defaults(folder: Path, settings: dict[str, str]) -> tuple[list[str], dict]:
    rule = f"(Host(`localhost`) || Host(`127.0.0.1`)) && (Path(`{PREFIX}`) || PathPrefix(`{PREFIX}/`))"
    routes = _routes(rule, int(settings["APP_PORT"]), strip=True)
    return _traefik(folder, routes, http=settings["HTTP_PORT"], https=settings["HTTPS_PORT"]), {}


def _routes(rule: str, port: int, strip: bool) -> str:
    return textwrap.dedent(f"""
        [http.routers.app]
        entryPoints = ["http"]
        rule = "{rule}"
        service = "app"
        {'middlewares = ["strip"]' if strip else ""}
        {f'[http.middlewares.strip.stripPrefix]{chr(10)}prefixes = ["{PREFIX}"]' if strip else ""}
        [[http.services.app.loadBalancer.servers]]
        url = "http://127.0.0.1:{port}"
    """)


def _traefik(folder: Path, routes: str, more: str = "", **ports: object) -> list[str]:
    """The command, after its files: an entrypoint for each of `ports`, and defaults otherwise."""
    points = "".join(f'[entryPoints.{name}]\naddress = "127.0.0.1:{port}"\n' for name, port in ports.items())
    # In a folder of their own: Traefik watches the one that its routes are in, and logs wake it.
    own = folder / "traefik"
    own.mkdir()
    (own / "routes.toml").write_text(routes)
    static = own / "traefik.toml"
    static.write_text(f'{points}[providers.file]\nfilename = "{own}/routes.toml"\n{more}\n')
    return [str(VENV / "bin" / "traefik"), f"--configFile={static}"]


def _folder(name: str) -> Path:
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _started(folder: Path, part: str, command: list[str], port: int):
    return proxies.started(command, folder / f"{part}.log", {}, [str(port)])


def _running(app: subprocess.Popen, proxy: subprocess.Popen, /, **urls: str) -> Running:
    """Once the proxy passes requests on."""
    probe = ["curl", "-sf", "--noproxy", "*", "-o", os.devnull, f"{urls['http']}/app"]
    wait_for(lambda: subprocess.run(probe).returncode == 0, 30)

    def parts() -> dict[str, list[psutil.Process]]:
        return {
            part: [psutil.Process(p.pid), *psutil.Process(p.pid).children(recursive=True)]
            for part, p in (("proxy", proxy), ("app", app))
        }

    return Running(urls, parts)
