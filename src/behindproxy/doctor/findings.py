"""Every finding of doctor: its id, its level, what it says and what helps, under the symptom that
a person sees. docs/troubleshooting.md is made from it.

`{name}` in a text or a fix is a field that whoever raises the finding gives. `{name:, and }` puts
the words after the colon in front of the field, and leaves both out where the field is empty.
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
CONNECTING = error(
    "url.gateway",
    "{process} cannot reach the server behind it: its connection to {upstream} gets no answer; what listens "
    "there is stopped or has a full queue, or a firewall drops it",
    "make doctor URL=http://{upstream}/, on the machine where that is",
    case="connecting",
)
ENCODED = (
    "ENCODED_CHARACTERS={listed} in .env allows it, then make up (what each costs: docs/production.md of "
    "behindproxy); or send it in the query or the body"
)
EDITED = "raise responseHeaderTimeout in traefik/dynamic/middlewares.toml; Traefik takes it when it is saved"
MORE_ANSWER = "ANSWER_SECONDS={more} in .env, then make up; or answer at once, and do the work after that"

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
        note(
            "url.container_starting",
            "{container} was started {seconds} s ago and is starting: nothing listens at {target} in it yet",
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
        warning(
            "url.slow",
            "{path} has no answer after {seconds} s, and {another} of the same port has one ({status}): "
            "what listens there works, and this path is slow, or waits for something else",
            "wait longer: curl --max-time 120; the application's log says what it does",
        ),
        CONNECTING,
        error(
            "url.busy",
            "{process} takes connections, and in {seconds} s answered none: a call that waits blocks its "
            "event loop, all of its workers are busy, or it is no HTTP server",
            "py-spy dump --pid {pid} shows where it waits; in a route with def in place of async def, "
            "blocking code runs in a thread",
            source="FastAPI: Concurrency and async / await › Path operation functions",
        ),
        error(
            "url.busy",
            "{process} takes connections, and in {seconds} s answered none: it is a proxy, and waits for the "
            "server behind it",
            "make doctor URL= with the address of that server, which is in the proxy's configuration",
            case="proxy",
        ),
        error(
            "url.busy",
            "{process} takes connections, and in {seconds} s answered none: it hangs, waits for something "
            "else, or is no HTTP server",
            "look at its log",
            case="program",
        ),
        error(
            "url.busy",
            "{path} has no answer after {seconds} s, and while it runs {another} has none, which had one "
            "before: it holds the event loop, or all workers",
            "let code that waits run in a thread (in FastAPI a route with def in place of async def), or "
            "start more workers",
            case="path",
            source="FastAPI: Concurrency and async / await › Path operation functions",
        ),
        error(
            "url.busy",
            "something takes the connection, and in {seconds} s does not answer: the server hangs, or a "
            "proxy waits for what is behind it",
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
        error(
            "url.server_ended",
            "the connection was ended after {seconds} s without an answer to {path}, and {another} has one "
            "({status}): the code of this path closed it, or its process crashed or was ended, as by a "
            "worker's limit",
            "look at the server's log; Gunicorn's limit is --timeout",
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
        error(
            "url.plain_http",
            "a redirect leads to https at {port}, which speaks plain HTTP: HTTPSRedirectMiddleware does so "
            "at a port of its own, and behind a proxy whose X-Forwarded-Proto the server does not trust",
            "let the proxy redirect, to its own https address, and take that middleware out",
            case="redirected",
            source="FastAPI: Behind a Proxy › Redirects with HTTPS",
        ),
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
            "use a name that the certificate has, or give the server a certificate for {host}",
            fixes={"stack": "add {host} to PUBLIC_HOSTS in .env, then make up; or use another name of it"},
            source="RFC 9110 › 4.3.4",
        ),
        error(
            "url.certificate_expired",
            "the certificate has expired",
            "renew it on the server that has it",
            fixes={"stack": "make up makes a new certificate; in production see make ps"},
            source="docs/production.md › Start",
        ),
    ),
    "Too many redirects": (
        error(
            "url.redirect_loop",
            "the redirect leads to the address that it came from, as where an application sends http to "
            "https and takes https for http",
            "the server must trust its proxy's X-Forwarded-Proto (--forwarded-allow-ips; here "
            "TRUSTED_PROXIES), and the proxy send it",
            case="itself",
            source="FastAPI: Behind a Proxy › Enable Proxy Forwarded Headers",
        ),
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
            "url.prefix",
            "{path} is not there, and {found} is, at the same address",
            "{url}",
            case="elsewhere",
            source="FastAPI: Behind a Proxy › About root_path",
        ),
        error(
            "url.host",
            "Traefik does not know the host {host}; for localhost it answers",
            "PUBLIC_HOSTS={hosts} in .env, then make up",
            source=LISTENS,
        ),
        error(
            "url.host",
            "what listens there answers 404 to the host {host}, and {answer} to localhost: its rules name "
            "hosts",
            "add {host} to them: server_name in nginx, Host(`{host}`) in a rule of Traefik, the site's "
            "address in Caddy",
            case="elsewhere",
        ),
        error(
            "url.no_route",
            "no router of Traefik takes this host and path{routes_error:; its last edit was refused: }",
            "see make ps, and the rule in traefik/dynamic/routes.toml",
            case="router",
            source=ANSWERS,
        ),
        error(
            "url.no_route",
            "Traefik was reached, and none of its routers takes this host and {path}",
            "compare them with the rules of its routers, and with the entrypoints that these name",
            case="elsewhere",
            source=ANSWERS,
        ),
        error(
            "url.no_such_path",
            "the application was reached, and does not have the path {path}",
            "{docs_url} lists a FastAPI application's paths",
            case="fastapi",
            source=ANSWERS,
        ),
        error(
            "url.no_such_path",
            "{server} was reached, and does not have the path {path}",
            "look for a typing error; behind a proxy, compare the path in the server's log with this one",
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
            "url.no_application",
            "the proxy gave up after {seconds} s: the application took no connection, or had not begun its "
            "answer within ANSWER_SECONDS={limit}; Traefik's access log, which would say which, does not "
            "have this request",
            "make logs FOLLOW=0 shows what the application did",
            case="504",
            source=ANSWERS,
        ),
        error(
            "url.answer_limit",
            "the application had not begun its answer to {path} after {seconds} s: Traefik waits for "
            "ANSWER_SECONDS={limit}",
            MORE_ANSWER,
            source="docs/production.md › When something breaks",
        ),
        error(
            "url.answer_limit",
            "the application had not begun its answer to {path} after {seconds} s, when Traefik gave up",
            EDITED,
            case="edited",
            source="docs/production.md › When something breaks",
        ),
        error(
            "url.server_ended",
            "the application's server ended the connection after {seconds} s without an answer to {path}: "
            "its process crashed or was ended, as by a worker's time limit; none of Traefik's limits did it",
            "make logs FOLLOW=0 shows why",
            case="stack",
            source="docs/production.md › When something breaks",
        ),
        error(
            "url.gateway",
            "{server} was reached, and cannot reach the server behind it, or got no whole answer from it: "
            "{status}",
            "see whether that server runs, listens at the address that {server} has, and speaks what "
            "{server} speaks, http or https; on its machine: make doctor URL= with that address",
            source=ANSWERS,
        ),
        error(
            "url.gateway",
            "{server} gave up after {seconds} s: the server behind it took no connection, or did not answer "
            "in time",
            "on its machine: make doctor URL= with the address that {server} has for it; {server}'s limits "
            "are {limits}",
            case="504",
            source=ANSWERS,
        ),
        CONNECTING,
        error(
            "url.gateway",
            "{status}, and nothing in the answer says whether a proxy wrote it, which cannot reach the "
            "server behind it, or the application",
            "look at the log of the proxy: it has this request, and why",
            case="unknown",
            source=ANSWERS,
        ),
        note(
            "requests.answer_limit",
            "{requests}: the application had not begun its answer within ANSWER_SECONDS={limit}",
            MORE_ANSWER,
            source="docs/production.md › When something breaks",
        ),
        note(
            "requests.answer_limit",
            "{requests}: the application had not begun its answer when Traefik gave up",
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
            "{requests}: the application's server ended the connection without an answer; none of Traefik's "
            "limits did it",
            "make logs FOLLOW=0 shows why: a process that crashed, or that its server ended",
            source="docs/production.md › When something breaks",
        ),
        note(
            "requests.no_connection",
            "{requests}: no server took a connection, as while it was down or its queue was full",
            "make logs FOLLOW=0 shows what it did then",
            source="docs/production.md › When something breaks",
        ),
    ),
    "Another answer that is an error": (
        SPEAKS_TLS,
        error(
            "url.host_refused",
            "the application's TrustedHostMiddleware does not have the host {host}",
            "add {host} to its allowed_hosts",
            source="Starlette: Middleware › TrustedHostMiddleware",
        ),
        error(
            "url.host_refused",
            "a library in the application has a list of hosts, and {host} is not in it: 421",
            "add {host} and {host}:* to it: allowed_hosts of TransportSecuritySettings in MCP's SDK for "
            "Python",
            case="library",
            source="RFC 9110 › 15.5.20",
        ),
        error(
            "url.host_refused",
            "the application has a list of hosts of its own, and {host} is not in it: {status}, {body}",
            "add {host} to that list",
            case="own",
        ),
        error(
            "url.host_refused",
            "{status} to the host {host}, and {localhost} to localhost: the application, or the proxy in "
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
            "Traefik refuses {path} with an empty 400: what is left of it without the prefix is not in "
            "normal form",
            "write it without . and .. and without empty segments",
        ),
        note(
            "requests.encoded",
            "{requests}: Traefik refuses {characters} in a path, and the application never saw it",
            ENCODED,
        ),
        error(
            "url.not_allowed", "{server} demands credentials", "send credentials", source="RFC 9110 › 15.5.2"
        ),
        error(
            "url.not_allowed",
            "{server} was reached, and refuses this request: 403",
            "look at its rules: the user's permissions, the client's address, the rights of a file",
            case="forbidden",
            source="RFC 9110 › 15.5.4",
        ),
        note(
            "url.method",
            "the path is there, but not for GET{allowed:; it takes }",
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
            "look at its log",
            fixes={"stack": "its log has the traceback: make logs FOLLOW=0"},
        ),
        error(
            "url.refused_by_application",
            "{server} answered {status}{body:: }",
            "change the request as the answer says; the server's log may say more",
        ),
        error(
            "url.downgraded",
            "a redirect leads from https to http, as from an application that gets no X-Forwarded-Proto "
            "from its proxy, or does not trust it",
            "let the proxy send it, and the server trust the proxy: --forwarded-allow-ips; for what is in "
            "front of this stack, TRUSTED_PROXIES",
            source="FastAPI: Behind a Proxy › Enable Proxy Forwarded Headers",
        ),
    ),
    "The stack does not run": (
        error("stack.not_running", "the stack of this clone is not running", "make up"),
        warning(
            "settings.not_applied",
            "{keys} in .env or the environment is not what the running stack has",
            "make up",
        ),
        warning(
            "settings.refused",
            "make up would refuse what .env or the environment has now; what runs has what was there before: "
            "{reason}",
            "mend it, then make up",
        ),
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
        note(
            "process.starting",
            "runs for {seconds} s and is starting: nothing listens at {port} yet",
            "check again in a few seconds; make logs FOLLOW=0 shows what it waits for",
        ),
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
        error(
            "entrypoint.fails",
            "{url}: the application itself answers {status}",
            "make logs FOLLOW=0 shows why",
            source=ANSWERS,
        ),
        error(
            "entrypoint.silent",
            "{url}: connected, and no answer in {seconds} s",
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
