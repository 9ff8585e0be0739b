"""Labels at a real container, as Traefik's Docker provider reads them, are what these rows give to its file
provider as a tree."""

import io
import json
import os
import shutil
import subprocess
import tarfile
from urllib.request import urlopen

import pytest

from behindproxy.stack.paths import BUILD

from .entry import fill, load_all
from .proxy import traefik
from .serving import HOST, Missing, Ports, binary, certificate, started

ROWS = [entry for entry in load_all() if entry.labels]
HOME, IMAGE = BUILD / "labels", "behindproxy-labels:test"
# What a router says of itself that is not where it comes from.
ROUTER = ("entryPoints", "rule", "priority", "tls")


def docker(*arguments: str, data: bytes | None = None) -> str:
    process = subprocess.run(["docker", *arguments], input=data, capture_output=True, timeout=120)
    assert process.returncode == 0, process.stderr.decode()
    return process.stdout.decode().strip()


@pytest.fixture(scope="module")
def image():
    """An image that runs: the Traefik binary, which needs nothing beside itself."""
    try:
        docker("version")
        path = binary("traefik")
    except (AssertionError, OSError, Missing) as missing:
        pytest.skip(f"no Docker engine answers, or there is no Traefik: {missing}")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(path, "traefik")
    docker("import", "--change", 'CMD ["/traefik"]', "-", IMAGE, data=packed.getvalue())
    yield IMAGE
    docker("rmi", "--force", IMAGE)
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.mark.parametrize("entry", ROWS, ids=lambda entry: entry.name)
def test_the_docker_provider_reads_the_labels_so(entry, image):
    ports, home = Ports(), HOME / entry.name
    names = {name: ports() for name in ("HTTP", "TLS", "OPS", "APP", "FREE")}
    texts = certificate(home) | names | {"PREFIX": entry.prefix}
    labels = [line for line in fill(entry.labels, texts).splitlines() if line.strip()]
    labels.append("traefik.http.services.app.loadbalancer.server.port=8000")
    container = docker("run", "--detach", *(f"--label={label}" for label in labels), image)
    try:
        command = traefik(entry, home, texts)
        static = home / "traefik.toml"
        engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        static.write_text(f'{static.read_text()}\n[providers.docker]\nendpoint = "{engine}"\n')

        def known(kind: str) -> list[dict]:
            with urlopen(f"http://{HOST}:{texts['OPS']}/api/http/{kind}", timeout=5) as answer:
                return json.load(answer)

        def both() -> bool:
            try:
                return {"docker", "file"} <= {router["provider"] for router in known("routers")}
            except OSError:
                return False

        with started([binary("traefik"), *command[1:]], home, both, {"HOME": str(home)}):
            for kind, take in (("routers", router), ("middlewares", middleware), ("services", service)):
                by_place = {where: named(known(kind), where, take) for where in ("docker", "file")}
                expected = {
                    name: value for name, value in by_place["file"].items() if name in by_place["docker"]
                }
                assert by_place["docker"] == expected and by_place["docker"], kind
    finally:
        docker("rm", "--force", container)


def named(items: list[dict], provider: str, take) -> dict[str, object]:
    return {item["name"].partition("@")[0]: take(item) for item in items if item["provider"] == provider}


def router(item: dict) -> dict:
    middlewares = [name.partition("@")[0] for name in item.get("middlewares", [])]
    return {key: item.get(key) for key in ROUTER} | {"middlewares": middlewares}


def middleware(item: dict) -> object:
    return item.get(item["type"]) or {key: item[key] for key in item if key.lower() == item["type"].lower()}


def service(item: dict) -> object:
    return item["loadBalancer"].get("passHostHeader")
