"""The servers of the experiments: each is started once, at its first use."""

import socket
from contextlib import ExitStack

import pytest

from behindproxy.stack.paths import VENV
from tests.hosts import free_port

from .serving import PREFIX, ROOT_PATH, Served, process, server, wait_until

OTHER = "127.0.0.2"  # Not the 127.0.0.1 that Uvicorn trusts by default.


@pytest.fixture(scope="session")
def serve(tmp_path_factory):
    """Starts a server with these options, or returns the one that runs with them already."""
    logs, running = tmp_path_factory.mktemp("servers"), {}
    with ExitStack() as stack:

        def once(*options: str, name: str = "uvicorn", app: str = "plain") -> Served:
            key = name, app, options
            if key not in running:
                log = logs / f"{len(running)}.log"
                running[key] = stack.enter_context(server(name, app, options, log))
            return running[key]

        yield once


@pytest.fixture(scope="session")
def traefik(serve, tmp_path_factory):
    """The document's two files, in front of its application."""
    folder, port = tmp_path_factory.mktemp("traefik"), free_port()
    backend = serve(*ROOT_PATH, "--forwarded-allow-ips", "*").url
    (folder / "traefik.toml").write_text(
        f'entryPoints.http.address = "127.0.0.1:{port}"\nproviders.file.filename = "{folder}/routes.toml"\n'
    )
    (folder / "routes.toml").write_text(f"""
        [http.middlewares.strip.stripPrefix]
        prefixes = ["{PREFIX}"]
        [http.routers.app]
        rule = "PathPrefix(`{PREFIX}`)"
        middlewares = ["strip"]
        service = "app"
        [[http.services.app.loadBalancer.servers]]
        url = "{backend}"
    """)
    command = [f"{VENV}/bin/traefik", f"--configFile={folder}/traefik.toml"]
    with process(command, port, folder / "log") as served:
        # It listens before it has read its routes.
        wait_until(lambda: served.get(f"{PREFIX}/app").status_code == 200)
        yield served


@pytest.fixture
def other() -> str:
    with socket.socket() as attempt:
        try:
            attempt.bind((OTHER, 0))
        except OSError:
            pytest.skip(f"this system's loopback has no {OTHER}")
    return OTHER
