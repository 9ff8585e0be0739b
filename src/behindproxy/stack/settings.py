"""The settings of the whole stack: the container's own, and the host's."""

import os
import re
import shlex
from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from types import CodeType
from typing import Any, Literal, Self, TypeVar

from pydantic import ValidationError, field_validator, model_validator

from behindproxy_serve.forwarding import SCRUBBED
from behindproxy_serve.server import environment as without_servers_own
from behindproxy_serve.settings import (
    Settings,
    exact_address,
    example,
    explain,
    extra,
    refuse_overlap,
    setting,
)

from .dotenv import DotenvError, Unset, content_of, parse
from .paths import COPY, DEFAULTS, DEFAULTS_FILE, KEPT_PORTS, KEPT_SUBNET, PLACES, ROOT

Model = TypeVar("Model", bound="StackSettings")
MARKER = "add_demonstration"  # the function that app/main.py calls
# Read from .env by Compose and its client, or meant for Traefik, Grafana or the runtime of Go.
OF_OTHERS = re.compile(r"(COMPOSE|DOCKER|BUILDX|BUILDKIT|TRAEFIK|GF)_\w+|GO(MAXPROCS|GC|MEMLIMIT)")
# What to set where a variable that a server reads by itself is ignored.
IN_PLACE_OF = dict.fromkeys(
    ("FORWARDED_ALLOW_IPS", "UVICORN_FORWARDED_ALLOW_IPS"),
    "TRUSTED_PROXIES sets whose forwarded headers are trusted",
) | dict.fromkeys(("WEB_CONCURRENCY", "UVICORN_WORKERS"), "APP_WORKERS sets how many processes serve")
# docker-compose.replicas.yml has one slot more: `make deploy` needs one to start in.
MAX_REPLICAS = 4
# deploy/swarm/stack.yml has this many.
MAX_SWARM_REPLICAS = 8
# What DOMAIN makes of a setting that is not given.
PRODUCTION = {
    "bind_address": "0.0.0.0",
    "http_port": "80",
    "https_port": "443",
    "probe": "0",
    "docs": "off",
    "app_replicas": "2",
    "public_hosts": "${DOMAIN}",
}
# What a path may hold encoded, and two slashes in a row (a URL in a path) among them.
CHARACTERS = ("%2F", "%5C", "%00", "%3B", "%25", "%3F", "%23", "//")
# As docker pull takes it: registry, path, tag and digest. An option begins with a hyphen, and no name does.
FOLDER = re.compile(r"[A-Za-z0-9_][\w./-]*", re.ASCII)
IMAGE = re.compile(r"[A-Za-z0-9][\w.:/-]*(@sha256:[0-9a-f]{64})?", re.ASCII)
SUBNET_FILE = str(KEPT_SUBNET.relative_to(ROOT))  # where a SUBNET stands that the user did not give
PORTS_FILE = str(KEPT_PORTS.relative_to(ROOT))  # where ports stand that the user did not give
PUBLISHED = ("HTTP_PORT", "HTTPS_PORT", "DIRECT_PORT", "OPS_PORT")
HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9])?")


class StackSettings(Settings):
    http_port: int = setting(
        9999,
        "Traefik's public port for http. If another stack like this one has the default ports, up chooses "
        "others, and keeps them.",
        section="ports",
        scope="stack",
        example="9999",
        ge=1,
        le=65535,
    )
    https_port: int = setting(
        9443,
        "Traefik's public port for https.",
        section="ports",
        scope="stack",
        example="9443",
        ge=1,
        le=65535,
    )
    bind_address: str = setting(
        "127.0.0.1",
        "The host address that HTTP_PORT and HTTPS_PORT are published on. 0.0.0.0 serves the network: "
        "Docker's published ports bypass the host's firewall. :: serves it over IPv6 too, in Docker from "
        "Engine 27; natively 0.0.0.0 does so as well.",
        section="ports",
        scope="stack",
        example="127.0.0.1",
    )
    direct_port: int = setting(
        8000,
        "The port of the app server itself, without the proxy; always on 127.0.0.1.",
        section="ports",
        scope="stack",
        example="8000",
        ge=1,
        le=65535,
    )
    public_hosts: str = setting(
        "localhost,127.0.0.1,[::1]",
        "The host names Traefik accepts, written as in a URL. * accepts any; redirects then contain whatever "
        "Host a client sends.",
        section="names",
        scope="stack",
        example="localhost,127.0.0.1,[::1]",
    )
    subnet: str = setting(
        "172.30.98",
        "The first three numbers of the stack's networks in Docker (a /24). If this machine or another "
        "network has addresses there, up chooses a free one and keeps it, or refuses yours. In Docker a "
        "second clone on this machine also needs another COMPOSE_PROJECT_NAME.",
        section="machine",
        scope="docker",
        example="172.30.98",
    )
    ops_port: int = setting(
        8082,
        "Natively, the loopback port of Traefik's health and metrics; the app's metrics have the next one.",
        section="machine",
        scope="native",
        example="8082",
        ge=1,
        le=65535,
    )
    answer_seconds: int = setting(
        30,
        "Seconds that the application may take to start a response. After that the client gets 504, and "
        "the application keeps running. A response that has started has no limit. A deploy or a stop "
        "waits only DRAIN_SECONDS for a response.",
        section="operation",
        scope="stack",
        example="120",
        ge=1,
        le=86400,
    )
    request_seconds: int = setting(
        60,
        "Seconds that a client may take to send a request, including an upload.",
        section="operation",
        scope="stack",
        example="600",
        ge=1,
        le=86400,
    )
    encoded_characters: str = setting(
        "%3B,%25,%3F,%23",
        "Which of %2F %5C %00 %3B %25 %3F %23 a path may contain, or `none`; a path with another of these "
        "gets 400. // keeps two slashes, for a URL in a path (with STRIP_PREFIX=false); "
        "otherwise they are merged. %2F, %5C, %00 and // have a cost: docs/production.md.",
        section="path",
        scope="stack",
        example="%2F,%3B,%25,%3F,%23",
    )
    well_known: bool = setting(
        "false",
        "true: metadata of OAuth and MCP servers under the prefix, which belongs outside it "
        "(/.well-known/oauth-protected-resource/api/v1/…), reaches the application too, at that path.",
        section="path",
        scope="stack",
        example="true",
    )
    compress: bool = setting(
        "false",
        "true: Traefik compresses text of 1 KiB or more for clients that accept it, except streams. "
        "Anyone who sees a response's length may then guess a secret in it, if it also contains text "
        "from a client.",
        section="operation",
        scope="stack",
        example="true",
    )
    header_aliases: Literal["delete", "keep"] = setting(
        "delete",
        "delete: Traefik deletes every header whose name has more than letters, digits and hyphens "
        "(access_token, api_key): it cannot distinguish them from aliases of X-Forwarded-For and similar "
        "headers. keep: they arrive, and the application's wrapper deletes only the aliases; a route's "
        "authentication server gets both.",
        section="passes",
        scope="stack",
        example="keep",
    )
    forward_prefix: bool = setting(
        "true",
        "false: the application gets no X-Forwarded-Prefix. For applications that add it to root_path and "
        "so have the prefix twice (NiceGUI).",
        section="passes",
        scope="stack",
        example="false",
    )
    identity_headers: str = setting(
        "",
        "Headers, comma-separated, that load balancers in front (TRUSTED_PROXIES) set about the client: "
        "they arrive from any sender, so nothing else may reach Traefik. All others on the list in "
        "src/behindproxy_serve/forwarding.py are deleted.",
        section="passes",
        scope="stack",
        example="X-Forwarded-User,X-Forwarded-Email",
    )
    rate_limit: str = setting(
        "",
        (
            "Requests per second that one client may send, in bursts of up to twice as many; more get 429. "
            "Empty: off."
        ),
        section="operation",
        scope="stack",
        example="50",
    )
    proxy_hops: int = setting(
        0,
        "Number of TRUSTED_PROXIES in series; lets RATE_LIMIT count an IPv6 /64 as one client, as it does "
        "without proxies. 0: unknown; 1 is assumed if TRUSTED_PROXIES is one address, otherwise each IPv6 "
        "address counts separately.",
        section="operation",
        scope="stack",
        example="1",
        ge=0,
        le=9,
    )
    app_replicas: int = setting(
        1,
        f"Containers of the application, in Docker only: {MAX_REPLICAS} at most, {MAX_SWARM_REPLICAS} in a "
        "swarm.",
        section="server",
        scope="docker",
        example="2",
        ge=1,
        le=MAX_REPLICAS,
    )
    container_cpus: str = setting(
        "0",
        "Cores that each container (Traefik, each replica) may use, also a part of one; 0: all. A limit "
        "slows down what is busy while other cores are idle, so it is for machines that do other work too. "
        "The engine refuses more than the machine has.",
        section="server",
        scope="docker",
        example="1.5",
    )
    sticky: Literal["off", "cookie", "address"] = setting(
        "off",
        "For sessions or sockets in the application's memory. cookie: a cookie of Traefik's keeps a client "
        "at its replica; address: the client's address does, for clients that keep no cookies; off. Not "
        "with APP_WORKERS above 1.",
        section="server",
        scope="stack",
        example="cookie",
    )
    acme_email: str = setting(
        "",
        "The e-mail address that the certificate authority writes to. Needed with DOMAIN.",
        section="production",
        scope="production",
        example="ops@example.com",
    )
    acme_ca: str = setting(
        "",
        "The ACME directory of the certificate authority; empty: Let's Encrypt's. To test without its rate "
        "limits, use its staging directory.",
        section="production",
        scope="production",
        example="https://acme-staging-v02.api.letsencrypt.org/directory",
    )
    acme_challenge: Literal["http", "tls-alpn"] = setting(
        "http",
        "How the authority checks that DOMAIN is yours: http on port 80, tls-alpn on port 443.",
        section="production",
        scope="production",
        example="http",
    )
    app_data: str = setting(
        "",
        "Folders of the project that the application writes to (SQLite, uploads), comma-separated. In Docker "
        "each is a volume, shared by the replicas, which stays after `make down` and `make clean`; all else "
        "there is read-only. Natively it is the folder itself.",
        section="server",
        scope="stack",
        example="data",
    )
    app_env_file: str = setting(
        "",
        "Files with more of the application's own keys: what `env_file:` of a compose file names. Paths from "
        "the project's folder, comma-separated; later files override earlier ones, `.env` overrides all.",
        section="server",
        scope="stack",
        example="config/app.env",
    )
    migrate_command: str = setting(
        "",
        "What `make up` and `make deploy` run once before the new version serves, in its environment: the "
        "migration of a database. If it fails, nothing is replaced. `make rollback` does not run it.",
        section="server",
        scope="stack",
        example="alembic upgrade head",
    )
    worker_command: str = setting(
        "",
        "A second process of the application, without a port (arq, celery, rq …): started, replaced, shown "
        "and stopped with it, in its environment. It is stopped by SIGTERM, and has DRAIN_SECONDS then.",
        section="server",
        scope="stack",
        example="arq app.jobs.Worker",
    )
    app_image: str = setting(
        "",
        "An image of the application that CI has pushed, best by its digest: pulled instead of building "
        "one here. In a Docker Swarm every node pulls it (docs/scaling.md); empty, one is built, for a "
        "swarm of one node.",
        section="server",
        scope="docker",
        example="registry.example.com/app:1",
    )
    tls_cert: str = setting(
        "",
        "Only in a swarm: the certificate with its chain, a file on this machine. Empty: the local CA's.",
        section="swarm",
        scope="swarm",
        example="/etc/letsencrypt/live/api.example.com/fullchain.pem",
    )
    tls_key: str = setting(
        "",
        "Only in a swarm: the certificate's key, a file on this machine.",
        section="swarm",
        scope="swarm",
        example="/etc/letsencrypt/live/api.example.com/privkey.pem",
    )

    @model_validator(mode="before")
    @classmethod
    def _production(cls, values: dict[str, Any]) -> dict[str, Any]:
        if not values.get("domain"):
            return values
        defaults = {key: value.replace("${DOMAIN}", values["domain"]) for key, value in PRODUCTION.items()}
        return {**defaults, **values}

    @field_validator("rate_limit")
    @classmethod
    def _rate(cls, value: str) -> str:
        if value.lower() in ("", "off", "0"):
            return ""
        if not re.fullmatch(r"[1-9][0-9]{0,8}", value):
            raise ValueError("must be a whole number of requests per second and client, or off")
        return value

    @field_validator("container_cpus")
    @classmethod
    def _cpus(cls, value: str) -> str:
        if value != "0" and (not re.fullmatch(r"[0-9]{1,4}([.][0-9]{1,2})?", value) or not float(value)):
            raise ValueError("must be a number of cores, or 0 for all")
        return value

    @field_validator("encoded_characters")
    @classmethod
    def _characters(cls, value: str) -> str:
        characters = [item.strip().upper() for item in value.split(",") if item.strip()]
        if characters == ["NONE"]:
            return "none"
        for item in characters:
            if item not in CHARACTERS:
                raise ValueError(
                    f"{item!r} is none of {' '.join(CHARACTERS)}, with commas between them, or none"
                )
        return ",".join(one for one in CHARACTERS if one in characters)

    @field_validator("identity_headers")
    @classmethod
    def _identity(cls, value: str) -> str:
        names_by_key = {name.lower(): name for name in SCRUBBED}
        names = [name.strip() for name in value.split(",") if name.strip()]
        for name in names:
            if name.lower() not in names_by_key:
                raise ValueError(f"{name!r} is not one of the deleted headers, so it arrives anyway")
        return ",".join(names_by_key[name.lower()] for name in names)

    @field_validator("acme_email")
    @classmethod
    def _email(cls, value: str) -> str:
        if value and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
            raise ValueError("is not an e-mail address")
        return value

    @field_validator("app_image")
    @classmethod
    def _image(cls, value: str) -> str:
        if value and not IMAGE.fullmatch(value):
            raise ValueError("must be an image's name, with a tag or a digest (name@sha256:…)")
        return value

    @field_validator("app_data")
    @classmethod
    def _folders(cls, value: str) -> str:
        names = [name.strip().rstrip("/") for name in value.split(",")] if value else []
        for name in names:
            if not FOLDER.fullmatch(name) or {"", ".", ".."} & set(name.split("/")):
                raise ValueError("must be folders inside the project's, with no .. and no / at the beginning")
        return ",".join(sorted(names))

    @field_validator("migrate_command", "worker_command")
    @classmethod
    def _command(cls, value: str) -> str:
        try:
            shlex.split(value)
        except ValueError as error:
            raise ValueError(f"cannot be split into words: {error}") from None
        return value.strip()

    @field_validator("acme_ca")
    @classmethod
    def _ca(cls, value: str) -> str:
        if value and not re.fullmatch(r"https://[^\s/]+/\S+", value):
            raise ValueError("must be the https URL of an ACME directory")
        return value

    @field_validator("bind_address")
    @classmethod
    def _bind(cls, value: str) -> str:
        return str(exact_address(value))

    @field_validator("public_hosts")
    @classmethod
    def _hosts(cls, value: str) -> str:
        hosts = [host.strip() for host in value.split(",") if host.strip()]
        if value.strip() and not hosts:
            raise ValueError("names no host")
        for host in hosts:
            if "/" in host:
                raise ValueError(f"{host!r} is a URL; write only the host name")
            if host.startswith("[") and host.endswith("]"):
                exact_address(host[1:-1])
            elif host.count(":") > 1:
                raise ValueError(f"{host!r} needs brackets, as in a URL: [{host}]")
            elif ":" in host:
                raise ValueError(f"{host!r} has a port; a host name answers on every port")
            elif host != "*" and not HOST.fullmatch(host):
                raise ValueError(f"{host!r} is not a host name")
        return ",".join(hosts)

    @field_validator("subnet")
    @classmethod
    def _subnet(cls, value: str) -> str:
        octets = value.removesuffix(".0/24")
        try:
            network = ip_network(f"{octets}.0/24")
        except ValueError:
            raise ValueError("must be the first three numbers of a free /24 network") from None
        if not network.is_private:
            raise ValueError("is not a private network")
        return octets

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        ports: dict[int, str] = {}
        for name in ("http_port", "https_port", "direct_port", "ops_port"):
            port = getattr(self, name)
            if port in ports:
                raise ValueError(
                    f"{name.upper()}={port}: {ports[port]} has this port already; "
                    f"for example {name.upper()}={port + 1}"
                )
            ports[port] = name.upper()
        for one, other in (("tls_cert", "tls_key"), ("tls_key", "tls_cert")):
            if getattr(self, one) and not getattr(self, other):
                raise ValueError(
                    f"{one.upper()}={getattr(self, one)}: a certificate needs its key, and the key its "
                    f"certificate; set {other.upper()} too"
                )
        if "//" in self.encoded_characters and self.strip_prefix:
            raise ValueError(
                f"ENCODED_CHARACTERS={self.encoded_characters}: Traefik does not strip the prefix from a "
                "path with // and answers 400; with // set STRIP_PREFIX=false too"
            )
        if self.sticky != "off" and self.app_workers > 1:
            raise ValueError(
                f"STICKY={self.sticky}: APP_WORKERS={self.app_workers} share one port, so no proxy can "
                "choose among them; for example APP_WORKERS=1 "
                f"APP_REPLICAS={min(self.app_workers, MAX_REPLICAS)}"
            )
        self._certificate_of_domain()
        if self.domain and self.domain not in self.hosts:
            raise ValueError(
                f"PUBLIC_HOSTS={self.public_hosts}: DOMAIN is not among them; "
                f"for example PUBLIC_HOSTS={self.domain}"
            )
        if self.identity_headers and not self.trusted_proxies:
            raise ValueError(
                f"IDENTITY_HEADERS={self.identity_headers}: without TRUSTED_PROXIES only clients send them; "
                f"for example {example('trusted_proxies', StackSettings)}"
            )
        refuse_overlap(self.trusted_proxies, ",".join(own_networks(self.subnet)))
        return self

    def _certificate_of_domain(self) -> None:
        if self.tls_cert:
            raise ValueError(
                f"TLS_CERT={self.tls_cert}: applies only in a swarm; `make up` gets its certificate by ACME "
                "or from the local CA, so remove TLS_CERT"
            )
        if self.domain and not self.acme_email:
            raise ValueError(
                "ACME_EMAIL: DOMAIN needs it, for the certificate authority's notices; "
                f"in .env, for example {example('acme_email', StackSettings)}"
            )
        for name in ("acme_email", "acme_ca"):
            if getattr(self, name) and not self.domain:
                raise ValueError(
                    f"{name.upper()}={getattr(self, name)}: without DOMAIN there is no "
                    f"certificate to get; for example {example('domain', StackSettings)}"
                )

    @property
    def data_folders(self) -> list[str]:
        return self.app_data.split(",") if self.app_data else []

    @property
    def hosts(self) -> list[str]:
        return self.public_hosts.split(",")

    def url(self, entrypoint: str) -> str:
        """Return the base URL of the entrypoint `http`, `https` or `direct`, as a client on this machine uses
        it."""
        if self.domain:
            # The http entrypoint only redirects, and there is no direct one.
            port = "" if self.https_port == 443 else f":{self.https_port}"
            return f"https://{self.domain}{port}{self.api_prefix}" if entrypoint == "https" else ""
        if entrypoint == "direct":
            return f"http://127.0.0.1:{self.direct_port}"
        address = ip_address(self.bind_address)
        reached = "127.0.0.1" if address.is_unspecified else str(address)
        own = f"[{reached}]" if ":" in reached else reached
        host = own if {"*", own} & set(self.hosts) else self.hosts[0]
        origin = (
            f"http://{host}:{self.http_port}" if entrypoint == "http" else f"https://{host}:{self.https_port}"
        )
        return origin + self.api_prefix

    @property
    def demonstration(self) -> bool:
        """Whether the module that is served uses `add_demonstration`. In a copy (`make new`) none does."""
        module = self.app_module.partition(":")[0]
        source = ROOT.joinpath(*module.split(".")).with_suffix(".py")
        return not COPY and source.is_file() and MARKER in _names_used_in(source)

    def environ(self) -> dict[str, str]:
        """Every setting as an environment variable."""
        dumped = self.model_dump(exclude={*INTERNAL, "forwarded_allow_ips"})
        return {key.upper(): _text(value) for key, value in dumped.items()}


def _names_used_in(source: Path) -> set[str]:
    """Return the names that a module's code uses, as Python compiles it; none is run, and a comment or a text
    is no use. Empty where it does not compile: the server says why."""
    try:
        pending = [compile(source.read_bytes(), source, "exec", dont_inherit=True)]
    except (OSError, SyntaxError, ValueError):
        return set()
    names: set[str] = set()
    while pending:
        code = pending.pop()
        names.update(code.co_names)
        pending += [one for one in code.co_consts if isinstance(one, CodeType)]
    return names


# Rows of the table that are the stack's own to set.
INTERNAL = frozenset(
    name for name, row in StackSettings.model_fields.items() if extra(row, "scope") == "internal"
)
KEYS = frozenset(name.upper() for name in StackSettings.model_fields)
INTERNAL_KEYS = frozenset(name.upper() for name in INTERNAL)


def own_networks(subnet: str) -> tuple[str, str]:
    """Return the networks `internal` and `direct` of docker-compose.yml, whose members are not proxies.

    The rest of SUBNET is `edge`, the network of Traefik's published ports: a load balancer on this
    machine has an address there.
    """
    return f"{subnet}.0/25", f"{subnet}.128/26"


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _in_a_swarm(name: str, default: object, **options: Any) -> Any:
    """Declare the row `name` with another default."""
    row = StackSettings.model_fields[name]
    words = {key: extra(row, key) for key in ("section", "scope")}
    return setting(default, row.description or "", example=str(default), **words, **options)


class SwarmSettings(StackSettings):
    """Those of deploy/swarm/stack.yml."""

    app_replicas: int = _in_a_swarm("app_replicas", 2, ge=1, le=MAX_SWARM_REPLICAS)
    probe: bool = _in_a_swarm("probe", "0")

    @model_validator(mode="after")
    def _nothing_once(self) -> Self:
        if self.migrate_command:
            raise ValueError(
                f"MIGRATE_COMMAND={self.migrate_command}: `make swarm-deploy` does not run it; leave it out, "
                "and run it before, for example with docker service create --mode replicated-job"
            )
        return self

    @model_validator(mode="after")
    def _no_worker(self) -> Self:
        if self.worker_command:
            raise ValueError(
                f"WORKER_COMMAND={self.worker_command}: `make swarm-deploy` starts no worker; leave it out, "
                "and start it as a service of its own, for example with docker service create"
            )
        return self

    @model_validator(mode="after")
    def _no_volumes(self) -> Self:
        if self.app_data:
            raise ValueError(
                f"APP_DATA={self.app_data}: in a swarm each node would have files of its own; leave it out, "
                "and keep data in a database or an object store"
            )
        return self

    @model_validator(mode="after")
    def _open_on_every_address(self) -> Self:
        if self.bind_address != "0.0.0.0":  # `::` would hide who a client is, as in docker.py
            raise ValueError(
                f"BIND_ADDRESS={self.bind_address}: Swarm always opens a port on every address of a node; "
                "confirm it with BIND_ADDRESS=0.0.0.0"
            )
        return self

    def _certificate_of_domain(self) -> None:
        if self.domain and not self.tls_cert:
            raise ValueError(
                "TLS_CERT: DOMAIN needs it in a swarm, where no Traefik can get a "
                "certificate on behalf of the others (docs/scaling.md); for example "
                f"TLS_CERT=/etc/letsencrypt/live/{self.domain}/fullchain.pem"
            )


def read(environ: Mapping[str, str] | None = None, path: Path | None = None) -> StackSettings:
    """Return the settings: defaults, then `.env`, then the environment (and so `make KEY=value`).

    Raise SystemExit with one line for each value that cannot work.
    """
    return read_as(StackSettings, environ, path)


def read_as(model: type[Model], environ: Mapping[str, str] | None = None, path: Path | None = None) -> Model:
    """As `read`, of another kind of stack."""
    values = given(os.environ if environ is None else environ, path)
    try:
        return model.model_validate({key.lower(): value for key, (value, _) in values.items()})
    except ValidationError as error:
        raise SystemExit(explain(error, model)) from None


def given(environ: Mapping[str, str], path: Path | None = None) -> dict[str, tuple[str, str]]:
    """Return the value of each setting that is given, and where: environment, `.env`, SUBNET_FILE,
    DEFAULTS_FILE."""
    file_values = written(environ, path)
    if contradicting := sorted(file_values.keys() & INTERNAL_KEYS):
        raise SystemExit(
            f".env: {contradicting[0]}={file_values[contradicting[0]]}: "
            "the stack sets it itself; leave it out"
        )
    values: dict[str, tuple[str, str]] = {}
    if path is None:
        values = {key: (value, DEFAULTS_FILE) for key, value in DEFAULTS.items()}
        values |= {key: (port, PORTS_FILE) for key, port in _kept_ports().items()}
        if subnet := _kept_subnet():
            values["SUBNET"] = subnet, SUBNET_FILE
    values |= {key: (value, ".env") for key, value in file_values.items() if value}
    values |= {key: (value, "environment") for key, value in environ.items() if value}
    return {key: values[key] for key in sorted(KEYS - INTERNAL_KEYS) if values.get(key, ("",))[0]}


def _kept_ports() -> dict[str, str]:
    """Return what stack/neighbours.py chose; nothing where it chose nothing, or the file is damaged."""
    try:
        pairs = [word.partition("=") for word in KEPT_PORTS.read_text().split()]
    except (OSError, ValueError):
        return {}
    return {key: port for key, _, port in pairs if key in PUBLISHED and re.fullmatch(r"[1-9]\d{0,4}", port)}


def _kept_subnet() -> str:
    """Return what stack/subnet.py chose; empty where it chose nothing, or the file is damaged."""
    try:
        text = KEPT_SUBNET.read_text().strip()
        return text if ip_network(f"{text}.0/24").is_private else ""
    except (OSError, ValueError):
        return ""


def own_keys(environ: Mapping[str, str], path: Path | None = None) -> dict[str, str]:
    """Return the application's own settings: the keys of `.env` and APP_ENV_FILE that are nobody else's."""
    file = written(environ, path)
    more = {key: value for one in env_files(environ, path).values() for key, value in one.items()}
    return {
        key: environ.get(key, value)
        for key, value in without_servers_own({**more, **file}).items()
        if key not in KEYS and not OF_OTHERS.fullmatch(key)
    }


def env_files(
    environ: Mapping[str, str], path: Path | None = None, unset: dict[str, list[Unset]] | None = None
) -> dict[str, dict[str, str]]:
    """Return what each file of APP_ENV_FILE says. Raise SystemExit where one cannot be read."""
    file, result = written(environ, path), {}
    default = "" if path else DEFAULTS.get("APP_ENV_FILE", "")
    names = environ.get("APP_ENV_FILE") or file.get("APP_ENV_FILE") or default
    for name in filter(None, map(str.strip, names.split(","))):
        place = (path.parent if path else ROOT) / name
        left_out: list[Unset] = []
        try:
            result[name] = parse(content_of(place), {**file, **environ}, left_out)
        except DotenvError as error:
            text = str(error).removeprefix(place.name).removeprefix(".env")
            raise SystemExit(f"APP_ENV_FILE={names}: {name}{text}") from None
        if unset is not None:
            unset[name] = left_out
    return result


def near_misses(keys: Iterable[str]) -> list[str]:
    """Return a warning for each of the application's `keys` that may be a setting misspelt."""
    return [
        f"warning: .env: {key} is not a setting, so only the application gets it; {similar[0]} is one"
        for key in keys
        if (similar := [one for one in sorted(KEYS) if _nearly(key.upper(), one)])
    ]


def warnings(environ: Mapping[str, str], path: Path | None = None) -> list[str]:
    """Return a line for each key of `.env` that may not do what it was written for."""
    unset: list[Unset] = []
    more: dict[str, list[Unset]] = {}
    keys, others = written(environ, path, unset), env_files(environ, path, more)
    return [
        *near_misses(own_keys(environ, path)),
        *(
            f"warning: {name}: {key} is a setting, and of APP_ENV_FILE only the application's own keys are "
            "read; write it into .env"
            for name, values in others.items()
            for key in values
            if key in KEYS
        ),
        *(
            f"warning: .env: {key} is ignored, since a server would apply it in spite of these settings; "
            f"{IN_PLACE_OF.get(key, '`behindproxy settings` lists them')}"
            for key in keys.keys() - without_servers_own(keys).keys()
        ),
        *(_left_out(name, one) for name, rows in {".env": unset, **more}.items() for one in rows),
    ]


def _left_out(name: str, one: Unset) -> str:
    # Not the rest of the value, which may be a secret.
    return (
        f"warning: {name} line {one.line}: {one.variable} in {one.key} is set nowhere, so it expands to "
        f"nothing; if the $ belongs to the value, write it in single quotes: {one.key}='…{one.variable}…'"
    )


def warn() -> None:
    for warning in warnings(os.environ):
        print(PLACES.named(warning))


def _nearly(one: str, other: str) -> bool:
    """Whether the two are equal but for case and underscores, or one letter more, less, other or moved."""
    if one.replace("_", "") == other.replace("_", ""):
        return True
    short, long = sorted((one, other), key=len)
    begin = len(os.path.commonprefix((short, long)))
    rest, more = short[begin:], long[begin:]
    if len(short) < len(long):
        return rest == more[1:]
    return rest[1:] == more[1:] or (rest[1:2] + rest[:1] == more[:2] and rest[2:] == more[2:])


def written(
    environ: Mapping[str, str], path: Path | None = None, unset: list[Unset] | None = None
) -> dict[str, str]:
    """Return what `.env` says, Compose's own keys too; what nothing sets is added to `unset`. Raise
    SystemExit with one line where it is malformed."""
    path = path or ROOT / ".env"
    try:
        return parse(content_of(path), environ, unset) if path.exists() or path.is_symlink() else {}
    except DotenvError as error:
        raise SystemExit(str(error)) from None
