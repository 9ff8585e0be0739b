"""The known causes of red checks: what each looks like, and the change that removes it.

In the order of a request's way, the more particular before the more general.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatch

from . import advice, reference
from .setting import Setting

ANY = ("*",)
ROOT_PATH = r"\broot_path\s*="


class Red:
    """The red checks of a run: `id@entrypoint` with what was observed there."""

    def __init__(self, observed: dict[str, str], setting: Setting | None = None, held: Iterable[str] = ()):
        self.observed, self.setting = observed, setting or Setting()
        self.held = held

    def passed(self, id: str) -> bool:
        """Did the check pass at some entrypoint?"""
        return any(place.startswith(f"{id}@") for place in self.held)

    def hosts_elsewhere(self) -> list[str]:
        """The beginnings of a Location that names no host of the deployment."""
        seen = self.seen("redirect.keeps_prefix@http*")
        found = re.findall(r"https?://[^/:\s]+", seen)
        return found if found and not any(host in found[0] for host in self.setting.hosts) else ["\0"]

    def __call__(self, pattern: str) -> bool:
        """Is a check red that fits `id@entrypoint`? Wildcards are allowed; without @, at any entrypoint."""
        return bool(self.seen(pattern))

    def seen(self, pattern: str) -> str:
        """What was observed at the first place that fits."""
        return next((text or "red" for text in self._at(pattern)), "")

    def says(self, pattern: str, *words: str) -> bool:
        """Was one of `words` observed at a red place that fits?"""
        return any(word in text for text in self._at(pattern) for word in words)

    def _at(self, pattern: str) -> list[str]:
        whole = pattern if "@" in pattern else f"{pattern}@*"
        return [text for place, text in self.observed.items() if fnmatch(place, whole)]

    def without(self, explained: Iterable[str]) -> "Red":
        return Red(
            {
                place: text
                for place, text in self.observed.items()
                if not any(fnmatch(place, pattern) for pattern in explained)
            },
            self.setting,
            self.held,
        )


@dataclass(frozen=True)
class Cause:
    id: str
    says: str
    fits: Callable[[Red], bool]
    explains: tuple[str, ...] = ANY
    line: str = ""  # the pattern of the line to change, where the application is at fault

    def fix_for(self, setting: Setting) -> str:
        """Return the change that removes it, for this proxy and this server."""
        return reference.CAUSES.get(self.id, "") if setting.ours else advice.change(self.id, setting)


def public_404(red: Red) -> bool:
    return red.says("app.root_path@http*", "404") or red.says("app.answers@http*", "404")


def proxys_own_404(red: Red) -> bool:
    """The application's own 404 is JSON, which app.not_found_is_the_applications demands. That
    needs a schema, which is not found either where the public address alone is known."""
    return public_404(red) and (
        red("app.not_found_is_the_applications@http*") or red.says("app.answers@http*", "404 from the proxy")
    )


def unset(red: Red) -> bool:
    """root_path is there, and empty."""
    return any(
        red.seen(check).rstrip().endswith(("root_path ->", "root_path:"))
        for check in ("app.root_path", "scope.root_path")
    )


def distrusted(red: Red) -> bool:
    return red("scope.scheme") and red("scope.client")


def slashes(red: Red) -> bool:
    observed = red.seen("scope.root_path").rpartition("root_path: ")[2].strip().strip('"')
    return bool(observed) and (not observed.startswith("/") or observed.endswith("/"))


def elsewhere(fits: Callable[[Red], bool]) -> Callable[[Red], bool]:
    """A sign that answers without a probe give: of this repository's stack the probe says more."""
    return lambda red: not red.setting.ours and fits(red)


def wrong_servers(red: Red) -> str:
    """What stands in the schema's servers in place of the prefix; `nothing` where there is none."""
    return red.seen("openapi.servers").rpartition("server: ")[2].strip().strip('[]"')


def without_prefix(red: Red) -> bool:
    """Addresses lack the prefix, and not since one was put together by hand: the schema, which FastAPI
    writes, lacks it too, or there is none and a redirect of Starlette's does."""
    if red("openapi.servers"):
        return wrong_servers(red) in ("nothing", "")
    known = red.passed("openapi.servers")
    prefix = red.setting.prefix
    led = red.seen("redirect.keeps_prefix@http*") + red.seen("redirect.removes_slash@http*")
    return bool(prefix) and not known and (red("links.prefix") or (bool(led) and prefix + "/" not in led))


def names_the_server(red: Red) -> bool:
    """Whether addresses have the deployment's host and a port that is written out, and not the client's: the
    server's own address stands in Host."""
    shown = red.seen("links.port").partition(": ")[2]
    return bool(re.search(r"://[^/\s\"]+:\d+", shown))


def another_prefix(red: Red) -> bool:
    found = wrong_servers(red)
    return found.startswith("/") and not found.endswith("/") and found != red.setting.prefix


def steers(red: Red, place: str, *names: str) -> bool:
    """Whether one of these sets of invented headers steers an address at this place."""
    return red.says(f"trust.redirect_not_steered@{place}", *(f"{name} ->" for name in names))


SCHEME = (
    "links.scheme@*",
    "links.port@https",
    "redirect.*@https",
    "http2.*",
    "docs.*@https",
    "openapi.*@https",
    "host.own_port@https",
    "trust.redirect_not_steered@http*",
    "application.cookies_secure@*",
    "application.redirects@https",
)
PREFIX = (
    "links.prefix@*",
    "redirect.*",
    "openapi.*",
    "docs.*",
    "application.*",
    "http2.*",
    "mount.*",
    "static.*",
    "host.own_port@*",
    "app.*",
)
HOST = (
    "links.host@*",
    "links.port@*",
    "redirect.*",
    "host.*",
    "http2.*",
    "application.redirects@*",
    "docs.*",
    "app.answers@*",
)

# Signs that any application's answers give.
SHOWN = (
    Cause(
        "host_lost",
        "the proxy does not pass Host on as the client sent it",
        elsewhere(
            lambda red: (
                red("links.host")
                or names_the_server(red)
                or red.says("redirect.keeps_prefix@http*", *red.hosts_elsewhere())
            )
        ),
        (*HOST, "links.prefix@*"),
    ),
    Cause(
        "root_path_not_prepended",
        "root_path is set and not prepended to the stripped path: in the code, or by a server that does not "
        "prepend it",
        elsewhere(lambda red: red("app.doubled_prefix@http*")),
        (
            "app.doubled_prefix@*",
            "app.direct_path_has_no_prefix@*",
            "docs.direct_is_for_the_proxy@*",
            *PREFIX,
        ),
        line=ROOT_PATH,
    ),
    Cause(
        "own_hosts",
        "the application's own list of hosts refuses the deployment's name (TrustedHostMiddleware, or an MCP "
        "server's)",
        elsewhere(
            lambda red: (
                red.says("app.answers@http*", "400", "421", "403")
                and not red.says("app.answers@http*", "404")
            )
        ),
        ("*@http", "*@https"),
        line=r"TrustedHostMiddleware|allowed_hosts",
    ),
    Cause(
        "not_stripped",
        "the application has none of the paths that arrive: the proxy does not strip the prefix, strips "
        "another one, or FastAPI(root_path=) contradicts the server's",
        elsewhere(lambda red: public_404(red) and not proxys_own_404(red)),
        line=ROOT_PATH,
    ),
    Cause(
        "root_path_slash",
        "root path on the server has a slash at its end, or none in front",
        elsewhere(
            lambda red: (
                wrong_servers(red).endswith("/")
                or bool(red.setting.prefix)
                and (
                    red.says("redirect.*", f"{red.setting.prefix}//")
                    or red.says("links.prefix", f"{red.setting.prefix}//")
                )
            )
        ),
        PREFIX,
    ),
    Cause(
        "prefix_twice",
        "the prefix is there twice: the proxy rewrites an address that has it already",
        elsewhere(
            lambda red: (
                bool(red.setting.prefix)
                and (
                    red.says("redirect.*", red.setting.prefix * 2)
                    or red.says("links.prefix", red.setting.prefix * 2)
                    or red.says("application.cookies", red.setting.prefix * 2)
                )
            )
        ),
        (*PREFIX, "application.cookies@*"),
    ),
    Cause(
        "one_path",
        "every path gets the same answer: the proxy sends one path to the server for all",
        elsewhere(lambda red: red.says("app.not_found_is_the_applications", "one and the same")),
        ("*@http", "*@https"),
    ),
    Cause(
        "root_path_differs",
        "the server has a different prefix than the proxy",
        elsewhere(another_prefix),
        PREFIX,
    ),
    Cause("root_path_unset", "root path is not set on the server", elsewhere(without_prefix), PREFIX),
    Cause(
        "scheme_not_sent",
        "the proxy does not send X-Forwarded-Proto",
        elsewhere(
            lambda red: (
                red("links.scheme@https")
                and steers(red, "https", "X-Forwarded-*", "junk", "lower case", "a list")
            )
        ),
        SCHEME,
    ),
    Cause(
        "scheme_lost",
        "the server does not trust the proxy, or the proxy does not send X-Forwarded-Proto",
        elsewhere(
            lambda red: (
                (red("links.scheme@https") or red.says("redirect.*@https", "http://"))
                and not red("scope.client")
            )
        ),
        (*SCHEME, "application.client_address@*", "websocket.opens@https"),
    ),
    Cause(
        "scheme_overwritten",
        "X-Forwarded-Proto is overwritten on its way: it is https for http too",
        elsewhere(lambda red: red("links.scheme@http") and not red("links.scheme@https")),
        (
            "links.*@http",
            "redirect.*@http",
            "trust.redirect_not_steered@http",
            "host.own_port@http",
            "application.*@http",
        ),
    ),
    Cause(
        "query_lost",
        "the query is lost on the way",
        elsewhere(lambda red: red("redirect.keeps_query") and not red("redirect.keeps_prefix")),
        ("redirect.keeps_query@*",),
    ),
    Cause(
        "errors_replaced",
        "the proxy puts an error page of its own in place of the application's",
        elsewhere(lambda red: red("app.not_found_is_the_applications") and not red("app.answers")),
        ("app.not_found_is_the_applications@*", "path.same_at_server@*"),
    ),
    Cause(
        "slashes_merged",
        "the proxy decodes a path or merges its slashes before it passes it on",
        elsewhere(lambda red: red("path.same_at_server")),
        ("path.same_at_server@*",),
    ),
    Cause(
        "bare_prefix",
        "the bare prefix is not routed, or not stripped",
        elsewhere(lambda red: red("redirect.start_page") and not red("app.answers@http*")),
        ("redirect.start_page@*", "application.assets@*"),
    ),
    Cause(
        "port_lost",
        "the proxy passes Host on without its port",
        elsewhere(
            lambda red: red("links.port") or red("redirect.keeps_prefix@http*") and red("host.own_port")
        ),
        HOST,
    ),
    Cause(
        "server_trusts_anybody",
        "the server trusts callers that are not the proxy",
        elsewhere(lambda red: red("trust.redirect_not_steered@direct")),
        ("trust.*",),
    ),
    Cause(
        "proxy_trusts_clients",
        "the proxy trusts its clients: it passes on forwarding headers as they wrote them",
        elsewhere(
            lambda red: (
                red("trust.redirect_not_steered@http*") or red.says("application.client_address", "invented")
            )
        ),
        ("trust.*@http", "trust.*@https", "application.client_address@*", "scope.*"),
    ),
    Cause(
        "client_address",
        "the server does not trust the proxy, or the proxy does not send X-Forwarded-For: everybody has the "
        "proxy's address",
        elsewhere(lambda red: red("application.client_address") and not red("scope.client")),
        ("application.client_address@*",),
    ),
    Cause(
        "websockets",
        "Upgrade does not reach the server: WebSockets do not open",
        elsewhere(lambda red: red("websocket.opens")),
        ("websocket.*", "mount.sub_websocket@*", "trust.websocket*"),
    ),
)

# In the order of a request's way: whether it arrives, and with which path.
ARRIVING = (
    # The containers, before any request.
    Cause(
        "container_loopback",
        "the application listens on 127.0.0.1 inside its container",
        lambda red: red.says("container.listens", "127.0.0.1"),
    ),
    # Certificates and entrypoints.
    Cause(
        "tls_missing",
        "the https entrypoint speaks no TLS",
        lambda red: red.says("tls.certificate", "WRONG_VERSION_NUMBER", "RECORD_LAYER", "UNEXPECTED_EOF"),
        ("*@https",),
    ),
    Cause(
        "certificate",
        "the certificate is not one for this host from a known authority",
        lambda red: red.seen("tls.certificate").startswith("certificate"),
        ("*@https",),
    ),
    # Nothing arrives.
    Cause(
        "trusted_host",
        "TrustedHostMiddleware in the application refuses the deployment's own name",
        lambda red: red.says("app.answers@direct", "400") and red("app.answers@http*"),
        line=r"TrustedHostMiddleware|allowed_hosts",
    ),
    Cause(
        "dashboard_public",
        "the dashboard is at the public entrypoint and takes the application's paths",
        lambda red: red.says("exposure.operations", "/api/", "/dashboard") and public_404(red),
    ),
    Cause(
        "router_not_tls",
        "the router does not listen at the https entrypoint, or not for TLS",
        lambda red: (
            red.says("app.answers@https", "404")
            and not red("app.answers@http")
            and (red.setting.ours or "app.answers@http" in red.held)
        ),
        ("*@https",),
    ),
    Cause(
        "https_loops",
        "https is redirected to http, or to itself",
        lambda red: (
            red.says("app.answers@https", "itself")
            or red.says("app.root_path@https", "301", "302", "307", "308")
        ),
    ),
    Cause(
        "unreachable_server",
        "the proxy cannot reach the server",
        lambda red: (
            red.says("app.answers@http*", "500", "502", "503", "504") and not red("app.answers@direct")
        ),
    ),
    Cause(
        "silent_server",
        "the server does not answer",
        lambda red: red.says("app.answers@http*", "502", "503", "504"),
    ),
    Cause("no_router", "the proxy's own 404: no router takes the prefixed path", proxys_own_404),
    Cause(
        "direct_silent",
        "the server's own port does not answer, the proxy does",
        lambda red: red.says("app.answers@direct", "could not check") and not red("app.answers@http*"),
        ("*@direct",),
    ),
    Cause(
        "lenient_parser",
        "the server answers ambiguous requests: its parser has no rules",
        lambda red: red.says("exposure.request_smuggling@direct", "answers"),
    ),
)

# What the probe and the demonstration show.
SEEN = (
    # It arrives, with the wrong path.
    Cause(
        "prefix_doubled_in_path",
        "the prefix is there twice",
        lambda red: red("app.direct_has_both_paths") and red("app.root_path"),
    ),
    Cause(
        "root_path_in_code",
        "a root_path in the code contradicts the server's",
        lambda red: red.says("app.root_path@direct", "404"),
        line=ROOT_PATH,
    ),
    Cause("not_stripped", "the proxy does not strip the prefix, or strips another one", public_404),
    Cause("root_path_unset", "root path is not set on the server", unset),
    Cause(
        "root_path_slash",
        "root path on the server lacks its slash in front, or has one at its end",
        lambda red: red("scope.root_path") and slashes(red),
    ),
    Cause(
        "root_path_differs",
        "the server has a different prefix than the proxy",
        lambda red: red("app.root_path") or red("scope.root_path"),
    ),
    Cause(
        "root_path_not_prepended",
        "root_path is set, and not prepended to the stripped path",
        lambda red: red("app.doubled_prefix") and red("mount.*"),
        (
            "app.*",
            "mount.*",
            "static.*",
            "scope.*",
            "docs.*",
            "redirect.*",
            "logs.*",
            "openapi.*",
            "websocket.*",
            "host.*",
            "path.*",
            "links.*",
            "trust.*",
            "http2.*",
            "browser.*",
            "fuzz.*",
        ),
    ),
    Cause(
        "root_path_deprecated",
        "FastAPI(root_path=) is deprecated",
        lambda red: red.says("logs.no_deprecation", "deprecations"),
        ("logs.no_deprecation@*",),
        line=ROOT_PATH,
    ),
    Cause(
        "catch_all",
        "something in the application answers every path with 200",
        lambda red: red.says("app.not_found_is_the_applications", "200"),
        line=r":path\}",
    ),
    Cause(
        "start_page",
        "the start page leads out of the prefix",
        lambda red: red.says("redirect.start_page", "Location of") and not red("redirect.keeps_prefix"),
        ("redirect.start_page@*",),
        line="RedirectResponse",
    ),
    Cause(
        "bare_prefix",
        "the bare prefix is not routed",
        lambda red: red.says("redirect.start_page", "404") and not red("app.*"),
        ("redirect.start_page@*", "path.*", "exposure.*"),
    ),
    Cause(
        "unprefixed",
        "paths without the prefix are public",
        lambda red: red("prefix.unprefixed_not_public"),
        ("prefix.*", "path.*", "exposure.*", "host.*"),
    ),
    Cause(
        "boundary",
        "the rule does not end the prefix at a boundary",
        lambda red: red("prefix.boundary"),
        ("prefix.*", "path.another_spelling@*", "scope.forwarded_prefix@*"),
    ),
    Cause(
        "strip_slash",
        "stripPrefix has a slash at its end, or another middleware strips",
        lambda red: red("scope.forwarded_prefix"),
        ("scope.forwarded_prefix@*", "redirect.start_page@*", "app.*"),
    ),
    Cause(
        "schema_off",
        "the schema is switched off while pages ask for it",
        lambda red: red.says("openapi.servers", "404"),
        ("openapi.*", "docs.*", "app.*", "application.*", "mount.*", "trust.docs*", "fuzz.*", "browser.*"),
    ),
    Cause(
        "prefix_in_code",
        "a route has the prefix in the code",
        lambda red: red("openapi.paths_unprefixed"),
        (
            "openapi.*",
            "redirect.*",
            "docs.*",
            "app.*",
            "fuzz.*",
            "http2.*",
            "host.*",
            "trust.redirect_not_steered@*",
        ),
        line="{prefix}/",
    ),
    Cause(
        "mount_root_path",
        "the mounted application has a root_path of its own",
        lambda red: red("mount.sub_application") and not red("static.file"),
        ("mount.*",),
        ROOT_PATH,
    ),
    Cause(
        "static_folder",
        "files outside the static folder are served",
        lambda red: red.says("static.no_traversal", "the application's source"),
        ("static.*",),
    ),
    # Host.
    Cause(
        "inside_address",
        "an answer names an address of the inside",
        lambda red: (
            red("exposure.no_internal_address") and not red("redirect.*") and not red("openapi.servers")
        ),
    ),
    Cause(
        "host_lost_ours",
        "Host does not reach the application as the client sent it",
        lambda red: (
            red("host.own_port@http")
            and red("redirect.keeps_prefix@http")
            and red("host.own_port")
            and not red("redirect.keeps_prefix@direct")
        ),
    ),
    Cause(
        "old_starlette",
        "Starlette builds request.url from whatever Host has: it is older than 1.0.1",
        lambda red: red("host.with_a_path"),
        ("host.with_a_path@*", "host.malformed@*", "host.one@*"),
    ),
    Cause(
        "any_host",
        "any Host is answered",
        lambda red: red("host.foreign"),
        ("host.*", "trust.redirect_not_steered@http*"),
    ),
    Cause(
        "malformed_host",
        "a malformed Host reaches the application",
        lambda red: red("host.malformed") or red("host.one"),
        ("host.*",),
    ),
    # Who is trusted.
    Cause(
        "load_balancers",
        "TRUSTED_PROXIES does not name every load balancer to proxy and server alike",
        lambda red: red("trust.load_balancer"),
        ("trust.load_balancer*", "scope.*", "websocket.*"),
    ),
    Cause(
        "proxy_trusts_clients_ours",
        "Traefik trusts its clients",
        lambda red: red("trust.proxy_cannot_spoof") and red("trust.one_value_each"),
        ("trust.*@http", "trust.*@https", "scope.*"),
    ),
    Cause(
        "client_overwritten",
        "X-Forwarded-For is overwritten on its way: it has one address for all clients",
        lambda red: red.says("scope.client", "client at 127."),
        ("scope.client@*",),
    ),
    Cause(
        "scheme_overwritten",
        "X-Forwarded-Proto is overwritten on its way",
        lambda red: red("scope.scheme") and not red("scope.client"),
    ),
    Cause("server_distrusts", "the server does not trust the proxy", distrusted),
    Cause(
        "copies_prefix",
        "the application copies X-Forwarded-Prefix into root_path",
        lambda red: red("trust.docs_ignore_spoofing"),
        ("trust.*",),
    ),
    Cause(
        "trusts_passed_header",
        "the application trusts a header that the proxy passes on as the client wrote it",
        lambda red: red("trust.proxy_cannot_spoof"),
        ("trust.*", "redirect.*"),
    ),
    Cause(
        "reads_forwarded_host",
        "the application reads X-Forwarded-Host",
        lambda red: red("trust.direct_cannot_spoof") and not red.says("trust.direct_cannot_spoof", "6.6.6.6"),
        ("trust.*",),
    ),
    Cause(
        "server_trusts_anybody",
        "the server trusts callers that are not the proxy",
        lambda red: red("trust.direct_cannot_spoof") or red("container.neighbour"),
        ("trust.*@direct", "container.*"),
    ),
    Cause(
        "old_traefik",
        "Traefik is older than a fix that this configuration relies on",
        lambda red: red("exposure.h2c"),
        ("exposure.h2c@*", "trust.scrubbed_headers@*"),
    ),
    Cause(
        "aliases",
        "header aliases and headers that nobody wrote reach the application",
        lambda red: red("trust.scrubbed_headers"),
        ("trust.scrubbed_headers@*",),
    ),
    # What the application makes of it.
    Cause(
        "no_slash_redirect",
        "the application does not redirect to the slashed path",
        lambda red: red.says("redirect.keeps_prefix@direct", "404"),
        ("redirect.*", "http2.*", "host.*", "trust.*", "path.*", "mount.sub_redirect@*"),
    ),
    Cause(
        "servers_in_schema",
        "`servers` in the schema does not begin with the prefix",
        lambda red: red("openapi.servers") and not red("docs.names_schema"),
        ("openapi.*", "browser.*"),
    ),
    Cause(
        "docs_schema",
        "the docs page names a schema that is not there",
        lambda red: red("docs.names_schema"),
        ("docs.*", "mount.sub_docs@*", "browser.*"),
    ),
    Cause(
        "docs_assets",
        "the docs page loads its assets from elsewhere",
        lambda red: red("docs.assets_same_origin") or red("browser.same_origin") and not red("docs.*"),
        ("docs.assets*", "browser.*"),
    ),
    Cause(
        "websockets_ours",
        "WebSockets do not get through",
        lambda red: red("websocket.echo"),
        ("websocket.*", "mount.sub_websocket@*", "trust.websocket*"),
    ),
    Cause(
        "wss_as_ws",
        "wss arrives as ws",
        lambda red: red("websocket.scope@https"),
        ("websocket.*", "trust.websocket*"),
    ),
    Cause(
        "app_holds_stream",
        "the application holds a stream back",
        lambda red: red("stream.not_buffered@direct"),
        ("stream.*",),
    ),
    Cause(
        "proxy_holds_stream",
        "the proxy holds a stream back",
        lambda red: red("stream.not_buffered"),
        ("stream.*",),
    ),
    Cause(
        "retried",
        "the proxy sends a request again that the application has answered",
        lambda red: red("delivery.sent_once"),
        ("delivery.*",),
    ),
    Cause(
        "operations_public",
        "dashboard, ping, metrics or the proxy's API are at the public entrypoint",
        lambda red: red("exposure.operations"),
        ("exposure.*",),
    ),
    Cause(
        "no_request_id",
        "requests have no id",
        lambda red: red("request.id"),
        ("request.id@*", "logs.joined@*", "errors.problem@*"),
    ),
    Cause(
        "traceparent_lost",
        "a client's traceparent is lost on the way",
        lambda red: red("request.traceparent"),
        ("request.traceparent@*", "logs.joined@*"),
    ),
)

CAUSES = (*ARRIVING, *SHOWN, *SEEN)
