"""The known causes of red checks: what each looks like, and the change that removes it.

In the order of a request's way, the more particular before the more general.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatch

ANY = ("*",)
ROOT_PATH = r"\broot_path\s*="


class Red:
    """The red checks of a run: `id@entrypoint` with what was observed there."""

    def __init__(self, observed: dict[str, str]):
        self.observed = observed

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
            }
        )


@dataclass(frozen=True)
class Cause:
    says: str
    fix: str
    fits: Callable[[Red], bool]
    explains: tuple[str, ...] = ANY
    line: str = ""  # the pattern of the line to change, where the application is at fault


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


CAUSES = (
    # The containers, before any request.
    Cause(
        "the application listens on 127.0.0.1 inside its container",
        "APP_HOST must be 0.0.0.0 there: 127.0.0.1 is the container's own, out of the proxy's reach.",
        lambda red: red.says("container.listens", "127.0.0.1"),
    ),
    # Certificates and entrypoints.
    Cause(
        "the https entrypoint speaks no TLS",
        "it needs [entryPoints.https.http.tls] in traefik/traefik.toml.",
        lambda red: red.says("tls.certificate", "WRONG_VERSION_NUMBER", "RECORD_LAYER", "UNEXPECTED_EOF"),
        ("*@https",),
    ),
    Cause(
        "the certificate is not one for this host from a known authority",
        "CA_FILE must name the authority; Traefik serves its own default certificate when it has no "
        "other: see tls.stores in traefik/routes.toml and its log.",
        lambda red: red("tls.certificate"),
        ("*@https",),
    ),
    # Nothing arrives.
    Cause(
        "TrustedHostMiddleware in the application refuses the deployment's own name",
        "its allowed_hosts must hold the names of PUBLIC_HOSTS, and 127.0.0.1 for the health check.",
        lambda red: red.says("app.answers@direct", "400") and red("app.answers@http*"),
        line=r"TrustedHostMiddleware|allowed_hosts",
    ),
    Cause(
        "the dashboard is at the public entrypoint and takes the application's paths",
        "remove the dashboard's router from traefik/routes.toml, or give it the entrypoint ops.",
        lambda red: red.says("exposure.operations", "/api/", "/dashboard") and public_404(red),
    ),
    Cause(
        "the router does not listen at the https entrypoint, or not for TLS",
        'entryPoints must be ["http", "https"] in traefik/routes.toml, and the entrypoint have '
        "[entryPoints.https.http.tls] in traefik/traefik.toml.",
        lambda red: red.says("app.answers@https", "404") and not red("app.answers@http"),
        ("*@https",),
    ),
    Cause(
        "https is redirected to http, or to itself",
        "remove redirectScheme from the chain in traefik/routes.toml; HTTPSRedirectMiddleware in the "
        "application needs a server that trusts the proxy (--forwarded-allow-ips), and the "
        "entrypoint's redirection is the better place.",
        lambda red: (
            red.says("app.answers@https", "itself")
            or red.says("app.root_path@https", "301", "302", "307", "308")
        ),
    ),
    Cause(
        "the proxy cannot reach the server",
        "scheme, name and port of the service's url in traefik/routes.toml (APP_URL) must be the "
        "server's, and the server must listen on an address that the proxy can reach.",
        lambda red: (
            red.says("app.answers@http*", "500", "502", "503", "504") and not red("app.answers@direct")
        ),
    ),
    Cause(
        "the server does not answer",
        "see `make ps` and `make logs`: it stopped, or listens on another address or port.",
        lambda red: red.says("app.answers@http*", "502", "503", "504"),
    ),
    Cause(
        "the proxy's own 404: no router takes the prefixed path",
        "prefix, host, entryPoints, middlewares and service of the router in traefik/routes.toml must "
        "exist and be right. Traefik drops a router that names an unknown one: see `make ps`, `make logs`.",
        proxys_own_404,
    ),
    Cause(
        "the server's own port does not answer, the proxy does",
        "in Docker a container whose only network is internal publishes no port, silently: it needs "
        "the network `direct` too; elsewhere the server listens on another address or port.",
        lambda red: red.says("app.answers@direct", "could not check") and not red("app.answers@http*"),
        ("*@direct",),
    ),
    Cause(
        "the server answers ambiguous requests: its parser has no rules",
        "serve with Uvicorn and httptools, Gunicorn >= 27 or Hypercorn, which refuse them.",
        lambda red: red.says("exposure.request_smuggling@direct", "answers"),
    ),
    # It arrives, with the wrong path.
    Cause(
        "the prefix is there twice",
        "with STRIP_PREFIX=false no server option may prepend it (Uvicorn's --root-path does): "
        "leave it to RootPath in behindproxy_serve/middleware/root_path.py.",
        lambda red: red("app.direct_has_both_paths") and red("app.root_path"),
    ),
    Cause(
        "a root_path in the code contradicts the server's",
        "FastAPI(root_path=) is deprecated: remove it; the server's --root-path is enough.",
        lambda red: red.says("app.root_path@direct", "404"),
        line=ROOT_PATH,
    ),
    Cause(
        "the proxy does not strip the prefix, or strips another one",
        "the router needs the strip-prefix middleware with prefixes = [API_PREFIX] and no shorter one "
        "(or set STRIP_PREFIX=false, where the proxy shall leave it).",
        public_404,
    ),
    Cause(
        "root path is not set on the server",
        "start it with --root-path and the prefix: API_PREFIX in .env, then `make up` "
        "(behindproxy_serve/server.py passes it; behindproxy_serve/middleware/root_path.py sets it for "
        "Gunicorn and Hypercorn).",
        unset,
    ),
    Cause(
        "root path on the server lacks its slash in front, or has one at its end",
        "API_PREFIX must look like /api/v1; `make up` checks it.",
        lambda red: red("scope.root_path") and slashes(red),
    ),
    Cause(
        "the server has a different prefix than the proxy",
        "API_PREFIX in .env must feed both: `make up` applies it to --root-path and to the routes.",
        lambda red: red("app.root_path") or red("scope.root_path"),
    ),
    Cause(
        "root_path is set, and not prepended to the stripped path",
        "FastAPI(root_path=), and Gunicorn's or Hypercorn's own --root-path, cause that behind a proxy "
        "that strips: mounts, static files and redirects break. Use Uvicorn's --root-path, or "
        "RootPath in behindproxy_serve/middleware/root_path.py.",
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
            "trust.*",
            "http2.*",
            "browser.*",
            "fuzz.*",
        ),
    ),
    Cause(
        "FastAPI(root_path=) is deprecated",
        "remove it: the server's --root-path sets it.",
        lambda red: red.says("logs.no_deprecation", "deprecations"),
        ("logs.no_deprecation@*",),
        line=ROOT_PATH,
    ),
    Cause(
        "something in the application answers every path with 200",
        "a catch-all route (the fallback of a page application) must come last and end in 404 for "
        "what it does not know.",
        lambda red: red.says("app.not_found_is_the_applications", "200"),
        line=r":path\}",
    ),
    Cause(
        "the start page leads out of the prefix",
        "build its address with request.url_for.",
        lambda red: red.says("redirect.start_page", "Location of") and not red("redirect.keeps_prefix"),
        ("redirect.start_page@*",),
        line="RedirectResponse",
    ),
    Cause(
        "the bare prefix is not routed",
        "the rule in traefik/routes.toml needs Path(`/api/v1`) beside PathPrefix(`/api/v1/`).",
        lambda red: red.says("redirect.start_page", "404") and not red("app.*"),
        ("redirect.start_page@*", "path.*", "exposure.*"),
    ),
    Cause(
        "paths without the prefix are public",
        "every rule in traefik/routes.toml that leads to the application must name the prefix.",
        lambda red: red("prefix.unprefixed_not_public"),
        ("prefix.*", "path.*", "exposure.*", "host.*"),
    ),
    Cause(
        "the rule does not end the prefix at a boundary",
        "a slash must follow the prefix: Path(`/api/v1`) || PathPrefix(`/api/v1/`). Case must count.",
        lambda red: red("prefix.boundary"),
        ("prefix.*", "path.another_spelling@*", "scope.forwarded_prefix@*"),
    ),
    Cause(
        "stripPrefix has a slash at its end, or another middleware strips",
        'prefixes = ["/api/v1"] of stripPrefix, without a slash at the end; replacePathRegex sends no '
        "X-Forwarded-Prefix.",
        lambda red: red("scope.forwarded_prefix"),
        ("scope.forwarded_prefix@*", "redirect.start_page@*", "app.*"),
    ),
    Cause(
        "the schema is switched off while pages ask for it",
        "openapi_url=None needs docs_url=None and redoc_url=None too.",
        lambda red: red.says("openapi.servers", "404"),
        ("openapi.*", "docs.*", "app.*", "application.*", "mount.*", "trust.docs*", "fuzz.*", "browser.*"),
    ),
    Cause(
        "a route has the prefix in the code",
        "write the path without it: the proxy adds it.",
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
        "the mounted application has a root_path of its own",
        "remove root_path= from the mounted FastAPI: the mount sets it.",
        lambda red: red("mount.sub_application") and not red("static.file"),
        ("mount.*",),
        ROOT_PATH,
    ),
    Cause(
        "files outside the static folder are served",
        "serve them with StaticFiles from a folder of their own, never by joining paths.",
        lambda red: red.says("static.no_traversal", "200", "app", "served", "true"),
        ("static.*",),
    ),
    # Host.
    Cause(
        "an answer names an address of the inside",
        "no handler may print scope['server'], and passHostHeader must stay true.",
        lambda red: (
            red("exposure.no_internal_address") and not red("redirect.*") and not red("openapi.servers")
        ),
    ),
    Cause(
        "Host does not reach the application as the client sent it",
        "passHostHeader must stay true in traefik/routes.toml, and no middleware may set Host.",
        lambda red: (
            red("host.own_port@http")
            and red("redirect.keeps_prefix@http")
            and red("host.own_port")
            and not red("redirect.keeps_prefix@direct")
        ),
    ),
    Cause(
        "any Host is answered",
        "PUBLIC_HOSTS must list the deployment's own names, not *, and the rule in "
        "traefik/routes.toml begin with Host(…).",
        lambda red: red("host.foreign"),
        ("host.*", "trust.redirect_not_steered@http*"),
    ),
    Cause(
        "a malformed Host reaches the application",
        "serve it through behindproxy_serve/asgi.py, whose HostGuard answers 400.",
        lambda red: red("host.malformed") or red("host.one"),
        ("host.*",),
    ),
    # Who is trusted.
    Cause(
        "TRUSTED_PROXIES does not name every load balancer to proxy and server alike",
        "`make up` gives it to Traefik (forwardedHeaders.trustedIPs) and to the server "
        "(--forwarded-allow-ips): one exact address for each hop.",
        lambda red: red("trust.load_balancer"),
        ("trust.load_balancer*", "scope.*", "websocket.*"),
    ),
    Cause(
        "Traefik trusts its clients",
        "remove forwardedHeaders.insecure from traefik/traefik.toml, and trustedIPs that hold more "
        "than the load balancers (TRUSTED_PROXIES).",
        lambda red: red("trust.proxy_cannot_spoof") and red("trust.one_value_each"),
        ("trust.*@http", "trust.*@https", "scope.*"),
    ),
    Cause(
        "X-Forwarded-Proto is overwritten on its way",
        "no headers middleware may set X-Forwarded-Proto: Traefik writes it for each entrypoint.",
        lambda red: red("scope.scheme") and not red("scope.client"),
    ),
    Cause(
        "the server does not trust the proxy",
        "--forwarded-allow-ips must be the proxy's exact address (behindproxy_serve/server.py): no name, "
        "no quotes, no host bits; load balancers before it go into TRUSTED_PROXIES.",
        distrusted,
    ),
    Cause(
        "the application copies X-Forwarded-Prefix into root_path",
        "remove that middleware: root_path is configuration (API_PREFIX), never a header.",
        lambda red: red("trust.docs_ignore_spoofing"),
        ("trust.*",),
    ),
    Cause(
        "the application trusts a header that the proxy passes on as the client wrote it",
        "Forwarded and its like must be blanked by scrub-headers in traefik/routes.toml, and read by nobody.",
        lambda red: red("trust.proxy_cannot_spoof"),
        ("trust.*", "redirect.*"),
    ),
    Cause(
        "the application reads X-Forwarded-Host",
        "do not read it: Traefik passes Host on as it is, and a direct caller can write any "
        "X-Forwarded-Host.",
        lambda red: red("trust.direct_cannot_spoof") and not red.says("trust.direct_cannot_spoof", "6.6.6.6"),
        ("trust.*",),
    ),
    Cause(
        "the server trusts callers that are not the proxy",
        "--forwarded-allow-ips must be the proxy's exact address, never * nor a network that holds "
        "other callers; on one host without containers the proxy's token must be demanded too.",
        lambda red: red("trust.direct_cannot_spoof") or red("container.neighbour"),
        ("trust.*@direct", "container.*"),
    ),
    Cause(
        "Traefik is older than a fix that this configuration relies on",
        "use 3.7.13 or newer: it does not pass on Upgrade: h2c, and knows aliasHeadersStrategy.",
        lambda red: red("exposure.h2c"),
        ("exposure.h2c@*", "trust.scrubbed_headers@*"),
    ),
    Cause(
        "header aliases and headers that nobody wrote reach the application",
        'aliasHeadersStrategy = "delete" at each entrypoint in traefik/traefik.toml, and scrub-headers in '
        "traefik/routes.toml must blank what Traefik passes on.",
        lambda red: red("trust.scrubbed_headers"),
        ("trust.scrubbed_headers@*",),
    ),
    # What the application makes of it.
    Cause(
        "the application does not redirect to the slashed path",
        "redirect_slashes=False switches that off; each route then has one spelling only.",
        lambda red: red.says("redirect.keeps_prefix@direct", "404"),
        ("redirect.*", "http2.*", "host.*", "trust.*", "path.*", "mount.sub_redirect@*"),
    ),
    Cause(
        "`servers` in the schema does not begin with the prefix",
        "leave root_path_in_servers at its default (ROOT_PATH_IN_SERVERS=true), and list only "
        "further servers by hand.",
        lambda red: red("openapi.servers") and not red("docs.names_schema"),
        ("openapi.*", "browser.*"),
    ),
    Cause(
        "the docs page names a schema that is not there",
        "its schema URL must begin with request.scope['root_path'].",
        lambda red: red("docs.names_schema"),
        ("docs.*", "mount.sub_docs@*", "browser.*"),
    ),
    Cause(
        "the docs page loads its assets from elsewhere",
        "serve them beside the page, as app/docs.py does.",
        lambda red: red("docs.assets_same_origin") or red("browser.same_origin") and not red("docs.*"),
        ("docs.assets*", "browser.*"),
    ),
    Cause(
        "WebSockets do not get through",
        "the server needs a WebSocket library (uvicorn[standard] or websockets), the proxy must pass "
        "Upgrade on, and the route must not have the prefix.",
        lambda red: red("websocket.echo"),
        ("websocket.*", "mount.sub_websocket@*", "trust.websocket*"),
    ),
    Cause(
        "wss arrives as ws",
        "Traefik sends X-Forwarded-Proto: wss with an upgrade, and the server must read it "
        "(for Gunicorn and Hypercorn a middleware of behindproxy_serve/order.py does).",
        lambda red: red("websocket.scope@https"),
        ("websocket.*", "trust.websocket*"),
    ),
    Cause(
        "the application holds a stream back",
        "a middleware that reads the whole answer first (BaseHTTPMiddleware, gzip) must leave streams alone.",
        lambda red: red("stream.not_buffered@direct"),
        ("stream.*",),
    ),
    Cause(
        "the proxy holds a stream back",
        "remove the buffering or compress middleware from traefik/routes.toml; limit bodies in the "
        "application.",
        lambda red: red("stream.not_buffered"),
        ("stream.*",),
    ),
    Cause(
        "the proxy sends a request again that the application has answered",
        "no retry by status: remove `status` from the retry middleware in traefik/routes.toml "
        "(http_50x from nginx's proxy_next_upstream), so that only a refused connection is tried again.",
        lambda red: red("delivery.sent_once"),
        ("delivery.*",),
    ),
    Cause(
        "dashboard, ping, metrics or the proxy's API are at the public entrypoint",
        "give their routers the entrypoint ops in traefik/routes.toml and traefik/traefik.toml.",
        lambda red: red("exposure.operations"),
        ("exposure.*",),
    ),
    Cause(
        "requests have no id",
        "with_request_id in behindproxy_serve/middleware/request_id.py adopts or makes one. Without an id "
        "nothing joins the log lines of a request.",
        lambda red: red("request.id"),
        ("request.id@*", "logs.joined@*", "errors.problem@*"),
    ),
    Cause(
        "a client's traceparent is lost on the way",
        "a headers middleware in traefik/routes.toml drops it, or a server starts a trace of its own.",
        lambda red: red("request.traceparent"),
        ("request.traceparent@*", "logs.joined@*"),
    ),
)
