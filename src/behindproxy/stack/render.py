"""Writes the effective static configuration: traefik/traefik.toml with the settings that it cannot
read by itself, since Traefik takes no variables there and ignores flags beside a file."""

import json
import os
import re
import shlex
import tomllib
from collections.abc import Collection, Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import tomli_w

from . import compose_file
from .paths import BUILD, DYNAMIC, ROOT, STACK
from .settings import StackSettings, SwarmSettings

# A certificate that is due is renewed while Traefik starts, which takes the challenge's route in at the
# same time; who validates once would find none (traefik#9439).
VALIDATION_DELAY = "2s"
WORKER = "worker"  # the service that WORKER_COMMAND makes
ALIVE = ["CMD", "grep", "-q", "^State:.[^TtZX]", "/proc/1/status"]
NOT_SHARED = ("container_name", "hostname", "ports")  # what two containers cannot both have
OF_THE_SERVER = ("command", "entrypoint", "healthcheck")  # what a worker has of its own
OWNER = "data-owner"  # the service that gives new volumes to the application's user
# What it gave once may have become much.
GIVE = 'for one; do [ "$$(stat -c %u "$$one")" = 65532 ] || chown -R 65532:65532 "$$one"; done'
HEAD = "# Rendered from traefik/traefik.toml by `make up`; edit that file.\n\n"
ROUTES = str(DYNAMIC.relative_to(ROOT))  # natively: Traefik is started in ROOT


def static(settings: StackSettings, native: bool) -> str:
    """Return the text of the static file for the Docker or the native runtime."""
    config = tomllib.loads((STACK / "traefik" / "traefik.toml").read_text())
    points = config["entryPoints"]
    for name in ("http", "https"):
        transport = points[name]["transport"]
        transport["respondingTimeouts"]["readTimeout"] = f"{settings.request_seconds}s"
        transport["lifeCycle"]["graceTimeOut"] = f"{settings.drain_seconds}s"
        if "//" in settings.encoded_characters:
            points[name]["http"]["sanitizePath"] = False  # it makes one slash of two
    if native:
        host = f"[{settings.bind_address}]" if ":" in settings.bind_address else settings.bind_address
        points["http"]["address"] = f"{host}:{settings.http_port}"
        points["https"]["address"] = f"{host}:{settings.https_port}"
        points["ops"]["address"] = f"127.0.0.1:{settings.ops_port}"
        config["providers"]["file"]["directory"] = ROUTES
    if settings.header_aliases == "keep":
        for name in ("http", "https"):
            points[name]["http"]["aliasHeadersStrategy"] = "keep"
    if settings.trusted_proxies:
        for name in ("http", "https"):
            points[name]["forwardedHeaders"] = {"trustedIPs": settings.trusted_proxies.split(",")}
    if settings.domain:
        # Nothing but a redirect and the authority's challenge is there, and both come before the files do.
        del points["http"]["http"]["middlewares"]
        points["http"]["http"]["redirections"] = {
            "entryPoint": {"to": f":{settings.https_port}", "scheme": "https", "permanent": True}
        }
    if settings.domain and not isinstance(settings, SwarmSettings):
        # The authority's question may come from a container beside it, which sees no published port.
        points["http"]["address"], points["https"]["address"] = ":80", ":443"
        acme: dict[str, Any] = {
            "email": settings.acme_email,
            "storage": "/acme/acme.json",
            "keyType": "EC256",
        }
        if settings.acme_ca:
            acme["caServer"] = settings.acme_ca
        if settings.acme_challenge == "http":
            acme["httpChallenge"] = {"entryPoint": "http", "delay": VALIDATION_DELAY}
        else:
            acme["tlsChallenge"] = {}  # Traefik waits by itself until this one can be answered.
        # Else the routes may come after the first routers, and an RSA key is made before those.
        config["providers"]["providersThrottleDuration"] = "0s"
        config["certificatesResolvers"] = {"acme": {"acme": acme}}
    if endpoint := settings.otel_exporter_otlp_endpoint.rstrip("/"):
        config["tracing"] = {"otlp": {"http": {"endpoint": f"{endpoint}/v1/traces"}}}
        config["metrics"]["otlp"] = {"http": {"endpoint": f"{endpoint}/v1/metrics"}}
    return HEAD + tomli_w.dumps(config)


def own_keys(services: Iterable[str], keys: Collection[str], version: str = "") -> list[Path]:
    """Write a compose file by which `services`, and no others, get the application's own settings.

    Return it, or nothing where there are none. It has their names alone: Docker takes the values from the
    environment of the command.
    """
    if not keys:
        return []
    path, gets = BUILD / "stack" / "own-keys.json", {"environment": dict.fromkeys(keys)}
    head = {"version": version} if version else {}
    write(path, json.dumps({**head, "services": dict.fromkeys(services, gets)}, indent=1))
    return [path]


def volumes(services: Iterable[str], folders: Collection[str]) -> list[Path]:
    """Write a compose file by which `services` have a volume in each of `folders` of the image's /srv.

    Return it, or nothing where there are none. A new volume is root's: OWNER gives it to the application's
    user.
    """
    if not folders:
        return []
    path = BUILD / "stack" / "data.json"
    names = {re.sub(r"[^\w.-]", "-", folder): f"/srv/{folder}" for folder in folders}
    mounts = [{"type": "volume", "source": name, "target": target} for name, target in names.items()]
    owner = {
        "image": "${COMPOSE_PROJECT_NAME}-app",
        "profiles": ["setup"],
        "command": ["sh", "-c", GIVE, "sh", *names.values()],
        "user": "0:0",
        "cap_drop": ["ALL"],
        "cap_add": ["CHOWN"],
        "network_mode": "none",
        "volumes": mounts,
    }
    parts = dict.fromkeys(services, {"volumes": mounts})
    text = {"services": {**parts, OWNER: owner}, "volumes": dict.fromkeys(names, {})}
    write(path, json.dumps(text, indent=1))
    return [path]


def as_app(override: Path, services: Iterable[str]) -> list[Path]:
    """Write a compose file by which `services` have what `override` gives `app`: networks, dependencies …

    Return it, or nothing where it gives nothing, or cannot be read: Compose says why.
    """
    try:
        of_app = (compose_file.load(override).get("services") or {}).get("app") or {}
        shared = {key: value for key, value in of_app.items() if key not in NOT_SHARED}
    except (OSError, ValueError, AttributeError):
        return []
    if not shared:
        return []
    of_a_worker = {key: value for key, value in shared.items() if key not in OF_THE_SERVER}
    rows = {name: of_a_worker if name == WORKER else shared for name in services}
    path = BUILD / "stack" / "as-app.json"
    write(path, json.dumps({"services": rows}, indent=1))
    return [path]


def worker(settings: StackSettings) -> list[Path]:
    """Write a compose file with the service WORKER, as the application's but for its command.

    Return it, or nothing where there is none.
    """
    if not settings.worker_command:
        return []
    path = BUILD / "stack" / "worker.yml"
    words = [word.replace("$", "$$") for word in shlex.split(settings.worker_command)]
    service = {
        "extends": {"file": str(STACK / "docker-compose.yml"), "service": "app"},
        "command": words,
        # So that what runs tells its command, as the settings of the others.
        "environment": {"WORKER_COMMAND": settings.worker_command.replace("$", "$$")},
        # It has no port: it is well while its first process is neither stopped nor a zombie.
        "healthcheck": {"test": ALIVE, "interval": "2s", "timeout": "3s", "retries": 3},
        "restart": "always" if settings.domain else "no",
    }
    lines = [f"    {key}: {json.dumps(value)}" for key, value in service.items()]
    write(path, "\n".join(["services:", f"  {WORKER}:", *lines, "    ports: !reset []", ""]))
    return [path]


def over_ipv6(settings: StackSettings) -> bool:
    """Whether other machines reach the entrypoints over IPv6; this one does by Docker's own proxy."""
    address = ip_address(settings.bind_address)
    return address.version == 6 and not address.is_loopback


def both_families(settings: StackSettings) -> list[Path]:
    """Write a compose file by which Traefik sees a client's own IPv6 address.

    Return it, or nothing where IPv6 is not published. For Docker `::` is IPv6 alone; natively it is both.
    """
    if not over_ipv6(settings):
        return []
    path = BUILD / "stack" / "ipv6.json"
    inside = (80, 443) if settings.domain else (9999, 9443)
    ports = [
        f"0.0.0.0:{outside}:{port}"
        for outside, port in zip((settings.http_port, settings.https_port), inside, strict=True)
        if ip_address(settings.bind_address).is_unspecified
    ]
    text = {"services": {"traefik": {"ports": ports}}, "networks": {"edge": {"enable_ipv6": True}}}
    write(path, json.dumps(text, indent=1))
    return [path]


def write(path: Path, text: str) -> None:
    """Replace `path` whole, by rename, and only when it changes."""
    if path.exists() and path.read_bytes() == text.encode():  # a damaged one may be no text
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(text)
    part.chmod(0o644)  # a container's user reads it, whatever the umask is
    os.replace(part, path)
