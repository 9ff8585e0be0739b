"""The settings the application container reads; the only place that reads the environment."""

import re
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, computed_field, field_validator, model_validator
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")
MAPPED = IPv6Network("::ffff:0:0/96")  # IPv4 addresses in an IPv6 socket
WIDEST = {4: 8, 6: 20}  # of the networks in TRUSTED_PROXIES, by version of IP: the length of the prefix
DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]+")
URL = re.compile(r"https?://[^\s/?#\"'`<>\\]+(/[^\s?#\"'`<>\\]*)?")
MODULE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def setting(
    default: object, sentence: str, *, section: str, example: str, scope: str = "application", **options: Any
) -> Any:
    """Declare a row of the settings table. `default` stands as a person writes it in `.env`.

    `scope`: what reads it; `section`: where it stands in `.env.example` (behindproxy/settings/table.py).
    """
    words: JsonDict = {"scope": scope, "section": section}
    return Field(default, description=sentence, examples=[example], json_schema_extra=words, **options)


def internal(default: object, sentence: str, *, example: str, **options: Any) -> Any:
    """Declare what the stack sets itself, per runtime; in `.env` it would contradict the stack."""
    return setting(default, sentence, section="", example=example, scope="internal", **options)


def extra(row: FieldInfo, key: str) -> str:
    """Return the `scope` or `section` of a row."""
    table = row.json_schema_extra
    return str(table[key]) if isinstance(table, dict) else ""


class Settings(BaseSettings):
    """Frozen; an empty value means unset, as in Compose's ``${KEY:-default}``.

    Raise pydantic.ValidationError; `explain` turns it into one line a person can act on.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_ignore_empty=True)

    api_prefix: str = setting(
        "/api/v1",
        "The public path prefix, with a leading slash and no trailing one.",
        section="path",
        example="/api/v1",
    )
    strip_prefix: bool = setting(
        "true",
        "false: Traefik leaves the prefix in the path, and the app accepts paths with and without it.",
        section="path",
        example="true",
    )
    probe: bool = setting(
        "1",
        "1 mounts /_probe, which shows a request as the app received it. Use 0 in production.",
        section="operation",
        example="1",
    )
    docs: Literal["public", "private", "off"] = setting(
        "public",
        "Documentation pages and schema of the application and its mounts: public, private (only for "
        "clients of the server itself, without the proxy) or off (404 everywhere).",
        section="passes",
        example="public",
    )
    app_server: Literal["uvicorn", "fastapi", "gunicorn", "hypercorn"] = setting(
        "uvicorn",
        "What serves the application: uvicorn, fastapi, gunicorn or hypercorn.",
        section="server",
        example="uvicorn",
    )
    app_workers: int = setting(
        1, "Server processes in each container.", section="server", example="2", ge=1, le=64
    )
    app_reload: bool = internal(
        "0",
        "`make dev` sets it: the server starts again when a file of the application changes.",
        example="1",
    )
    app_module: str = setting(
        "app.main:app",
        "The application to serve: a module and the attribute in it, which may be a function that makes the "
        "application (module:create_app).",
        section="server",
        example="app.main:app",
    )
    app_host: str = internal("127.0.0.1", "The address that the server listens on.", example="127.0.0.1")
    app_port: int = internal(8000, "The port that it listens on.", example="8000", ge=1, le=65535)
    proxy_address: str = internal(
        "127.0.0.1", "The one address, or exact network, of the proxy in front.", example="192.0.2.1"
    )
    proxy_token: str = internal(
        "",
        "Set by the native runtime, where every process of the host has the proxy's address.",
        example="",
        repr=False,
    )
    trusted_proxies: str = setting(
        "",
        "Addresses or exact networks of load balancers in front of Traefik, comma-separated; Traefik and "
        "the application trust them. Names, host bits and quotes are refused: servers accept them "
        "silently and then trust nothing.",
        section="names",
        example="192.0.2.10,198.51.100.0/24",
    )
    untrusted_networks: str = internal(
        "",
        "Set by what makes the networks: there are others than the proxy in these, so TRUSTED_PROXIES may "
        "not reach into them.",
        example="203.0.113.0/24",
    )
    drain_seconds: int = setting(
        10,
        "Seconds that requests in flight, streams and WebSockets have to finish when a container is stopped "
        "or replaced.",
        section="operation",
        example="10",
        ge=1,
        le=3600,
    )
    start_seconds: int = setting(
        60,
        "Seconds that a new process of the application may take to become ready: to import it and to "
        "run its lifespan.",
        section="operation",
        example="150",
        ge=1,
        le=3600,
    )
    max_body_bytes: int = setting(
        10 * 1024 * 1024,
        "A longer request body gets 413; the response names this key. In each process all bodies together "
        "may have 128 MiB, or four times this if that is more; another gets 503.",
        section="operation",
        example="10485760",
        ge=1024,
    )
    websocket_max_bytes: int = setting(
        1024 * 1024,
        "A longer WebSocket message, whole or in fragments, closes its connection with 1009.",
        section="operation",
        example="1048576",
        ge=1024,
    )
    otel_exporter_otlp_endpoint: str = setting(
        "",
        "The collector that Traefik and the app send traces and metrics to, over OTLP/HTTP.",
        section="telemetry",
        example="http://collector:4318",
    )
    metrics_port: int = internal(
        0, "Where metrics are served, for no client; 0 serves none.", example="9000", ge=0, le=65535
    )
    run_dir: str = internal("/tmp/run", "Where the server keeps what it writes.", example="/tmp/run")
    drain_mark: str = internal(
        "",
        "Set by behindproxy_serve/drain.py: once this file exists, each response closes its connection.",
        example="/tmp/run/leaving",
    )
    staging_url: str = setting(
        "",
        "The staging address in the OpenAPI `servers` of the demonstration, after the prefix; another "
        "application passes FastAPI(servers=…) itself.",
        section="openapi",
        example="https://staging.example.com",
    )
    production_url: str = setting(
        "",
        "The production address in the OpenAPI `servers` of the demonstration, after the staging one.",
        section="openapi",
        example="https://api.example.com",
    )
    root_path_in_servers: bool = setting(
        "true",
        "false leaves the prefix out of the demonstration's OpenAPI `servers`.",
        section="openapi",
        example="true",
    )

    domain: str = setting(
        "",
        "Production (docs/production.md): with DOMAIN set, `make up` adds docker-compose.prod.yml. The stack "
        "then has ports 80 and 443 on every IPv4 address, a certificate for DOMAIN and two replicas; no "
        "probe, no DIRECT_PORT.",
        section="production",
        scope="production",
        example="api.example.com",
    )

    @field_validator("api_prefix")
    @classmethod
    def _prefix(cls, value: str) -> str:
        if not value.isascii():
            raise ValueError("is not ASCII, so Uvicorn would answer 400 to every request")
        if not value.startswith("/"):
            raise ValueError("must start with a slash")
        if value.endswith("/"):
            raise ValueError("must not end with a slash")
        if not PREFIX.fullmatch(value) or {".", ".."} & set(value.split("/")):
            raise ValueError("may contain only letters, digits and . _ ~ - between its slashes")
        return value

    @field_validator("app_module")
    @classmethod
    def _module(cls, value: str) -> str:
        if not MODULE.fullmatch(value):
            raise ValueError("must name a module and an attribute, as module:attr")
        return value

    @field_validator("domain")
    @classmethod
    def _domain(cls, value: str) -> str:
        if value and not DOMAIN.fullmatch(value):
            raise ValueError("must be a lower-case host name with a dot, not a URL")
        return value

    @field_validator("proxy_address")
    @classmethod
    def _proxy(cls, value: str) -> str:
        return str(trusted(value))

    @field_validator("app_host")
    @classmethod
    def _address(cls, value: str) -> str:
        return str(exact_address(value))

    @field_validator("trusted_proxies", "untrusted_networks")
    @classmethod
    def _proxies(cls, value: str) -> str:
        items = [trusted(item.strip()) for item in value.split(",") if value.strip()]
        refuse_everybody(items)
        return ",".join(map(str, items))

    @field_validator("staging_url", "production_url", "otel_exporter_otlp_endpoint")
    @classmethod
    def _url(cls, value: str) -> str:
        if value and not (URL.fullmatch(value) and has_host(value)):
            raise ValueError("must be an http or https URL")
        return value

    @model_validator(mode="after")
    def _untrusted_networks_are_not_trusted(self) -> Self:
        refuse_overlap(self.trusted_proxies, self.untrusted_networks)
        return self

    @property
    def package(self) -> str:
        """The application's top package, or its one module."""
        return self.app_module.partition(":")[0].partition(".")[0]

    @computed_field  # type: ignore[prop-decorator]
    @cached_property
    def forwarded_allow_ips(self) -> str:
        """Who may set X-Forwarded-For and -Proto: the proxy, and each hop before it."""
        return ",".join(filter(None, (self.proxy_address, self.trusted_proxies)))


def exact_address(value: str) -> IPv4Address | IPv6Address:
    try:
        address = ip_address(value)
    except ValueError:
        raise ValueError("is not an IP address; the servers never resolve a name here") from None
    return refuse_zone(address)


def refuse_zone(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return it. Traefik does not start with one in its lists."""
    if zone := getattr(address, "scope_id", None):
        raise ValueError(f"'{address}' has a zone (%{zone}), which Traefik does not take; use another one")
    return address


def has_host(url: str) -> bool:
    """Whether it names a host, and a port that there can be."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def trusted(item: str) -> IPv4Address | IPv6Address | IPv4Network | IPv6Network:
    """One address or exact network. Uvicorn takes every other spelling silently and then
    trusts nobody (uvicorn#1223, #2468)."""
    if item == "*":
        raise ValueError("'*' would trust every caller; name each proxy's address")
    if item[:1] in "\"'":
        raise ValueError("has quotes inside the value; remove them")
    try:
        address = ip_address(item)
    except ValueError:
        pass
    else:
        return getattr(address, "ipv4_mapped", None) or refuse_zone(address)
    try:
        network = ip_network(item)
    except ValueError as error:
        if "host bits" in str(error):
            exact = ip_network(item, strict=False)
            raise ValueError(f"{item!r} has host bits set; the network is {exact}") from None
        reason = f"{item!r} is neither an IP address nor a network; names are never resolved"
        raise ValueError(reason) from None
    if isinstance(network, IPv6Network) and network.subnet_of(MAPPED):
        raise ValueError(f"{item!r} holds IPv4 addresses in IPv6's spelling; write them as IPv4")
    return network


def refuse_everybody(items: list[IPv4Address | IPv6Address | IPv4Network | IPv6Network]) -> None:
    """Raise ValueError where `items` are wider, one by one or together, than the load balancers of anybody.

    Cloudflare's, the largest list that is published, are two million IPv4 addresses and IPv6 networks of /29.
    """
    networks = [ip_network(item) for item in items]
    for network in networks:
        if network.prefixlen < WIDEST[network.version]:
            raise ValueError(
                f"{str(network)!r} is wider than a /{WIDEST[network.version]}, and would trust callers that "
                "are not proxies; name the load balancers' addresses"
            )
    for version, widest in WIDEST.items():
        of_version = [network for network in networks if network.version == version]
        together = sum(network.num_addresses for network in of_version)
        if of_version and together > 4 * 2 ** (of_version[0].max_prefixlen - widest):
            raise ValueError(
                f"together they are {together / 2 ** of_version[0].max_prefixlen:.0%} of all IPv{version} "
                "addresses; name the load balancers' addresses"
            )


def refuse_overlap(proxies: str, untrusted: str) -> None:
    """Raise ValueError where one of `proxies` is, or holds, an address of the networks `untrusted`.

    Trusting it would make every neighbour container and every caller on the direct port a proxy.
    """
    for item in filter(None, proxies.split(",")):
        trusted_network = ip_network(item)
        for network in map(ip_network, filter(None, untrusted.split(","))):
            if trusted_network.version == network.version and trusted_network.overlaps(network):
                raise ValueError(
                    f"TRUSTED_PROXIES={item} covers {network}, one of the deployment's own networks: "
                    "every container and direct caller there would be trusted; name the load "
                    f"balancers' addresses, for example {example('trusted_proxies')}"
                )


def example(name: str, model: type[BaseSettings] = Settings) -> str:
    """Return `KEY=value` with a value that works for the field `name`."""
    return f"{name.upper()}={(model.model_fields[name].examples or [''])[0]}"


def explain(error: ValidationError, model: type[BaseSettings] = Settings) -> str:
    """One line a finding: the key, the value, the reason, and a value that works."""
    lines = []
    for finding in error.errors():
        if not finding["loc"]:
            lines.append(one_line(finding["msg"].removeprefix("Value error, "), 900))
            continue
        name = str(finding["loc"][0])
        key, value = name.upper(), finding["input"]
        if finding["type"] == "extra_forbidden":
            lines.append(f"{key}: no such setting; .env.example lists them all")
            continue
        line = f"{key}={one_line(str(value))}: {one_line(reason(finding))}"
        lines.append(f"{line}; for example {example(name, model)}")
    return "\n".join(lines)


def one_line(text: str, longest: int = 300) -> str:
    """Return it as a terminal may have it: control characters as escapes, and not all of a long one."""
    text_line = "".join(one if one.isprintable() else repr(one)[1:-1] for one in text[:longest])
    return f"{text_line}…" if len(text) > longest else text_line


def reason(finding: ErrorDetails) -> str:
    text = finding["msg"].removeprefix("Value error, ")
    return text[:1].lower() + text[1:]
