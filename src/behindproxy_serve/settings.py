"""The settings the application container reads; the only place that reads the environment."""

import re
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal, Self

from pydantic import Field, ValidationError, computed_field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")
MODULE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


class Settings(BaseSettings):
    """Frozen; an empty value means unset, as in Compose's ``${KEY:-default}``.

    Raises pydantic.ValidationError; `explain` turns it into one line a person can act on.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_ignore_empty=True)

    api_prefix: str = Field("/api/v1", examples=["/api/v1"])
    strip_prefix: bool = Field(True, examples=["true"])
    probe: bool = Field(True, examples=["1"])
    app_server: Literal["uvicorn", "fastapi", "gunicorn", "hypercorn"] = Field(
        "uvicorn", examples=["uvicorn"]
    )
    app_workers: int = Field(1, ge=1, le=64, examples=["2"])
    # `make dev` sets it: the server starts anew when a file of the application changes.
    app_reload: bool = Field(False, examples=["1"])
    app_module: str = Field("app.main:app", examples=["app.main:app"])
    app_host: str = Field("127.0.0.1", examples=["127.0.0.1"])
    app_port: int = Field(8000, ge=1, le=65535, examples=["8000"])
    proxy_address: str = Field("127.0.0.1", examples=["192.0.2.1"])
    # Set by the native runtime, where every process of the host has the proxy's address.
    proxy_token: str = Field("", repr=False)
    trusted_proxies: str = Field("", examples=["192.0.2.10,198.51.100.0/24"])
    # Set by what makes the networks: there are others than the proxy in these, so TRUSTED_PROXIES may not
    # reach into them.
    untrusted_networks: str = Field("", examples=["203.0.113.0/24"])
    drain_seconds: int = Field(10, ge=1, le=3600, examples=["10"])
    max_body_bytes: int = Field(10 * 1024 * 1024, ge=1024, examples=["10485760"])
    websocket_max_bytes: int = Field(1024 * 1024, ge=1024, examples=["1048576"])
    otel_exporter_otlp_endpoint: str = Field("", examples=["http://collector:4318"])
    # Where metrics are served, for no client; 0 serves none.
    metrics_port: int = Field(0, ge=0, le=65535, examples=["9000"])
    run_dir: str = Field("/tmp/run", examples=["/tmp/run"])
    # Set by behindproxy_serve/drain.py: from when this file is there, each answer closes its connection.
    drain_mark: str = Field("", examples=["/tmp/run/leaving"])
    staging_url: str = Field("", examples=["https://staging.example.com"])
    production_url: str = Field("", examples=["https://api.example.com"])
    root_path_in_servers: bool = Field(True, examples=["true"])

    @field_validator("api_prefix")
    @classmethod
    def _prefix(cls, value: str) -> str:
        if not value.isascii():
            raise ValueError("is not ASCII, and Uvicorn answers 400 to every request then")
        if not value.startswith("/"):
            raise ValueError("must start with a slash")
        if value.endswith("/"):
            raise ValueError("must not end with a slash")
        if not PREFIX.fullmatch(value) or {".", ".."} & set(value.split("/")):
            raise ValueError("may hold only letters, digits and . _ ~ - between its slashes")
        return value

    @field_validator("app_module")
    @classmethod
    def _module(cls, value: str) -> str:
        if not MODULE.fullmatch(value):
            raise ValueError("must name a module and an attribute, as module:attr")
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
        return ",".join(str(trusted(item.strip())) for item in value.split(",") if value.strip())

    @field_validator("staging_url", "production_url", "otel_exporter_otlp_endpoint")
    @classmethod
    def _url(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", value):
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
        return ip_address(value)
    except ValueError:
        raise ValueError("is not an IP address; the servers never resolve a name here") from None


def trusted(item: str) -> IPv4Address | IPv6Address | IPv4Network | IPv6Network:
    """One address or exact network. Uvicorn takes every other spelling in silence and then
    trusts nobody (uvicorn#1223, #2468)."""
    if item == "*":
        raise ValueError("'*' would believe every caller; name each proxy's address")
    if item[:1] in "\"'":
        raise ValueError("has quotes inside the value; write it without")
    try:
        return ip_address(item)
    except ValueError:
        pass
    try:
        return ip_network(item)
    except ValueError as error:
        if "host bits" in str(error):
            exact = ip_network(item, strict=False)
            raise ValueError(f"{item!r} has host bits set; the network is {exact}") from None
    raise ValueError(f"{item!r} is neither an IP address nor a network; names are never resolved")


def refuse_overlap(proxies: str, untrusted: str) -> None:
    """Raise ValueError where one of `proxies` is, or holds, an address of the networks `untrusted`.

    Trusting it would make every neighbour container and every caller at the direct port a proxy.
    """
    for item in filter(None, proxies.split(",")):
        trusted_network = ip_network(item)
        for network in map(ip_network, filter(None, untrusted.split(","))):
            if trusted_network.version == network.version and trusted_network.overlaps(network):
                raise ValueError(
                    f"TRUSTED_PROXIES={item} covers {network}, one of the deployment's own networks: "
                    "every container and direct caller there would be trusted; name the load "
                    "balancers' addresses, e.g. TRUSTED_PROXIES=192.0.2.10"
                )


def explain(error: ValidationError, model: type[BaseSettings] = Settings) -> str:
    """One line a finding: the key, the value, the reason, and a value that works."""
    lines = []
    for finding in error.errors():
        reason = finding["msg"].removeprefix("Value error, ")
        if not finding["loc"]:
            lines.append(reason)
            continue
        name = str(finding["loc"][0])
        key, value = name.upper(), finding["input"]
        if finding["type"] == "extra_forbidden":
            lines.append(f"{key}: no such setting; .env.example lists them all")
            continue
        reason = reason[:1].lower() + reason[1:]
        example = (model.model_fields[name].examples or [""])[0]
        lines.append(f"{key}={value}: {reason}; for example {key}={example}")
    return "\n".join(lines)
