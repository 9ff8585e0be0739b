"""What is measured: this project's stack as `make up` starts it, and the others beside it."""

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from string import Template

import httpx
import psutil
from tests.checkout import Checkout, docker, free_block, wait_for
from tests.proxies import __main__ as proxies

from behindproxy.stack.native import MARK
from behindproxy.stack.paths import BUILD, ROOT, VENV

FOLDER = BUILD / "bench"
PREFIX = "/api/v1"
FASTAPI = str(VENV / "bin" / "fastapi")


@dataclass
class Running:
    """`urls` by entrypoint. `parts` are the processes whose time is counted, by name."""

    urls: dict[str, str]
    parts: Callable[[], dict[str, list[psutil.Process]]]
    ops: int = 0  # the port of Traefik's own pages, where it is published

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


@dataclass
class InContainers(Running):
    """`containers` by part. An engine may be in a virtual machine, where no process is seen: it tells itself
    what each has used."""

    containers: dict[str, list[str]] = field(default_factory=dict)

    def seconds(self) -> dict[str, float]:
        with _engine() as engine:
            return {part: sum(_used(engine, one) for one in ids) for part, ids in self.containers.items()}


def _engine() -> httpx.Client:
    address = docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    socket = address.removeprefix("unix://")
    return httpx.Client(transport=httpx.HTTPTransport(uds=socket), base_url="http://engine", timeout=30)


def _used(engine: httpx.Client, container: str) -> float:
    """Docker's API: GET /containers/{id}/stats, nanoseconds."""
    answer = engine.get(f"/containers/{container}/stats", params={"stream": False, "one-shot": True})
    answer.raise_for_status()
    return answer.json()["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9


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
    published = {
        "http": f"http://127.0.0.1:{copy.http}{PREFIX}",
        "https": f"https://127.0.0.1:{copy.https}{PREFIX}",
        "direct": f"http://127.0.0.1:{copy.direct}",
    }
    try:
        if runtime == "docker":
            parts = {"proxy": copy.containers("traefik"), "app": _replicas(copy)}
            yield InContainers(published | _inside(copy), dict, copy.ops, parts)
        else:
            yield Running(published, partial(_native, copy.path), copy.ops)
    finally:
        copy.make("clean" if runtime == "docker" else "down")
        shutil.rmtree(copy.path, ignore_errors=True)


def _replicas(copy: Checkout) -> list[str]:
    return [one for one in copy.containers() if one not in copy.containers("traefik")]


def _inside(copy: Checkout) -> dict[str, str]:
    """The addresses that the containers themselves have: no published port on the way."""
    name = copy.environ["COMPOSE_PROJECT_NAME"]

    def address(service: str, network: str) -> str:
        template = f'{{{{(index .NetworkSettings.Networks "{name}_{network}").IPAddress}}}}'
        return docker("inspect", "--format", template, copy.containers(service)[0])

    return {
        "http inside": f"http://{address('traefik', 'edge')}:9999{PREFIX}",
        "direct inside": f"http://{address('app', 'direct')}:8000",
    }


def _native(path: Path) -> dict[str, list[psutil.Process]]:
    processes: dict[str, list[psutil.Process]] = {"proxy": [], "app": [], "keeper": []}
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) != str(path / "build" / "native"):
                continue
            command = " ".join(process.cmdline())
        except psutil.Error:
            continue
        keeps = "supervisord" in command or "behindproxy.stack.trim" in command
        processes["keeper" if keeps else "proxy" if "/traefik " in command else "app"].append(process)
    return processes


# The demonstration's route alone, as the documentation writes it and without a thread for each request.
ROUTE = """
from fastapi import FastAPI, Request

app = FastAPI()


@app.get("/app")
async def read_main(request: Request):
    return {"message": "Hello World", "root_path": request.scope.get("root_path")}
"""


@contextmanager
def bare(*options: str, app: str = "main:app") -> Iterator[Running]:
    """Uvicorn with `options` and the route alone: nothing of this project round it."""
    folder, port = _folder(f"bare{app}{''.join(options)}"), free_block(1)
    (folder / "main.py").write_text(ROUTE)
    uvicorn = [sys.executable, "-m", "uvicorn", app, "--app-dir", str(folder)]
    command = [*uvicorn, "--port", str(port), "--root-path", PREFIX, *options]
    environ = {
        "APP_MODULE": "main:app",
        "PROBE": "0",
        "PYTHONPATH": str(ROOT / "src"),
        "RUN_DIR": str(folder),
    }
    with _started(folder, "app", command, port, environ) as process:
        yield _running({"app": process}, direct=f"http://127.0.0.1:{port}")


def wrapped() -> AbstractContextManager[Running]:
    """The same, with the middlewares round the route."""
    return bare("--no-access-log", app="behindproxy_serve.asgi:app")


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
            {"app": app, "proxy": proxy},
            http=f"http://127.0.0.1:{port}{PREFIX}",
            direct=f"http://127.0.0.1:{port + 1}",
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
            {"app": app, "proxy": proxy},
            http=f"http://127.0.0.1:{port}{PREFIX}",
            direct=f"http://127.0.0.1:{port + 1}{PREFIX}",
        )


@contextmanager
def beside(name: str) -> Iterator[Running]:
    """Another proxy doing Traefik's job here, in front of the same application: nginx and caddy as
    deploy/ has them, haproxy, Traefik with its defaults, and Traefik as it is written by hand."""
    folder = _folder(name)
    settings = proxies.deployment(folder)
    command, environ = {
        "nginx": proxies.nginx,
        "caddy": proxies.caddy,
        "haproxy": _haproxy,
        "traefik": _defaults,
        "by-hand": _by_hand,
    }[name](folder, settings)
    ports = [settings["HTTP_PORT"], settings["HTTPS_PORT"]]
    with (
        proxies.application(folder, settings) as app,
        proxies.started(command, folder / f"{name}.log", environ, ports) as proxy,
    ):
        yield _running(
            {"app": app, "proxy": proxy},
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


# What this stack's Traefik does, as its documentation writes it: an access log, metrics, a health check,
# another try, the limits of connections, headers that a client may not send.
BY_HAND = """
[entryPoints.ops]
address = "127.0.0.1:{ops}"
[log]
[accessLog]
filePath = "{log}"
format = "json"
[metrics.prometheus]
entryPoint = "ops"
"""
BY_HAND_ROUTES = """
[http.routers.app]
entryPoints = ["http"]
rule = "(Host(`localhost`) || Host(`127.0.0.1`)) && (Path(`{prefix}`) || PathPrefix(`{prefix}/`))"
service = "app"
middlewares = ["headers", "strip", "again"]
[http.middlewares.headers.headers.customRequestHeaders]
X-Forwarded-User = ""
X-Original-Url = ""
Forwarded = ""
[http.middlewares.strip.stripPrefix]
prefixes = ["{prefix}"]
[http.middlewares.again.retry]
attempts = 3
[http.services.app.loadBalancer.healthCheck]
path = "/readyz"
interval = "1s"
timeout = "2s"
[[http.services.app.loadBalancer.servers]]
url = "http://127.0.0.1:{port}"
"""


def _by_hand(folder: Path, settings: dict[str, str]) -> tuple[list[str], dict]:
    routes = BY_HAND_ROUTES.format(prefix=PREFIX, port=settings["APP_PORT"])
    more = BY_HAND.format(ops=free_block(1), log=folder / "access.log")
    return _traefik(folder, routes, more, http=settings["HTTP_PORT"], https=settings["HTTPS_PORT"]), {}


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


def _started(folder: Path, part: str, command: list[str], port: int, environ: dict[str, str] | None = None):
    return proxies.started(command, folder / f"{part}.log", environ or {}, [str(port)])


def _running(processes: dict[str, subprocess.Popen], /, **urls: str) -> Running:
    """Once all that is there passes requests on."""
    probe = ["curl", "-sf", "--noproxy", "*", "-o", os.devnull, f"{urls.get('http', urls['direct'])}/app"]
    wait_for(lambda: subprocess.run(probe).returncode == 0, 30)

    def parts() -> dict[str, list[psutil.Process]]:
        return {
            part: [psutil.Process(p.pid), *psutil.Process(p.pid).children(recursive=True)]
            for part, p in processes.items()
        }

    return Running(urls, parts)
