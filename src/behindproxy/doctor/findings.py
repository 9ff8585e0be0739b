"""Every finding of doctor: its id, its level, what it says and what helps, under the symptom that
a person sees. docs/troubleshooting.md is made from it.

`{name}` in a text or a fix is a field that whoever raises the finding gives. `{name:, and }` puts
the words after the colon in front of the field, and leaves both out where the field is empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from string import Formatter

from .step import ERROR, NOTE, WARNING, Step


@dataclass(frozen=True)
class Finding:
    """One entry. `fixes` are what helps in further cases; entries with the same id are cases too,
    whose texts differ. `source` is what a reader can open: `page › heading`, where a page of this
    repository is a path; `RFC n › section`; or `owner/repository#number`."""

    level: str
    id: str
    text: str
    fix: str
    case: str = ""
    fixes: Mapping[str, str] = field(default_factory=dict)
    source: str = ""

    @property
    def fields(self) -> set[str]:
        return {name for template in (self.text, self.fix) for name in names(template)}


class _Template(Formatter):
    def format_field(self, value: object, format_spec: str) -> str:
        return f"{format_spec}{value}" if str(value) else ""


def names(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def fill(template: str, fields: Mapping[str, object]) -> str:
    return _Template().vformat(template, (), fields)


def finding(subject: str, id_: str, /, case: str = "", **fields: object) -> Step:
    """Return the step that says what the catalogue has for it, with these fields."""
    entry = ENTRIES[id_, case]
    if fields.keys() != entry.fields:
        raise TypeError(f"{id_} has the fields {sorted(entry.fields)}, not {sorted(fields)}")
    return Step(entry.level, subject, fill(entry.text, fields), fill(entry.fix, fields), id_)


cause = partial(finding, "cause")  # of what came of a URL
error = partial(Finding, ERROR)
warning = partial(Finding, WARNING)
note = partial(Finding, NOTE)

LISTENS = "docs/reaching-it.md › Where a server listens"
PUBLIC = 'docs/reaching-it.md › What "public" means'
ANSWERS = "docs/reaching-it.md › What the answer says"
FORWARDS = "docs/reaching-it.md › Who forwards"

# Of two findings.
ON_EVERY_ADDRESS = {
    "unknown_server": "start it on 0.0.0.0, so that other machines reach it",
    "stack": "BIND_ADDRESS=0.0.0.0 in .env, then make up, so that other machines reach it",
}
# Of two symptoms.
FIREWALL = error(
    "url.firewall",
    "this machine's firewall keeps {port} closed: {rule}",
    "take the rule out, or accept tcp {port} before it",
    source=ANSWERS,
)
PRIVATE_ELSEWHERE = error(
    "url.private_elsewhere",
    "{address} is {kind}, of a network that this machine is not in: no route leads there from the internet",
    "use the machine's public address, a VPN, or ssh -L {port}:localhost:{port} THAT-MACHINE",
    source=PUBLIC,
)
SPEAKS_TLS = error("url.speaks_tls", "{port} speaks TLS", "{https_url}")

# In the order of the document, and under each symptom the likeliest first.
CATALOGUE: dict[str, tuple[Finding, ...]] = {
    "Connection refused": (
        error(
            "url.nothing_listens",
            "nothing listens at {port} of this machine",
            "start the server{others:; Python listens at }",
            fixes={
                "port_of_the_stack": "make up",
                "stack_elsewhere": "the stack of this clone is at {entrypoints}",
            },
        ),
        error(
            "url.bound_to_loopback",
            "{process} listens on {address} alone: only this machine can connect there",
            "{command}, so that other machines reach it",
            fixes=ON_EVERY_ADDRESS,
            source=LISTENS,
        ),
        error(
            "url.nothing_listens_there",
            "{address} is up, and nothing listens at {port} on that address: the server may listen on its "
            "127.0.0.1 alone",
            "on that machine: make doctor URL={url}; start the server with --host 0.0.0.0",
            source=LISTENS,
        ),
        error(
            "url.other_family",
            "{process} listens on {address} alone, which is {version}",
            "{url}, or let it listen on both",
            source=LISTENS,
        ),
        error(
            "url.bound_to_another_address",
            "{process} listens on {address} alone",
            "{command}, so that other machines reach it",
            fixes=ON_EVERY_ADDRESS,
            source=LISTENS,
        ),
        error(
            "url.direct_is_local",
            "{process} listens on {address} alone, as it should: past the proxy, for this machine",
            "use the proxied entrypoint: {url}",
            source="docs/reaching-it.md › Which command does what",
        ),
        error(
            "url.refused_though_listening",
            "{process} listens there now, and refused a moment ago: it was starting, or its queue is full",
            "check again",
        ),
        FIREWALL,
    ),
    "Connection refused or reset, at a published port": (
        error(
            "url.published_on_loopback",
            "{container} publishes {port} on {address} alone",
            "-p 0.0.0.0:{port}:{target}, so that other machines reach it",
            fixes={"stack": "BIND_ADDRESS=0.0.0.0 in .env, then make up, so that other machines reach it"},
            source=LISTENS,
        ),
        error(
            "url.ipv6_is_not_published",
            "{container} publishes {port} on {address} alone, which is IPv4",
            "use http://127.0.0.1:{port}, the machine's IPv4 address, or a name without an AAAA record; "
            "natively (RUNTIME=native) BIND_ADDRESS=:: serves IPv6 too",
            source=LISTENS,
        ),
        error(
            "url.direct_is_local",
            "{container} publishes {port} on {address} alone, as it should: past the proxy, for this machine",
            "use the proxied entrypoint: {url}",
            case="container",
            source="docs/reaching-it.md › Which command does what",
        ),
        error(
            "url.container_loopback",
            "the server in {container} listens on {address}, which only the container itself reaches; the "
            "published port leads to its other address",
            "start it with --host 0.0.0.0 in the container; in -p or ports: the host's side stays 127.0.0.1",
            source=LISTENS,
        ),
        error(
            "url.container_other_port",
            "nothing listens at {target} in {container}; {others} does",
            "-p {port}:{other}",
        ),
        error(
            "url.container_other_port",
            "nothing listens at {target} in {container}",
            "docker logs {container}",
            case="no_port",
        ),
        error(
            "url.container_ended",
            "{container}, which publishes {port}, is {state} (exit {exit_code}){last_line:; }",
            "docker start {container}",
            fixes={"stack": "make up"},
        ),
        error("url.container_paused", "{container} is paused", "docker unpause {container}"),
        error(
            "url.container_silent", "{container} has {port} and does not answer", "docker logs {container}"
        ),
    ),
    "Timed out": (
        error(
            "url.dropped_on_the_way",
            "a firewall on the way drops the request: a cloud's security group, or the host's own firewall; "
            "neither can be seen from here",
            "open tcp {port} there; on that machine: make doctor URL={url}",
            source=ANSWERS,
        ),
        PRIVATE_ELSEWHERE,
        FIREWALL,
        error(
            "url.firewall_unseen",
            "something drops what arrives at {port}; {firewall}",
            "sudo make doctor shows the firewall's rules",
            source=ANSWERS,
        ),
        error(
            "url.queue_full",
            "{process} listens and takes no connection: it hangs, or is stopped, and its queue is full",
            "end it and start it again",
        ),
    ),
    "Connected, and no answer": (
        SPEAKS_TLS,
        error(
            "url.busy",
            "{process} takes connections and answers none: a call that waits blocks its event loop, or it is "
            "no HTTP server",
            "py-spy dump --pid with its pid shows where; in a route with def in place of async def, blocking "
            "code runs in a thread",
            source="FastAPI: Concurrency and async / await › Path operation functions",
        ),
        error(
            "url.busy",
            "something takes the connection and does not answer: the server hangs, or a proxy waits for what "
            "is behind it",
            "on that machine: make doctor",
            case="unseen",
        ),
        error(
            "url.stopped",
            "{process} is stopped, as Ctrl-Z does; the kernel goes on taking connections for it",
            "kill -CONT {pid}, or fg in its terminal",
        ),
        error(
            "url.forward_closed",
            "{process} forwards this port, and nothing listens at the far end",
            "look at the far end: does the server run there, and at that port?",
            source=FORWARDS,
        ),
        error("url.not_http", "{process} is no HTTP server, or ends connections at once", "look at its log"),
        error(
            "url.not_http",
            "what listens at {port} ends the connection without an answer: it is no HTTP server, or a port "
            "forward whose far end is closed (ssh -L to a port where nothing listens)",
            "look at the far end: does the server run there, and at that port?",
            case="unseen",
            source=FORWARDS,
        ),
    ),
    "No route to host": (
        error(
            "url.no_route",
            "no route leads to {address}: {reason}",
            "look for a network that is down, an address of another network, or IPv6 where there is none",
        ),
        PRIVATE_ELSEWHERE,
    ),
    "Name not known": (
        error(
            "url.no_name",
            "the name {host} has no address: {reason}",
            "look for a typing error, a DNS record that is missing or not yet everywhere, or a line in "
            "/etc/hosts",
        ),
    ),
    "TLS handshake failed": (
        error("url.plain_http", "{port} speaks plain HTTP", "{url}"),
        error(
            "url.tls_refused",
            "the TLS handshake failed: {reason}; a server that has no certificate for {host} may refuse it",
            "use the name that its certificate has, or set DOMAIN in .env",
            source="RFC 6066 › 3",
        ),
    ),
    "The certificate is refused": (
        error(
            "url.certificate_unknown",
            "the authority that signed the certificate is not trusted here: {reason}",
            "for this clone's own certificate: CA_FILE={ca} make doctor URL=…, and curl --cacert {ca}; for a "
            "public one, set DOMAIN (docs/production.md)",
            source="docs/production.md › Start",
        ),
        error(
            "url.certificate_name",
            "the certificate is not for {host}: {reason}",
            "add {host} to PUBLIC_HOSTS in .env, then make up; or use a name that the certificate has",
            source="RFC 9110 › 4.3.4",
        ),
        error(
            "url.certificate_expired",
            "the certificate has expired",
            "make up makes a new certificate; in production see make ps",
            source="docs/production.md › Start",
        ),
    ),
    "Too many redirects": (
        error(
            "url.redirect_loop",
            "the redirects go in a circle: one sends to https and the other back to http",
            "the application must trust its proxy's X-Forwarded-Proto (TRUSTED_PROXIES), and only one of the "
            "two may redirect",
            case="schemes",
            source="FastAPI: Behind a Proxy › Redirects with HTTPS",
        ),
        error(
            "url.redirect_loop",
            "the redirects go in a circle: proxy and application each want another path, as with a slash at "
            "its end",
            "the application must trust its proxy's X-Forwarded-Proto (TRUSTED_PROXIES), and only one of the "
            "two may redirect",
            source="FastAPI: Behind a Proxy › Redirects with HTTPS",
        ),
    ),
    "404": (
        error(
            "url.prefix",
            "no router takes {path}: every public path begins with {prefix}",
            "{url}",
            case="router",
            source="FastAPI: Behind a Proxy › Proxy with a stripped path prefix",
        ),
        error(
            "url.prefix",
            "the path does not begin with {prefix}, and Traefik routes no other",
            "{url}",
            case="missing",
            source="FastAPI: Behind a Proxy › Proxy with a stripped path prefix",
        ),
        error(
            "url.prefix",
            "this entrypoint has no prefix: it is the application itself, with {prefix} in root_path alone",
            "{url}",
            case="direct",
            source="FastAPI: Behind a Proxy › About root_path",
        ),
        error(
            "url.host",
            "Traefik does not know the host {host}; for localhost it answers",
            "PUBLIC_HOSTS={hosts} in .env, then make up",
            source=LISTENS,
        ),
        error(
            "url.no_route",
            "no router of Traefik takes this host and path{routes_error:; its last edit was refused: }",
            "see make ps, and the rule in traefik/dynamic/routes.toml",
            case="router",
            source=ANSWERS,
        ),
        error(
            "url.no_such_path",
            "{server} was reached, and does not have the path {path}",
            "{docs_url} lists a FastAPI application's paths",
            source=ANSWERS,
        ),
    ),
    "502, 503 or 504": (
        error(
            "url.no_application",
            "the proxy answers, but cannot connect to the application: that is down, starting, draining, or "
            "listens on 127.0.0.1 of its own container",
            "see make ps and make logs FOLLOW=0",
            case="502",
            source=ANSWERS,
        ),
        error(
            "url.no_application",
            "the proxy answers, but has no application that is ready: that is down, starting, draining, or "
            "listens on 127.0.0.1 of its own container",
            "see make ps and make logs FOLLOW=0",
            case="503",
            source=ANSWERS,
        ),
        error(
            "url.too_slow",
            "the application took longer than the proxy waits (responseHeaderTimeout)",
            "make logs FOLLOW=0 shows what it does; the limit is in traefik/dynamic/middlewares.toml",
            source="docs/production.md › When something breaks",
        ),
    ),
    "Another answer that is an error": (
        SPEAKS_TLS,
        error(
            "url.host_refused",
            "the application does not know the host {host}",
            "add it to the hosts of its TrustedHostMiddleware, or to PUBLIC_HOSTS",
            source="Starlette: Middleware › TrustedHostMiddleware",
        ),
        error(
            "url.not_allowed", "{server} demands credentials", "send credentials", source="RFC 9110 › 15.5.2"
        ),
        note(
            "url.method",
            "the path is there, but not for GET",
            "use curl -X with its method, which the docs page names",
            source="RFC 9110 › 15.5.6",
        ),
        error(
            "url.too_many",
            "too many requests from here",
            "try again in {seconds} s; RATE_LIMIT is the limit of this stack",
            source="RFC 6585 › 4",
        ),
        error(
            "url.application_failed",
            "the application answered {status}",
            "its log has the traceback: make logs FOLLOW=0",
        ),
        error("url.refused_by_application", "the application answered {status}", "see its answer: {body}"),
        error(
            "url.downgraded",
            "a redirect leads from https to http: the application does not trust its proxy's "
            "X-Forwarded-Proto",
            "see TRUSTED_PROXIES, and --forwarded-allow-ips of the server",
            source="FastAPI: Behind a Proxy › Enable Proxy Forwarded Headers",
        ),
    ),
    "The stack does not run": (
        error("stack.not_running", "the stack of this clone is not running", "make up"),
        error("port.taken", "{port} is taken by {process}", "end it, or make up {key}={free_port}"),
        error(
            "engine.silent",
            "the stack was started in Docker, and {engine}",
            "start Docker (sudo systemctl start docker, or Docker Desktop)",
            fixes={"not_allowed": "add yourself to the group docker, or sudo make doctor"},
            source="Linux post-installation steps for Docker Engine › Manage Docker as a non-root user",
        ),
        error(
            "native.gone",
            "supervisord, which keeps Traefik and the application running, does not run",
            "make up",
        ),
    ),
    "A part of the stack ended, hangs, or listens elsewhere": (
        error("container.ended", "{state} ({reason}){last_line:; its last line: }", "make logs FOLLOW=0"),
        error("container.ended", "is {state}", "make up", case="not_started"),
        error("container.missing", "its container is not there", "make up"),
        error("container.missing", "this clone has no container", "make up", case="all"),
        error("container.paused", "is paused", "docker unpause {container}"),
        error("container.unhealthy", "runs, and its health check fails", "make logs FOLLOW=0"),
        note("container.starting", "is starting", "check again in a few seconds"),
        error(
            "container.loopback",
            "listens on {address} in its container, where nobody outside it can connect, not even Traefik",
            "set APP_HOST: 0.0.0.0 in docker-compose.yml (--host 0.0.0.0), then make up",
            source=LISTENS,
        ),
        error(
            "container.other_port",
            "nothing listens on {port} in its container{others:; something does on }",
            "make logs FOLLOW=0; Traefik and the health check send requests to {port}",
        ),
        error("process.ended", "{state}: its last lines are in {log}", "make logs FOLLOW=0"),
        error("process.stopped", "{process} is stopped, as Ctrl-Z does", "kill -CONT {pid}"),
        error("process.not_listening", "nothing listens at {port}", "make logs FOLLOW=0"),
    ),
    "An entrypoint of the stack does not answer": (
        error(
            "routes.not_taken",
            "Traefik refused the last edit: {reason}",
            "mend the file in traefik/dynamic; Traefik takes it when it is saved",
        ),
        error(
            "entrypoint.no_route",
            "{url}: Traefik's own 404, no router takes it",
            "see the rule in traefik/dynamic/routes.toml; make ps says whether the last edit was taken",
            source=ANSWERS,
        ),
        error(
            "entrypoint.no_app",
            "{url}: {status}, Traefik finds no application that is ready",
            "see make ps and make logs FOLLOW=0",
            source=ANSWERS,
        ),
        error("entrypoint.silent", "{url}: connected, and no answer", "make logs FOLLOW=0", source=ANSWERS),
        error("entrypoint.closed", "{url}: {outcome}", "see make ps, then make restart", source=ANSWERS),
        error(
            "entrypoint.certificate",
            "{url}: {outcome}",
            "make up makes a new certificate; CA_FILE= names another authority",
        ),
        error(
            "firewall.drops",
            "{port}: {rule}",
            "take the rule out, or accept tcp {port} before it",
            case="here",
            source=ANSWERS,
        ),
        error("network.refused", "{part}: {answer}", "make logs FOLLOW=0"),
        error(
            "port.not_published",
            "{port} of this machine leads to no container",
            "write 127.0.0.1:{port}:{target} under ports: of {service} in docker-compose.yml, then make up",
            source=LISTENS,
        ),
        error(
            "port.wrong_target",
            "{port} leads to {published} in {service}, where {target} is served",
            "write 127.0.0.1:{port}:{target} under ports: of {service}",
            source=LISTENS,
        ),
    ),
    "Other machines are kept out, or let in too far": (
        error(
            "hosts.refused",
            "{address} ({interface}) is {kind}; the port is open there, but Traefik does not know this host",
            "PUBLIC_HOSTS={hosts} in .env, then make up",
            source=LISTENS,
        ),
        error("firewall.drops", "keeps {port} closed: {rule}", "accept tcp {port} before it", source=ANSWERS),
        error(
            "direct.open",
            "{address}:{port} leads past the proxy and round the firewall, for whoever reaches this machine",
            "write 127.0.0.1:{port}:{target} under ports: of app",
            case="published",
            source="moby/moby#4737",
        ),
        error(
            "direct.open",
            "answers at {address}:{port}, past the proxy, for {who}",
            "DIRECT_PORT is for 127.0.0.1 alone: 127.0.0.1:{port}",
            source=LISTENS,
        ),
        warning(
            "probe.open",
            "PROBE=1: the probe shows request headers to whoever sends it a request",
            "PROBE=0 in .env, then make up",
            source="SECURITY.md › What is left to you",
        ),
    ),
    "Your browser alone reaches it, at localhost": (
        note(
            "connection.editor_forwards",
            "{editor} ({evidence}): your editor forwards ports that it detects {how}. localhost:{port} in "
            "your browser is then this machine's port; nobody else can use that address",
            "its Ports panel shows and ends each; its settings remote.autoForwardPorts and "
            "remote.autoForwardPortsSource decide which. Plain SSH forwards none by itself; by hand: ssh -L "
            "{port}:localhost:{port} THIS-MACHINE",
            source=FORWARDS,
        ),
    ),
    "The certificate is not renewed": (
        error(
            "certificate.not_renewed",
            "the certificate is not renewed: {reason}",
            "docker compose -f docker-compose.yml restart traefik",
            source="docs/production.md › Start",
        ),
    ),
}
ENTRIES = {
    (one.id, case): replace(one, fix=fix, case=case)
    for entries in CATALOGUE.values()
    for one in entries
    for case, fix in {one.case: one.fix, **one.fixes}.items()
}
