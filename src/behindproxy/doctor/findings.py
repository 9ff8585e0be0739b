"""Every finding of doctor: its id, its level, what it says and what helps, under the symptom that a user
sees. docs/troubleshooting.md is made from it.

`{name}` in a text or a fix is a field that whoever raises the finding gives. `{name:, and }` puts the words
after the colon in front of the field, and leaves both out where the field is empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from string import Formatter

from behindproxy.stack.paths import PLACES

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
    fix = PLACES.named(fill(entry.fix, fields))
    return Step(entry.level, subject, PLACES.named(fill(entry.text, fields)), fix, id_)


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
    "this machine's firewall blocks {port}: {rule}",
    "remove the rule, or accept tcp {port} before it",
    source=ANSWERS,
)
PRIVATE_ELSEWHERE = error(
    "url.private_elsewhere",
    (
        "{address} is {kind}, in a network that this machine is not part of: no route leads there from the "
        "internet"
    ),
    "use the machine's public address, a VPN, or ssh -L {port}:localhost:{port} THAT-MACHINE",
    source=PUBLIC,
)
SPEAKS_TLS = error("url.speaks_tls", "{port} speaks TLS", "{https_url}")
CONNECTING = error(
    "url.gateway",
    "{process} cannot reach the server behind it: its connection to {upstream} gets no answer; the server "
    "there is stopped or has a full queue, or a firewall drops it",
    "make doctor URL=http://{upstream}/, on that server's machine",
    case="connecting",
)
ENCODED = (
    "ENCODED_CHARACTERS={listed} in .env allows it, then make up (what each costs: docs/production.md of "
    "behindproxy); or send it in the query or the body"
)
EDITED = (
    "raise responseHeaderTimeout in traefik/dynamic/middlewares.toml; Traefik applies it when the file is "
    "saved"
)
MORE_ANSWER = (
    "ANSWER_SECONDS={more} in .env, then make up; or answer immediately and do the work in the background"
)

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
            "{process} listens only on {address}: only this machine can connect",
            "{command}, so that other machines reach it",
            fixes=ON_EVERY_ADDRESS,
            source=LISTENS,
        ),
        error(
            "url.nothing_listens_there",
            "{address} is up, and nothing listens at {port} on that address: the server may listen only on "
            "its own 127.0.0.1",
            "on that machine: make doctor URL={url}; start the server with --host 0.0.0.0",
            source=LISTENS,
        ),
        error(
            "url.other_family",
            "{process} listens only on {address}, which is {version}",
            "{url}, or let it listen on both",
            source=LISTENS,
        ),
        error(
            "url.bound_to_another_address",
            "{process} listens only on {address}",
            "{command}, so that other machines reach it",
            fixes=ON_EVERY_ADDRESS,
            source=LISTENS,
        ),
        error(
            "url.direct_is_local",
            (
                "{process} listens only on {address}, as it should: it bypasses the proxy and is for this "
                "machine"
            ),
            "use the proxied entrypoint: {url}",
            source="docs/reaching-it.md › Which command does what",
        ),
        error(
            "url.refused_though_listening",
            "{process} listens there now but refused a moment ago: it was starting, or its queue is full",
            "check again",
        ),
        FIREWALL,
    ),
    "Connection refused or reset, at a published port": (
        error(
            "url.published_on_loopback",
            "{container} publishes {port} only on {address}",
            "-p 0.0.0.0:{port}:{target}, so that other machines reach it",
            fixes={"stack": "BIND_ADDRESS=0.0.0.0 in .env, then make up, so that other machines reach it"},
            source=LISTENS,
        ),
        error(
            "url.ipv6_is_not_published",
            "{container} publishes {port} only on {address}, which is IPv4",
            "use http://127.0.0.1:{port}, the machine's IPv4 address, or a name without an AAAA record; "
            "natively (RUNTIME=native) BIND_ADDRESS=:: serves IPv6 too",
            source=LISTENS,
        ),
        error(
            "url.direct_is_local",
            (
                "{container} publishes {port} only on {address}, as it should: it bypasses the proxy and is "
                "for this machine"
            ),
            "use the proxied entrypoint: {url}",
            case="container",
            source="docs/reaching-it.md › Which command does what",
        ),
        error(
            "url.container_loopback",
            "the server in {container} listens on {address}, which only the container itself can reach; the "
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
        note(
            "url.container_starting",
            (
                "{container} was started {seconds} s ago and is still starting: nothing listens at {target} "
                "in it yet"
            ),
            "check again in a few seconds; docker logs {container} shows what it waits for",
        ),
        error(
            "url.container_ended",
            "{container}, which publishes {port}, is {state} (exit {exit_code}){last_line:; }",
            "docker start {container}",
            fixes={"stack": "make up"},
        ),
        error("url.container_paused", "{container} is paused", "docker unpause {container}"),
        error(
            "url.container_silent", "{container} has {port} but does not answer", "docker logs {container}"
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
            "{process} listens but accepts no connection: it hangs or is stopped, and its queue is full",
            "stop it and start it again",
        ),
    ),
    "Connected, but no answer": (
        SPEAKS_TLS,
        warning(
            "url.slow",
            "{path} has no answer after {seconds} s, but {another} on the same port has one ({status}): the "
            "server works, and this path is slow or waits for something else",
            "wait longer: curl --max-time 120; the application's log says what it does",
        ),
        CONNECTING,
        error(
            "url.busy",
            "{process} accepts connections but answered none in {seconds} s: a blocking call holds its "
            "event loop, all its workers are busy, or it is not an HTTP server",
            "py-spy dump --pid {pid} shows where it waits; in a route with def instead of async def, "
            "blocking code runs in a thread",
            source="FastAPI: Concurrency and async / await › Path operation functions",
        ),
        error(
            "url.busy",
            "{process} accepts connections but answered none in {seconds} s: it is a proxy and waits for "
            "the server behind it",
            "make doctor URL= with the address of that server, which is in the proxy's configuration",
            case="proxy",
        ),
        error(
            "url.busy",
            "{process} accepts connections but answered none in {seconds} s: it hangs, waits for something "
            "else, or is not an HTTP server",
            "check its log",
            case="program",
        ),
        error(
            "url.busy",
            "{path} has no answer after {seconds} s, and while it runs {another}, which answered before, "
            "has none either: it blocks the event loop or all workers",
            "run blocking code in a thread (in FastAPI a route with def instead of async def), or start "
            "more workers",
            case="path",
            source="FastAPI: Concurrency and async / await › Path operation functions",
        ),
        error(
            "url.busy",
            "something accepts the connection but does not answer in {seconds} s: the server hangs, or a "
            "proxy waits for the server behind it",
            "on that machine: make doctor",
            case="unseen",
        ),
        error(
            "url.stopped",
            "{process} is stopped, as by Ctrl-Z; the kernel still accepts connections for it",
            "kill -CONT {pid}, or fg in its terminal",
        ),
        error(
            "url.forward_closed",
            "{process} forwards this port, but nothing listens at the far end",
            "check the far end: does the server run there, at that port?",
            source=FORWARDS,
        ),
        error(
            "url.server_ended",
            "the connection was closed after {seconds} s without an answer to {path}, but {another} has one "
            "({status}): the code of this path closed it, or its process crashed or was killed, as by a "
            "worker's time limit",
            "check the server's log; Gunicorn's limit is --timeout",
        ),
        error(
            "url.not_http",
            "{process} is not an HTTP server, or closes connections immediately",
            "check its log",
        ),
        error(
            "url.not_http",
            "the server at {port} closes the connection without an answer: it is not an HTTP server, or is "
            "a port forward whose far end is closed (ssh -L to a port where nothing listens)",
            "check the far end: does the server run there, at that port?",
            case="unseen",
            source=FORWARDS,
        ),
    ),
    "No route to host": (
        error(
            "url.no_route",
            "no route leads to {address}: {reason}",
            "check for a network that is down, an address in another network, or IPv6 where there is none",
        ),
        PRIVATE_ELSEWHERE,
    ),
    "Name not known": (
        error(
            "url.no_name",
            "the name {host} has no address: {reason}",
            "check for a typo, a DNS record that is missing or not yet propagated, or a line in /etc/hosts",
        ),
    ),
    "TLS handshake failed": (
        error(
            "url.plain_http",
            "a redirect leads to https at {port}, which speaks plain HTTP: HTTPSRedirectMiddleware does so "
            "at the server's own port, and behind a proxy whose X-Forwarded-Proto the server does not trust",
            "let the proxy redirect to its own https address, and remove that middleware",
            case="redirected",
            source="FastAPI: Behind a Proxy › Redirects with HTTPS",
        ),
        error("url.plain_http", "{port} speaks plain HTTP", "{url}"),
        error(
            "url.tls_refused",
            "the TLS handshake failed: {reason}; a server that has no certificate for {host} may refuse it",
            "use a name in its certificate, or set DOMAIN in .env",
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
            "use a name in the certificate, or give the server a certificate for {host}",
            fixes={"stack": "add {host} to PUBLIC_HOSTS in .env, then make up; or use another name of it"},
            source="RFC 9110 › 4.3.4",
        ),
        error(
            "url.certificate_expired",
            "the certificate has expired",
            "renew it on the server that uses it",
            fixes={"stack": "make up makes a new certificate; in production see make ps"},
            source="docs/production.md › Start",
        ),
    ),
    "Too many redirects": (
        error(
            "url.redirect_loop",
            "the redirect leads back to the same address, as when an application redirects http to https "
            "and takes https for http",
            "the server must trust its proxy's X-Forwarded-Proto (--forwarded-allow-ips; here "
            "TRUSTED_PROXIES), and the proxy must send it",
            case="itself",
            source="FastAPI: Behind a Proxy › Enable Proxy Forwarded Headers",
        ),
        error(
            "url.redirect_loop",
            "the redirects form a loop: one leads to https and the other back to http",
            "the application must trust its proxy's X-Forwarded-Proto (TRUSTED_PROXIES), and only one of the "
            "two may redirect",
            case="schemes",
            source="FastAPI: Behind a Proxy › Redirects with HTTPS",
        ),
        error(
            "url.redirect_loop",
            "the redirects form a loop: proxy and application each want a different path, for example with "
            "a trailing slash",
            "the application must trust its proxy's X-Forwarded-Proto (TRUSTED_PROXIES), and only one of the "
            "two may redirect",
            source="FastAPI: Behind a Proxy › Redirects with HTTPS",
        ),
    ),
    "404": (
        error(
            "url.prefix",
            "no router matches {path}: every public path starts with {prefix}",
            "{url}",
            case="router",
            source="FastAPI: Behind a Proxy › Proxy with a stripped path prefix",
        ),
        error(
            "url.prefix",
            "the path does not start with {prefix}, and Traefik routes no other",
            "{url}",
            case="missing",
            source="FastAPI: Behind a Proxy › Proxy with a stripped path prefix",
        ),
        error(
            "url.prefix",
            "this entrypoint has no prefix: it is the application itself, with {prefix} only in root_path",
            "{url}",
            case="direct",
            source="FastAPI: Behind a Proxy › About root_path",
        ),
        error(
            "url.prefix",
            "{path} does not exist, but {found} does, at the same address",
            "{url}",
            case="elsewhere",
            source="FastAPI: Behind a Proxy › About root_path",
        ),
        error(
            "url.host",
            "Traefik does not know the host {host}; it answers for localhost",
            "PUBLIC_HOSTS={hosts} in .env, then make up",
            source=LISTENS,
        ),
        error(
            "url.host",
            "the server answers 404 for the host {host}, and {answer} for localhost: its rules name hosts",
            "add {host} to them: server_name in nginx, Host(`{host}`) in a rule of Traefik, the site's "
            "address in Caddy",
            case="elsewhere",
        ),
        error(
            "url.no_route",
            "no router of Traefik matches this host and path{routes_error:; its last edit was refused: }",
            "see make ps, and the rule in traefik/dynamic/routes.toml",
            case="router",
            source=ANSWERS,
        ),
        error(
            "url.no_route",
            "Traefik was reached, but none of its routers matches this host and {path}",
            "compare them with its routers' rules and entrypoints",
            case="elsewhere",
            source=ANSWERS,
        ),
        error(
            "url.no_such_path",
            "the application was reached, but does not have the path {path}",
            "{docs_url} lists a FastAPI application's paths",
            case="fastapi",
            source=ANSWERS,
        ),
        error(
            "url.no_such_path",
            "{server} was reached, but does not have the path {path}",
            "check for a typo; behind a proxy, compare the path in the server's log with this one",
            source=ANSWERS,
        ),
        note(
            "requests.only_404",
            "every request got a 404 from Traefik, since no router takes it: {requests}",
            "a public URL has a host of PUBLIC_HOSTS ({hosts}), and its path begins with {prefix}; "
            "make doctor URL=… explains one address",
            source=ANSWERS,
        ),
        note(
            "requests.only_404",
            "the application answered every request with 404: {requests}",
            "compare the path with the application's routes; make doctor URL=… explains one address",
            case="application",
            source=ANSWERS,
        ),
    ),
    "502, 503 or 504": (
        error(
            "url.no_application",
            "the proxy answers, but cannot connect to the application: it is down, starting, draining, or "
            "listens on 127.0.0.1 of its own container",
            "see make ps and make logs FOLLOW=0",
            case="502",
            source=ANSWERS,
        ),
        error(
            "url.no_application",
            "the proxy answers, but has no application that is ready: it is down, starting, draining, or "
            "listens on 127.0.0.1 of its own container",
            "see make ps and make logs FOLLOW=0",
            case="503",
            source=ANSWERS,
        ),
        error(
            "url.no_application",
            "the proxy gave up after {seconds} s: the application accepted no connection, or had not "
            "started its answer within ANSWER_SECONDS={limit}; Traefik's access log, which would say which, "
            "does not have this request",
            "make logs FOLLOW=0 shows what the application did",
            case="504",
            source=ANSWERS,
        ),
        error(
            "url.answer_limit",
            "the application had not started its answer to {path} after {seconds} s: Traefik waits for "
            "ANSWER_SECONDS={limit}",
            MORE_ANSWER,
            source="docs/production.md › When something breaks",
        ),
        error(
            "url.answer_limit",
            "the application had not started its answer to {path} after {seconds} s, when Traefik gave up",
            EDITED,
            case="edited",
            source="docs/production.md › When something breaks",
        ),
        error(
            "url.server_ended",
            "the application's server closed the connection after {seconds} s without an answer to {path}: "
            "its process crashed or was killed, as by a worker's time limit; none of Traefik's limits "
            "caused it",
            "make logs FOLLOW=0 shows why",
            case="stack",
            source="docs/production.md › When something breaks",
        ),
        error(
            "url.gateway",
            "{server} was reached, but cannot reach the server behind it, or got no complete answer from "
            "it: {status}",
            "check that this server runs, listens at the address that {server} has, and uses the scheme "
            "that {server} uses, http or https; on its machine: make doctor URL= with that address",
            source=ANSWERS,
        ),
        error(
            "url.gateway",
            "{server} gave up after {seconds} s: the server behind it accepted no connection, or did not "
            "answer in time",
            "on its machine: make doctor URL= with the address that {server} has for it; {server}'s limits "
            "are {limits}",
            case="504",
            source=ANSWERS,
        ),
        CONNECTING,
        error(
            "url.gateway",
            "{status}, and nothing in the answer shows whether it comes from the application or from a "
            "proxy that cannot reach the server behind it",
            "see the proxy's log: it has this request and the reason",
            case="unknown",
            source=ANSWERS,
        ),
        note(
            "requests.answer_limit",
            "{requests}: the application had not started its answer within ANSWER_SECONDS={limit}",
            MORE_ANSWER,
            source="docs/production.md › When something breaks",
        ),
        note(
            "requests.answer_limit",
            "{requests}: the application had not started its answer when Traefik gave up",
            EDITED,
            case="edited",
            source="docs/production.md › When something breaks",
        ),
        note(
            "requests.request_limit",
            "{requests}: the client had not sent its request within REQUEST_SECONDS={limit}; uploads count",
            "REQUEST_SECONDS={more} in .env, then make up",
            source="docs/production.md › When something breaks",
        ),
        note(
            "requests.server_ended",
            "{requests}: the application's server closed the connection without an answer; none of "
            "Traefik's limits caused it",
            "make logs FOLLOW=0 shows why: a process that crashed, or that its server killed",
            source="docs/production.md › When something breaks",
        ),
        note(
            "requests.no_connection",
            "{requests}: no server accepted a connection, as while it was down or its queue was full",
            "make logs FOLLOW=0 shows what it did then",
            source="docs/production.md › When something breaks",
        ),
    ),
    "Another error answer": (
        SPEAKS_TLS,
        error(
            "url.host_refused",
            "the application's TrustedHostMiddleware does not allow the host {host}",
            "add {host} to its allowed_hosts",
            source="Starlette: Middleware › TrustedHostMiddleware",
        ),
        error(
            "url.host_refused",
            "a library in the application has a list of hosts, without {host}: 421",
            "add {host} and {host}:* to it: allowed_hosts of TransportSecuritySettings in MCP's SDK for "
            "Python",
            case="library",
            source="RFC 9110 › 15.5.20",
        ),
        error(
            "url.host_refused",
            "the application has its own list of hosts, without {host}: {status}, {body}",
            "add {host} to that list",
            case="own",
        ),
        error(
            "url.host_refused",
            "{status} for the host {host}, and {localhost} for localhost: the application, or the proxy in "
            "front of it, has a list of hosts",
            "add {host} to it: ALLOWED_HOSTS in Django, allowed_hosts elsewhere",
            case="differs",
        ),
        error(
            "url.encoded",
            "Traefik refuses {characters} in a path, with an empty 400; the application never sees it",
            ENCODED,
        ),
        error(
            "url.encoded",
            "{characters} in the path is refused with an empty 400; without it the answer is {status}. "
            "Traefik does so, by encodedCharacters of an entrypoint or a middleware",
            "allow it there, or send it in the query or the body",
            case="elsewhere",
        ),
        error(
            "url.bad_request",
            "Traefik refuses {path} with an empty 400: without the prefix it is not in normal form",
            "write it without . and .. and without empty segments",
        ),
        note(
            "requests.encoded",
            "{requests}: Traefik refuses {characters} in a path, and the application never saw it",
            ENCODED,
        ),
        error(
            "url.not_allowed", "{server} requires credentials", "send credentials", source="RFC 9110 › 15.5.2"
        ),
        error(
            "url.not_allowed",
            "{server} was reached, but refuses this request: 403",
            "check its rules: the user's permissions, the client's address, the rights of a file",
            case="forbidden",
            source="RFC 9110 › 15.5.4",
        ),
        note(
            "url.method",
            "the path exists, but not for GET{allowed:; it accepts }",
            "use curl -X with its method",
            source="RFC 9110 › 15.5.6",
        ),
        error(
            "url.too_many",
            "too many requests from here",
            "try again in {seconds} s",
            fixes={"stack": "try again in {seconds} s; RATE_LIMIT is the limit of this stack"},
            source="RFC 6585 › 4",
        ),
        error(
            "url.application_failed",
            "{server} itself answered {status}{body:: }",
            "check its log",
            fixes={"stack": "its log has the traceback: make logs FOLLOW=0"},
        ),
        error(
            "url.refused_by_application",
            "{server} answered {status}{body:: }",
            "change the request as the answer says; the server's log may say more",
        ),
        error(
            "url.downgraded",
            "a redirect leads from https to http, as when an application gets no X-Forwarded-Proto from its "
            "proxy, or does not trust it",
            "let the proxy send it, and the server trust the proxy: --forwarded-allow-ips; for what is in "
            "front of this stack, TRUSTED_PROXIES",
            source="FastAPI: Behind a Proxy › Enable Proxy Forwarded Headers",
        ),
    ),
    "The stack is not running": (
        error("stack.not_running", "the stack of this clone is not running", "make up"),
        warning(
            "settings.not_applied",
            "{keys} in .env or the environment differs from the running stack",
            "make up",
        ),
        warning(
            "settings.refused",
            "make up would refuse the current .env or environment; the running stack has the previous "
            "values: {reason}",
            "correct it, then make up",
        ),
        error("port.taken", "{port} is in use by {process}", "stop it, or make up {key}={free_port}"),
        error(
            "engine.silent",
            "the stack was started in Docker, and {engine}",
            "start Docker (sudo systemctl start docker, or Docker Desktop)",
            fixes={"not_allowed": "add yourself to the group docker, or sudo make doctor"},
            source="Linux post-installation steps for Docker Engine › Manage Docker as a non-root user",
        ),
        error(
            "native.gone",
            "supervisord, which keeps Traefik and the application running, is not running",
            "make up",
        ),
    ),
    "A part of the stack exited, hangs, or listens elsewhere": (
        error("container.ended", "{state} ({reason}){last_line:; its last line: }", "make logs FOLLOW=0"),
        error("container.ended", "is {state}", "make up", case="not_started"),
        error("container.missing", "its container does not exist", "make up"),
        error("container.missing", "this clone has no container", "make up", case="all"),
        error("container.paused", "is paused", "docker unpause {container}"),
        error("container.unhealthy", "is running, but its health check fails", "make logs FOLLOW=0"),
        note("container.starting", "is starting", "check again in a few seconds"),
        note(
            "process.starting",
            "has run for {seconds} s and is starting: nothing listens at {port} yet",
            "check again in a few seconds; make logs FOLLOW=0 shows what it waits for",
        ),
        error(
            "container.loopback",
            "listens on {address} in its container, where nothing outside it can connect, not even Traefik",
            "set APP_HOST: 0.0.0.0 in docker-compose.yml (--host 0.0.0.0), then make up",
            source=LISTENS,
        ),
        error(
            "container.other_port",
            "nothing listens on {port} in its container{others:; something does on }",
            "make logs FOLLOW=0; Traefik and the health check send requests to {port}",
        ),
        error("process.ended", "{state}: its last lines are in {log}", "make logs FOLLOW=0"),
        error("process.stopped", "{process} is stopped, as by Ctrl-Z", "kill -CONT {pid}"),
        error("process.not_listening", "nothing listens at {port}", "make logs FOLLOW=0"),
    ),
    "An entrypoint of the stack does not answer": (
        error(
            "routes.not_taken",
            "Traefik refused the last edit: {reason}",
            "correct the file in traefik/dynamic; Traefik applies it when the file is saved",
        ),
        error(
            "entrypoint.no_route",
            "{url}: Traefik's own 404, no router matches it",
            "see the rule in traefik/dynamic/routes.toml; make ps shows whether the last edit was accepted",
            source=ANSWERS,
        ),
        error(
            "entrypoint.no_app",
            "{url}: {status}, Traefik has no application that is ready",
            "see make ps and make logs FOLLOW=0",
            source=ANSWERS,
        ),
        error(
            "entrypoint.fails",
            "{url}: the application itself answers {status}",
            "make logs FOLLOW=0 shows why",
            source=ANSWERS,
        ),
        error(
            "entrypoint.silent",
            "{url}: connected, but no answer in {seconds} s",
            "make logs FOLLOW=0",
            source=ANSWERS,
        ),
        error("entrypoint.closed", "{url}: {outcome}", "see make ps, then make restart", source=ANSWERS),
        error(
            "entrypoint.certificate",
            "{url}: {outcome}",
            "make up makes a new certificate; CA_FILE= names another authority",
        ),
        error(
            "firewall.drops",
            "{port}: {rule}",
            "remove the rule, or accept tcp {port} before it",
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
    "Other machines are blocked, or have too much access": (
        error(
            "hosts.refused",
            "{address} ({interface}) is {kind}; the port is open there, but Traefik does not know this host",
            "PUBLIC_HOSTS={hosts} in .env, then make up",
            source=LISTENS,
        ),
        error("firewall.drops", "blocks {port}: {rule}", "accept tcp {port} before it", source=ANSWERS),
        error(
            "direct.open",
            "{address}:{port} bypasses the proxy and the firewall, for anyone who can reach this machine",
            "write 127.0.0.1:{port}:{target} under ports: of app",
            case="published",
            source="moby/moby#4737",
        ),
        error(
            "direct.open",
            "answers at {address}:{port}, bypassing the proxy, for {who}",
            "DIRECT_PORT is for 127.0.0.1 only: 127.0.0.1:{port}",
            source=LISTENS,
        ),
        warning(
            "probe.open",
            "PROBE=1: the probe shows request headers to anyone who sends it a request",
            "PROBE=0 in .env, then make up",
            source="SECURITY.md › What is left to you",
        ),
    ),
    "Only your browser reaches it, at localhost": (
        note(
            "connection.editor_forwards",
            "{editor} ({evidence}): your editor forwards ports that it detects {how}. localhost:{port} in "
            "your browser is then this machine's port; no other machine can use that address",
            "its Ports panel shows and stops each; its settings remote.autoForwardPorts and "
            "remote.autoForwardPortsSource decide which. Plain SSH forwards none automatically; by hand: "
            "ssh -L {port}:localhost:{port} THIS-MACHINE",
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
