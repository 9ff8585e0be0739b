"""One table of all settings.

Its rows are the fields of behindproxy_serve/settings.py and stack/settings.py, each with its validator beside
it, and what Compose and the runtime of Traefik read themselves.
"""

from dataclasses import dataclass

from pydantic import ValidationError

from behindproxy.stack.settings import INTERNAL, PRODUCTION, StackSettings, SwarmSettings
from behindproxy_serve.settings import extra, reason

# In the order of `.env.example`.
SECTIONS = {
    "path": "The path",
    "ports": "Ports and addresses",
    "names": "Names and load balancers",
    "machine": "Several stacks on one machine",
    "passes": "What passes the proxy",
    "operation": "The probe, and limits",
    "server": "What serves the application",
    "openapi": "OpenAPI",
    "telemetry": "Traces and metrics",
    "production": "Production",
    "swarm": "Docker Swarm",
}
SCOPES = {
    "application": "application: the application's container; Traefik too, where both must agree",
    "stack": "stack: Traefik, in every runtime",
    "docker": "docker: only in Docker",
    "native": "native: only in the native runtime",
    "production": "production: only if `DOMAIN` is set; of these keys, a swarm reads only `DOMAIN`",
    "swarm": "swarm: only `make swarm-deploy`",
}


@dataclass(frozen=True)
class Setting:
    """One row. Values stand as in `.env`, so `${DOMAIN}` is the value of that setting."""

    name: str
    default: str
    production: str  # the default with DOMAIN
    swarm: str  # the default of deploy/swarm/stack.yml
    scope: str
    section: str
    example: str
    sentence: str
    validated: bool = True  # False: who reads it checks it

    def refusal(self, value: str) -> str:
        """Return the reason for which its validator refuses `written`; empty where it takes it."""
        name = self.name.lower()
        if self.validated and value:
            try:
                StackSettings.model_validate({name: value})
            except ValidationError as error:
                return next((reason(one) for one in error.errors() if one["loc"][:1] == (name,)), "")
        return ""

    def effective(self, domain: bool, swarm: bool) -> tuple[str, str]:
        """Return the default, and why it is that."""
        if domain and self.production != self.default:
            return self.production, "default with DOMAIN"
        if swarm and self.swarm != self.default:
            return self.swarm, "default in a swarm"
        return self.default, "default"


OF_OTHERS = (
    Setting(
        "COMPOSE_PROJECT_NAME",
        default="",
        production="",
        swarm="",
        scope="docker",
        section="machine",
        example="behindproxy-2",
        sentence="What Docker calls this stack's containers, networks and volumes; empty: the name in "
        "docker-compose.yml.",
        validated=False,
    ),
    Setting(
        "GOMAXPROCS",
        default="1",
        production="",
        swarm="",
        scope="docker",
        section="server",
        example="1",
        sentence="Cores that Traefik may use: 1 in development, all in production and in a swarm "
        "(docs/performance.md).",
        validated=False,
    ),
)


def _rows() -> list[Setting]:
    rows = [
        Setting(
            name=name.upper(),
            default=str(field.default),
            production=PRODUCTION.get(name, str(field.default)),
            swarm=str(SwarmSettings.model_fields[name].default),
            scope=extra(field, "scope"),
            section=extra(field, "section"),
            example=str((field.examples or [""])[0]),
            sentence=field.description or "",
        )
        for name, field in StackSettings.model_fields.items()
        if name not in INTERNAL
    ]
    order = list(SECTIONS)
    return sorted([*rows, *OF_OTHERS], key=lambda row: order.index(row.section))


TABLE = {row.name: row for row in _rows()}
