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
ANSWERS = "docs/reaching-it.md › What the error means"
FORWARDS = "docs/reaching-it.md › Who forwards"

# Of two findings.
ON_EVERY_ADDRESS = {
    "unknown_server": "start it on 0.0.0.0, so that other machines reach it",
    "stack": "set BIND_ADDRESS=0.0.0.0 in .env, then run make up, so that other machines reach it",
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
        "{address} is {kind}, in a network that this machine is not part of; no route leads there from "
        "the internet"
    ),
    "use the machine's public address, a VPN, or ssh -L {port}:localhost:{port} THAT-MACHINE",
    source=PUBLIC,
)
NO_NEIGHBOUR = error(
    "url.no_neighbour",
    "{address} is of this machine's own network, and no machine there has it: it is off, disconnected, or "
    "has another address",
    "check with ip addr on that machine; if it is this one, set BIND_ADDRESS to an address that it has",
)
SPEAKS_TLS = error("url.speaks_tls", "{port} speaks TLS", "use {https_url}")
CONNECTING = error(
    "url.gateway",
    "{process} cannot reach the server behind it: its connection to {upstream} gets no response, since "
    "the server there is stopped or has a full queue, or a firewall drops it",
    "run make doctor URL=http://{upstream}/ on that server's machine",
    case="connecting",
)
ENCODED = (
    "set ENCODED_CHARACTERS={listed} in .env, then run make up (what each costs: docs/production.md), or "
    "send it in the query or the body"
)
EDIT = (
    "raise responseHeaderTimeout in traefik/dynamic/middlewares.toml; Traefik applies it when the file is "
    "saved"
)
MORE_ANSWER = (
    "set ANSWER_SECONDS={more} in .env, then run make up; or respond immediately and do the work in "
    "the background"
)

# In the order of the document, and under each symptom the likeliest first.
CATALOGUE: dict[str, tuple[Finding, ...]] = {
    "Connection refused": (
        error(
            "url.nothing_listens",
            "nothing listens on {port} of this machine",
            "start the server{others:; Python listens on }",
            fixes={
                "port_of_the_stack": "run make up",
                "stack_elsewhere": "use this clone's entrypoints: {entrypoints}",
            },
        ),
        error(
            "url.bound_to_loopback",
            "{process} listens only on {address}: only this machine can connect",
            "run {command}, so that other machines reach it",
            fixes=ON_EVERY_ADDRESS,
            source=LISTENS,
        ),
        error(
            "url.nothing_listens_there",
            "{address} is up, and nothing listens on {port} of that address: the server may listen only "
            "on its own 127.0.0.1",
            "run make doctor URL={url} on that machine; start the server with --host 0.0.0.0",
            source=LISTENS,
        ),
        error(
            "url.other_family",
            "{process} listens only on {address}, which is {version}",
            "use {url}, or let it listen on both",
            source=LISTENS,
        ),
        error(
            "url.bound_to_another_address",
            "{process} listens only on {address}",
            "run {command}, so that other machines reach it",
            fixes=ON_EVERY_ADDRESS,
            source=LISTENS,
        ),
        error(
            "url.direct_is_local",
            (
                "{process} listens only on {address}, as it should, since it bypasses the proxy and is "
                "for this machine"
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
    "Connection refused or reset, on a published port": (
        error(
            "url.published_on_loopback",
            "{container} publishes {port} only on {address}",
            "publish it with -p 0.0.0.0:{port}:{target}, so that other machines reach it",
            fixes={
                "stack": "set BIND_ADDRESS=0.0.0.0 in .env, then run make up, so that other machines reach it"
            },
            source=LISTENS,
        ),
        error(
            "url.ipv6_is_not_published",
            "{container} publishes {port} only on {address}, which is IPv4",
            "use http://127.0.0.1:{port}, the machine's IPv4 address, or a name without an AAAA record; "
            "BIND_ADDRESS=:: serves IPv6 too (in Docker from Engine 27)",
            source=LISTENS,
        ),
        error(
            "url.direct_is_local",
            (
                "{container} publishes {port} only on {address}, as it should, since it bypasses the "
                "proxy and is for this machine"
            ),
            "use the proxied entrypoint: {url}",
            case="container",
            source="docs/reaching-it.md › Which command does what",
        ),
        error(
            "url.container_loopback",
            "the server in {container} listens on {address}, which only the container itself can reach; the "
            "published port leads to its other address",
            (
                "start it with --host 0.0.0.0 in the container, and keep 127.0.0.1 as the host's side of "
                "-p or ports:"
            ),
            source=LISTENS,
        ),
        error(
            "url.container_other_port",
            "nothing listens on {target} in {container}, but something does on {others}",
            "publish it with -p {port}:{other}",
        ),
        error(
            "url.container_other_port",
            "nothing listens on {target} in {container}",
            "check docker logs {container}",
            case="no_port",
        ),
        note(
            "url.container_starting",
            (
                "{container} was started {seconds} s ago and is still starting; nothing listens on "
                "{target} in it yet"
            ),
            "check again in a few seconds; docker logs {container} shows what it waits for",
        ),
        error(
            "url.container_ended",
            "{container}, which publishes {port}, is {state} (exit {exit_code}){last_line:; }",
            "run docker start {container}",
            fixes={"stack": "run make up"},
        ),
        error("url.container_paused", "{container} is paused", "run docker unpause {container}"),
        error(
            "url.container_silent",
            "{container} has {port} but does not respond",
            "check docker logs {container}",
        ),
    ),
    "Timed out": (
        error(
            "url.dropped_on_the_way",
            "a firewall on the way drops the request: a cloud's security group, or the host's own firewall; "
            "neither can be seen from here",
            "open tcp {port} there, and run make doctor URL={url} on that machine",
            source=ANSWERS,
        ),
        warning(
            "url.dead_address",
            "{host} has another address, where nothing responds: {addresses}; who tries it first waits, "
            "or never arrives",
            "remove it from the name's DNS records, or serve there too (BIND_ADDRESS=:: for IPv6)",
            source=ANSWERS,
        ),
        NO_NEIGHBOUR,
        PRIVATE_ELSEWHERE,
        FIREWALL,
        error(
            "url.firewall_unseen",
            "something drops what arrives on {port}; {firewall}",
            "run sudo make doctor, which shows the firewall's rules",
            source=ANSWERS,
        ),
        error(
            "url.queue_full",
            "{process} listens but accepts no connection: it hangs or is stopped, and its queue is full",
            "stop it and start it again",
        ),
    ),
    "Connected, but no response": (
        SPEAKS_TLS,
        warning(
            "url.slow",
            "{path} has no response after {seconds} s, but {another} on the same port has one "
            "({status}): the server works, and this path is slow or waits for something else",
            "wait longer (curl --max-time 120), and check the application's log",
        ),
        CONNECTING,
        error(
            "url.busy",
            "{process} accepts connections but sent no response within {seconds} s: a blocking call holds "
            "its event loop, all its workers are busy, or it is not an HTTP server",
            "run py-spy dump --pid {pid}, which shows where it waits; in a route with def instead of "
            "async def, blocking code runs in a thread",
            source="FastAPI: Concurrency and async / await › Path operation functions",
        ),
        error(
            "url.busy",
            "{process} accepts connections but sent no response within {seconds} s: it is a proxy and waits "
            "for the server behind it",
            "run make doctor URL= with the address of that server, which is in the proxy's configuration",
            case="proxy",
        ),
        error(
            "url.busy",
            "{process} accepts connections but sent no response within {seconds} s: it hangs, waits for "
            "something else, or is not an HTTP server",
            "check its log",
            case="program",
        ),
        error(
            "url.busy",
            "{path} gets no response within {seconds} s, and while it runs, {another}, which responded "
            "before, gets none either: {path} blocks the event loop or all workers",
            "run blocking code in a thread (in FastAPI a route with def instead of async def), or start "
            "more workers",
            case="path",
            source="FastAPI: Concurrency and async / await › Path operation functions",
        ),
        error(
            "url.busy",
            "something accepts the connection but sends no response within {seconds} s: the server hangs, or "
            "a proxy waits for the server behind it",
            "run make doctor on that machine",
            case="unseen",
        ),
        error(
            "url.stopped",
            "{process} is stopped, as by Ctrl-Z; the kernel still accepts connections for it",
            "run kill -CONT {pid}, or fg in its terminal",
        ),
        error(
            "url.forward_closed",
            "{process} forwards this port, but nothing listens at the far end",
            "check that the server runs at the far end, on that port",
            source=FORWARDS,
        ),
        error(
            "url.server_ended",
            "the connection was closed after {seconds} s without a response to {path}, but {another} has "
            "one ({status}): the code of this path closed it, or its process crashed or was killed, for "
            "example by a worker's time limit",
            "check the server's log; Gunicorn's limit is --timeout",
        ),
        error(
            "url.not_http",
            "{process} is not an HTTP server, or closes connections immediately",
            "check its log",
        ),
        error(
            "url.not_http",
            "the server on {port} closes the connection without a response: it is not an HTTP server, or "
            "it is a port forward whose far end is closed (ssh -L to a port on which nothing listens)",
            "check that the server runs at the far end, on that port",
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
        error(
            "url.rejected_on_the_way",
            "a firewall rejects what arrives for {port} of {address} ({reason}), as firewalld does, or a "
            "router on the way knows no way there",
            "open tcp {port} there (firewall-cmd --add-port={port}/tcp)",
            source=ANSWERS,
        ),
        NO_NEIGHBOUR,
        PRIVATE_ELSEWHERE,
    ),
    "Name not resolved": (
        error(
            "url.no_name",
            "the name {host} has no address: {reason}",
            "check for a typo, a DNS record that is missing or not yet propagated, or a line in /etc/hosts",
        ),
    ),
    "TLS handshake failed": (
        error(
            "url.plain_http",
            "a redirect leads to https on {port}, which speaks plain HTTP: HTTPSRedirectMiddleware does "
            "so on the server's own port, and behind a proxy whose X-Forwarded-Proto the server does not "
            "trust",
            "let the proxy redirect to its own https URL, and remove that middleware",
            case="redirected",
            source="FastAPI: Behind a Proxy › Redirects with HTTPS",
        ),
        error("url.plain_http", "{port} speaks plain HTTP", "use {url}"),
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
            "use CA_FILE={ca} make doctor URL=…, and curl --cacert {ca}, for this clone's own "
            "certificate; for a public one, set DOMAIN (docs/production.md)",
            source="docs/production.md › Start",
        ),
        error(
            "url.certificate_name",
            "the certificate is not for {host}: {reason}",
            "use a name in the certificate, or give the server a certificate for {host}",
            fixes={
                "stack": ("add {host} to PUBLIC_HOSTS in .env, then run make up, or use another of its names")
            },
            source="RFC 9110 › 4.3.4",
        ),
        error(
            "url.certificate_expired",
            "the certificate has expired",
            "renew it on the server that uses it",
            fixes={"stack": "run make up, which makes a new certificate; in production check make ps"},
            source="docs/production.md › Start",
        ),
    ),
    "Too many redirects": (
        error(
            "url.redirect_loop",
            "the redirect leads back to the same URL, for example because an application redirects http "
            "to https, and mistakes https for http",
            "let the server trust its proxy's X-Forwarded-Proto (--forwarded-allow-ips; here "
            "TRUSTED_PROXIES), and let the proxy send it",
            case="itself",
            source="FastAPI: Behind a Proxy › Enable Proxy Forwarded Headers",
        ),
        error(
            "url.redirect_loop",
            "the redirects form a loop: one leads to https and the other back to http",
            "let the application trust its proxy's X-Forwarded-Proto (TRUSTED_PROXIES), and let only one "
            "of the two redirect",
            case="schemes",
            source="FastAPI: Behind a Proxy › Redirects with HTTPS",
        ),
        error(
            "url.redirect_loop",
            "the redirects form a loop: proxy and application each want a different path, for example with "
            "a trailing slash",
            "let the application trust its proxy's X-Forwarded-Proto (TRUSTED_PROXIES), and let only one "
            "of the two redirect",
            source="FastAPI: Behind a Proxy › Redirects with HTTPS",
        ),
    ),
    "404": (
        error(
            "url.prefix",
            "no router matches {path}: every public path starts with {prefix}",
            "use {url}",
            case="router",
            source="FastAPI: Behind a Proxy › Proxy with a stripped path prefix",
        ),
        error(
            "url.prefix",
            "the path does not start with {prefix}, and Traefik routes no other",
            "use {url}",
            case="missing",
            source="FastAPI: Behind a Proxy › Proxy with a stripped path prefix",
        ),
        error(
            "url.prefix",
            "this is the direct entrypoint, which has no prefix: {prefix} is only in root_path",
            "use {url}",
            case="direct",
            source="FastAPI: Behind a Proxy › About root_path",
        ),
        error(
            "url.prefix",
            "{path} does not exist, but {found} does",
            "use {url}",
            case="elsewhere",
            source="FastAPI: Behind a Proxy › About root_path",
        ),
        error(
            "url.host",
            "Traefik does not know the host {host}, but it does know localhost",
            "set PUBLIC_HOSTS={hosts} in .env, then run make up",
            source=LISTENS,
        ),
        error(
            "url.host",
            (
                "the server responds with 404 for the host {host}, and {answer} for localhost: its rules "
                "name hosts"
            ),
            "add {host} to them (server_name in nginx, Host(`{host}`) in a rule of Traefik, the site "
            "address in Caddy)",
            case="elsewhere",
        ),
        error(
            "url.no_route",
            "no router of Traefik matches this host and path{routes_error:; its last edit was refused: }",
            "check make ps, and the rule in traefik/dynamic/routes.toml",
            case="router",
            source=ANSWERS,
        ),
        error(
            "url.no_route",
            "Traefik was reached, but none of its routers matches this host and {path}",
            "compare host and path with its routers' rules and entrypoints",
            case="elsewhere",
            source=ANSWERS,
        ),
        error(
            "url.no_such_path",
            "the application was reached, but does not have the path {path}",
            "check {docs_url}, which lists a FastAPI application's paths",
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
            "every request got a 404 from Traefik, since no router matches it: {requests}",
            "use a host of PUBLIC_HOSTS ({hosts}), and a path that begins with {prefix}; make doctor "
            "URL=… explains one URL",
            source=ANSWERS,
        ),
        note(
            "requests.only_404",
            "the application responded to every request with 404: {requests}",
            "compare the path with the application's routes; make doctor URL=… explains one URL",
            case="application",
            source=ANSWERS,
        ),
    ),
    "502, 503 or 504": (
        error(
            "url.no_application",
            "the proxy responds, but cannot connect to the application: it is down, starting, draining, "
            "or listens on 127.0.0.1 of its own container",
            "check make ps and make logs FOLLOW=0",
            case="502",
            source=ANSWERS,
        ),
        error(
            "url.no_application",
            "the proxy responds, but no application behind it is ready: it is down, starting, draining, "
            "or listens on 127.0.0.1 of its own container",
            "check make ps and make logs FOLLOW=0",
            case="503",
            source=ANSWERS,
        ),
        error(
            "url.no_application",
            "the proxy gave up after {seconds} s: the application accepted no connection, or had not "
            "started its response within ANSWER_SECONDS={limit}; Traefik's access log, which would say "
            "which, does not have this request",
            "make logs FOLLOW=0 shows what the application did",
            case="504",
            source=ANSWERS,
        ),
        error(
            "url.answer_limit",
            "the application had not started its response to {path} after {seconds} s: Traefik waits for "
            "ANSWER_SECONDS={limit}",
            MORE_ANSWER,
            source="docs/production.md › When something breaks",
        ),
        error(
            "url.answer_limit",
            "the application had not started its response to {path} after {seconds} s, when Traefik gave up",
            EDIT,
            case="edited",
            source="docs/production.md › When something breaks",
        ),
        error(
            "url.server_ended",
            "the application's server closed the connection after {seconds} s without a response to "
            "{path}: its process crashed or was killed, for example by a worker's time limit; none of "
            "Traefik's limits caused it",
            "check make logs FOLLOW=0, which shows why",
            case="stack",
            source="docs/production.md › When something breaks",
        ),
        error(
            "url.gateway",
            "{server} was reached, but cannot reach the server behind it, or got no complete response "
            "from it: {status}",
            "check that the server behind it runs, listens on the address that {server} is configured with, "
            "and uses the configured scheme (http or https); on its machine, run make doctor URL= with "
            "that address",
            source=ANSWERS,
        ),
        error(
            "url.gateway",
            "{server} gave up after {seconds} s: the server behind it accepted no connection, or did not "
            "respond in time",
            "run make doctor URL= on the machine of {server}, with the address that it is configured with; "
            "{server}'s limits are {limits}",
            case="504",
            source=ANSWERS,
        ),
        CONNECTING,
        error(
            "url.gateway",
            "{status}, and nothing in the response shows whether it comes from the application or from a "
            "proxy that cannot reach the server behind it",
            "check the proxy's log, which has this request and the reason",
            case="unknown",
            source=ANSWERS,
        ),
        note(
            "requests.answer_limit",
            "{requests}: the application had not started its response within ANSWER_SECONDS={limit}",
            MORE_ANSWER,
            source="docs/production.md › When something breaks",
        ),
        note(
            "requests.answer_limit",
            "{requests}: the application had not started its response when Traefik gave up",
            EDIT,
            case="edited",
            source="docs/production.md › When something breaks",
        ),
        note(
            "requests.request_limit",
            "{requests}: the client had not sent its request within REQUEST_SECONDS={limit}, "
            "which includes uploads",
            "set REQUEST_SECONDS={more} in .env, then run make up",
            source="docs/production.md › When something breaks",
        ),
        note(
            "requests.server_ended",
            "{requests}: the application's server closed the connection without a response; none of "
            "Traefik's limits caused it",
            "check make logs FOLLOW=0, which shows why: a process that crashed, or that its server killed",
            source="docs/production.md › When something breaks",
        ),
        note(
            "requests.no_connection",
            (
                "{requests}: no server accepted a connection, for example because it was down or its "
                "queue was full"
            ),
            "check make logs FOLLOW=0, which shows what it did then",
            source="docs/production.md › When something breaks",
        ),
    ),
    "Another error status": (
        SPEAKS_TLS,
        error(
            "url.host_refused",
            "the application's TrustedHostMiddleware does not allow the host {host}",
            "add {host} to its allowed_hosts",
            source="Starlette: Middleware › TrustedHostMiddleware",
        ),
        error(
            "url.host_refused",
            "a library in the application has a list of hosts without {host} (421)",
            "add {host} and {host}:* to it (allowed_hosts of TransportSecuritySettings in MCP's SDK for "
            "Python)",
            case="library",
            source="RFC 9110 › 15.5.20",
        ),
        error(
            "url.host_refused",
            "the application has its own list of hosts without {host}: {status}, {body}",
            "add {host} to that list",
            case="own",
        ),
        error(
            "url.host_refused",
            "{status} for the host {host}, and {localhost} for localhost: the application, or the proxy in "
            "front of it, has a list of hosts",
            "add {host} to it (ALLOWED_HOSTS in Django, allowed_hosts elsewhere)",
            case="differs",
        ),
        error(
            "url.encoded",
            "Traefik refuses {characters} in a path, with an empty 400; the application never sees it",
            ENCODED,
        ),
        error(
            "url.encoded",
            "{characters} in the path is refused with an empty 400; without it the status is {status}. "
            "Traefik does so, with encodedCharacters of an entrypoint or a middleware",
            "allow it there, or send it in the query or the body",
            case="elsewhere",
        ),
        error(
            "url.bad_request",
            "Traefik refuses {path} with an empty 400: without the prefix it is not in normal form",
            "write the path without . and .. and without empty segments",
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
            "{server} itself responded with {status}{body:: }",
            "check its log",
            fixes={"stack": "check its log, which has the traceback, with make logs FOLLOW=0"},
        ),
        error(
            "url.refused_by_application",
            "{server} responded with {status}{body:: }",
            "change the request as the response says; the server's log may say more",
        ),
        error(
            "url.downgraded",
            "a redirect leads from https to http: the application gets no X-Forwarded-Proto from its "
            "proxy, or does not trust it",
            "let the proxy send it, and the server trust the proxy (--forwarded-allow-ips; for proxies "
            "in front of this stack, TRUSTED_PROXIES)",
            source="FastAPI: Behind a Proxy › Enable Proxy Forwarded Headers",
        ),
    ),
    "The stack is not running, or not as configured": (
        error("stack.not_running", "the stack of this clone is not running", "run make up"),
        warning(
            "settings.not_applied",
            "the running stack does not use the current .env or environment: {keys}",
            "run make up",
        ),
        warning(
            "settings.refused",
            "make up would refuse the current .env or environment, so the running stack has the previous "
            "values: {reason}",
            "correct it, then run make up",
        ),
        error(
            "routes.not_taken",
            "Traefik refused the last edit: {reason}",
            "correct the file in traefik/dynamic; Traefik applies it when the file is saved",
        ),
        error("port.taken", "{port} is in use by {process}", "stop it, or run make up {key}={free_port}"),
        error(
            "engine.silent",
            "the stack was started in Docker, and {engine}",
            "start Docker (sudo systemctl start docker, or Docker Desktop)",
            fixes={"not_allowed": "add yourself to the group docker, or run sudo make doctor"},
            source="Linux post-installation steps for Docker Engine › Manage Docker as a non-root user",
        ),
        error(
            "native.gone",
            "supervisord, which keeps Traefik and the application running, is not running",
            "run make up",
        ),
    ),
    "A part of the stack exited, hangs, or listens elsewhere": (
        error(
            "container.ended",
            ("the container's state is {state} ({reason}){last_line:; its last line: }"),
            "check make logs FOLLOW=0",
        ),
        error("container.ended", "the container's state is {state}", "run make up", case="not_started"),
        error("container.missing", "its container does not exist", "run make up"),
        error("container.missing", "this clone has no containers", "run make up", case="all"),
        error("container.paused", "the container is paused", "run docker unpause {container}"),
        error(
            "container.unhealthy",
            "the container runs, but its health check fails",
            "check make logs FOLLOW=0",
        ),
        note("container.starting", "the container is starting", "check again in a few seconds"),
        note(
            "process.starting",
            "the process has run for {seconds} s and is starting: nothing listens on {port} yet",
            "check again in a few seconds; make logs FOLLOW=0 shows what it waits for",
        ),
        error(
            "container.loopback",
            (
                "the server listens on {address} in its container, where nothing outside it can connect, "
                "not even Traefik"
            ),
            "set APP_HOST: 0.0.0.0 in docker-compose.yml (--host 0.0.0.0), then run make up",
            source=LISTENS,
        ),
        error(
            "container.other_port",
            "nothing listens on {port} in its container{others:; something does on }",
            "check make logs FOLLOW=0; Traefik and the health check send requests to {port}",
        ),
        error(
            "process.ended",
            ("the process's state is {state}; its last lines are in {log}"),
            "check make logs FOLLOW=0",
        ),
        error("process.stopped", "{process} is stopped, as by Ctrl-Z", "run kill -CONT {pid}"),
        error("process.not_listening", "nothing listens on {port}", "check make logs FOLLOW=0"),
    ),
    "An entrypoint of the stack does not respond": (
        error(
            "entrypoint.no_route",
            "{url}: no router matches it (Traefik's own 404)",
            "check the rule in traefik/dynamic/routes.toml; make ps shows whether the last edit was accepted",
            source=ANSWERS,
        ),
        error(
            "entrypoint.no_app",
            "{url}: no application behind Traefik is ready ({status})",
            "check make ps and make logs FOLLOW=0",
            source=ANSWERS,
        ),
        error(
            "entrypoint.fails",
            "{url}: the application itself responds with {status}",
            "check make logs FOLLOW=0, which shows why",
            source=ANSWERS,
        ),
        error(
            "entrypoint.silent",
            "{url}: connected, but no response within {seconds} s",
            "check make logs FOLLOW=0",
            source=ANSWERS,
        ),
        error(
            "entrypoint.closed", "{url}: {outcome}", ("check make ps, then run make restart"), source=ANSWERS
        ),
        error(
            "entrypoint.certificate",
            "{url}: {outcome}",
            "run make up, which makes a new certificate, or set CA_FILE to another authority",
        ),
        error(
            "firewall.drops",
            "this machine's firewall blocks {port}: {rule}",
            "remove the rule, or accept tcp {port} before it",
            case="here",
            source=ANSWERS,
        ),
        error("network.refused", ("{part}: the request failed ({answer})"), "check make logs FOLLOW=0"),
        error(
            "port.no_address",
            "this machine has no address {address} any more, so nobody reaches its ports",
            "set BIND_ADDRESS to an address that it has, then run make up",
            source=LISTENS,
        ),
        error(
            "port.not_published",
            "{port} of this machine leads to no container",
            (
                "write 127.0.0.1:{port}:{target} under ports: of {service} in docker-compose.yml, then "
                "run make up"
            ),
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
            "set PUBLIC_HOSTS={hosts} in .env, then run make up",
            source=LISTENS,
        ),
        error(
            "firewall.drops",
            "the firewall blocks {port}: {rule}",
            "accept tcp {port} before it",
            source=ANSWERS,
        ),
        error(
            "direct.open",
            "{address}:{port} bypasses the proxy and the firewall, for anyone who can reach this machine",
            "write 127.0.0.1:{port}:{target} under ports: of app",
            case="published",
            source="moby/moby#4737",
        ),
        error(
            "direct.open",
            "the server listens on {address}:{port}, bypassing the proxy, for {who}",
            "publish DIRECT_PORT only on loopback, as 127.0.0.1:{port}",
            source=LISTENS,
        ),
        warning(
            "probe.open",
            "PROBE=1: the probe shows request headers to anyone who sends it a request",
            "set PROBE=0 in .env, then run make up",
            source="SECURITY.md › What is left to you",
        ),
    ),
    "Only your browser reaches it, at localhost": (
        note(
            "connection.editor_forwards",
            "{editor} ({evidence}) forwards ports that it detects {how}. localhost:{port} in your "
            "browser is then this machine's port; no other machine can use that address",
            "use its Ports panel, which shows and stops each, or its settings remote.autoForwardPorts "
            "and remote.autoForwardPortsSource. Plain SSH forwards none automatically, only with ssh -L "
            "{port}:localhost:{port} THIS-MACHINE",
            source=FORWARDS,
        ),
    ),
    "The certificate is about to expire": (
        error(
            "certificate.not_renewed",
            "Traefik has not renewed the certificate: {reason}",
            "run docker compose -f docker-compose.yml restart traefik",
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
