"""What is measured: this project's stack as `make up` starts it, natively, and the others beside it."""

import os
import shutil
import signal
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template

import psutil

from stack.native import MARK
from stack.paths import BUILD, VENV
from tests.checkout import Checkout, free_block, wait_for
from tests.proxies import __main__ as proxies

FOLDER = BUILD / "bench"
PREFIX = "/api/v1"


@dataclass
class Running:
    """`urls` by door. `parts` are the processes whose time is counted, by name."""

    urls: dict[str, str]
    parts: Callable[[], dict[str, list[psutil.Process]]]

    def seconds(self) -> dict[str, float]:
        """The processor time that each part has used since it began."""
        return {
            name: sum(sum(p.cpu_times()[:2]) for p in processes)
            for name, processes in self.parts().items()
        }

    def memory(self) -> dict[str, int]:
        """The bytes that each part holds for itself; what processes share is counted in parts."""
        return {
            name: sum(p.memory_full_info().pss for p in processes)
            for name, processes in self.parts().items()
        }


@contextmanager
def ours(
    name: str, patches: dict[str, tuple[str, str]] | None = None, **settings: object
) -> Iterator[Running]:
    """`make up` in a copy of this checkout. `patches` are replacements by file, for what no setting is."""
    copy = Checkout(FOLDER / name, "native")
    copy.fill()
    for file, (find, replace) in (patches or {}).items():
        text = (copy.path / file).read_text()
        if find not in text:
            raise ValueError(f"{file} has no {find!r}")
        (copy.path / file).write_text(text.replace(find, replace))
    code, output = copy.make("up", **settings)
    if code:
        raise RuntimeError(output)

    def parts() -> dict[str, list[psutil.Process]]:
        found: dict[str, list[psutil.Process]] = {"proxy": [], "app": [], "logs": []}
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) != str(copy.path / "build" / "native"):
                    continue
                command = " ".join(process.cmdline())
            except psutil.Error:
                continue
            # supervisord copies every line that the others write.
            copies, proxies = "supervisord" in command, "/traefik " in command
            found["logs" if copies else "proxy" if proxies else "app"].append(process)
        return found

    try:
        yield Running({"proxy": f"http://127.0.0.1:{copy.http}{PREFIX}", "tls": f"https://127.0.0.1:{copy.https}{PREFIX}",
                       "direct": f"http://127.0.0.1:{copy.direct}"}, parts)  # fmt: skip
    finally:
        copy.make("down")
        shutil.rmtree(copy.path, ignore_errors=True)


PAGE = """
from fastapi import FastAPI, Request

app = FastAPI()


@app.get("{path}")
def read_main(request: Request):
    return {{"message": "Hello World", "root_path": request.scope.get("root_path")}}
"""


@contextmanager
def document(name: str = "document") -> Iterator[Running]:
    """What FastAPI's "Behind a Proxy" has its reader run: `fastapi run`, and Traefik with two files."""
    folder, port = _folder(name), free_block(2)
    (folder / "main.py").write_text(PAGE.format(path="/app"))
    (folder / "routes.toml").write_text(_routes(
        f"PathPrefix(`{PREFIX}`)", port + 1, strip=True
    ))  # fmt: skip
    static = _static(folder, http=port)
    server = [str(VENV / "bin" / "fastapi"), "run", "main.py", "--host", "127.0.0.1", "--port", str(port + 1),
              "--forwarded-allow-ips=*", "--root-path", PREFIX]  # fmt: skip
    with _two(
        folder, server, [str(VENV / "bin" / "traefik"), f"--configFile={static}"], port
    ) as parts:
        yield Running(
            {"proxy": f"http://127.0.0.1:{port}{PREFIX}", "direct": f"http://127.0.0.1:{port + 1}"},
            parts,
        )


@contextmanager
def template(name: str = "template") -> Iterator[Running]:
    """The full-stack template's server command, and Traefik with what its labels and flags say: a
    router by host name, no stripping (its API has the prefix itself), the access log on."""
    folder, port = _folder(name), free_block(2)
    (folder / "main.py").write_text(PAGE.format(path=f"{PREFIX}/app"))
    (folder / "routes.toml").write_text(_routes("Host(`127.0.0.1`)", port + 1, strip=False))
    static = _static(folder, "[log]\n[accessLog]", http=port)
    server = [
        str(VENV / "bin" / "fastapi"),
        "run",
        "--host",
        "127.0.0.1",
        "--port",
        str(port + 1),
        "--workers",
        "4",
        "main.py",
    ]
    with _two(
        folder, server, [str(VENV / "bin" / "traefik"), f"--configFile={static}"], port
    ) as parts:
        yield Running(
            {
                "proxy": f"http://127.0.0.1:{port}{PREFIX}",
                "direct": f"http://127.0.0.1:{port + 1}{PREFIX}",
            },
            parts,
        )


@contextmanager
def beside(name: str) -> Iterator[Running]:
    """Another proxy doing Traefik's job here, in front of the same application: nginx and caddy as
    tests/proxies has them, haproxy, and Traefik with its defaults."""
    folder = _folder(name)
    settings = proxies.deployment(folder)
    command, environ = {"nginx": proxies.nginx, "caddy": proxies.caddy, "haproxy": _haproxy,
                        "traefik": _traefik}[name](folder, settings)  # fmt: skip
    ports = [settings["HTTP_PORT"], settings["HTTPS_PORT"]]
    with (
        proxies.application(folder, settings) as app,
        proxies.started(command, folder / f"{name}.log", environ, ports) as proxy,
    ):

        def parts() -> dict[str, list[psutil.Process]]:
            return {part: [psutil.Process(p.pid), *psutil.Process(p.pid).children(recursive=True)]
                    for part, p in (("proxy", proxy), ("app", app))}  # fmt: skip

        yield Running({"proxy": f"http://127.0.0.1:{ports[0]}{PREFIX}", "tls": f"https://127.0.0.1:{ports[1]}{PREFIX}",
                       "direct": f"http://{settings['APP_ADDRESS']}"}, parts)  # fmt: skip


def _haproxy(folder: Path, settings: dict[str, str]) -> tuple[list[str], dict]:
    text = Template((Path(__file__).with_name("haproxy.cfg")).read_text()).safe_substitute(settings)
    (folder / "haproxy.cfg").write_text(text)
    return [proxies.binary("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")], {}


def _traefik(folder: Path, settings: dict[str, str]) -> tuple[list[str], dict]:
    rule = (
        f"(Host(`localhost`) || Host(`127.0.0.1`)) && (Path(`{PREFIX}`) || PathPrefix(`{PREFIX}/`))"
    )
    routes = _routes(rule, int(settings["APP_PORT"]), strip=True)
    (folder / "routes.toml").write_text(routes)
    static = _static(folder, http=settings["HTTP_PORT"], https=settings["HTTPS_PORT"])
    return [str(VENV / "bin" / "traefik"), f"--configFile={static}"], {}


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


def _static(folder: Path, more: str = "", **ports: object) -> Path:
    """Traefik's static file with an entrypoint for each of `ports`, and its defaults otherwise."""
    points = "".join(
        f'[entryPoints.{name}]\naddress = "127.0.0.1:{port}"\n' for name, port in ports.items()
    )
    path = folder / "traefik.toml"
    path.write_text(f'{points}[providers.file]\nfilename = "{folder}/routes.toml"\n{more}\n')
    return path


def _folder(name: str) -> Path:
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@contextmanager
def _two(folder: Path, server: list[str], proxy: list[str], port: int) -> Iterator[Callable]:
    """A server and a proxy, entered once the proxy's port passes requests on."""
    started: dict[str, subprocess.Popen] = {}
    environ = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS")}
    try:
        for part, command in (("app", server), ("proxy", proxy)):
            log = (folder / f"{part}.log").open("w")
            started[part] = subprocess.Popen(command, cwd=folder, env=environ, stdout=log, stderr=log,
                                             stdin=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
            log.close()
        asked = [
            "curl",
            "-sf",
            "--noproxy",
            "*",
            "-o",
            os.devnull,
            f"http://127.0.0.1:{port}{PREFIX}/app",
        ]
        wait_for(lambda: subprocess.run(asked).returncode == 0, 30)

        def parts() -> dict[str, list[psutil.Process]]:
            return {part: [psutil.Process(p.pid), *psutil.Process(p.pid).children(recursive=True)]
                    for part, p in started.items()}  # fmt: skip

        yield parts
    finally:
        for process in started.values():
            try:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(15)
            except ProcessLookupError:
                pass
        shutil.rmtree(folder, ignore_errors=True)
