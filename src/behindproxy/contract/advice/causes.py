"""The known causes of failed checks: how each is recognized, and the change that removes it.

In the order of a request's way, the more particular before the more general.
"""

from ..engine.deadline import SILENCES
from ..engine.lies import FAKE_IP
from .cause import ROOT_PATH, Cause, Red, proxys_own_404, public_404
from .signs import ANSWERS, elsewhere


def unset(red: Red) -> bool:
    """root_path is there, and empty."""
    return not told_otherwise(red) and any(
        red.seen(check).rstrip().endswith(("root_path ->", "root_path:"))
        for check in ("app.root_path", "scope.root_path")
    )


def told_otherwise(red: Red) -> bool:
    """Return whether the application answers with the prefix, and the server did not tell it."""
    return red.passed("app.root_path") and not red("app.root_path")


def distrusted(red: Red) -> bool:
    return red("scope.scheme") and red("scope.client")


def slashes(red: Red) -> bool:
    _, marker, text = red.seen("scope.root_path").rpartition("root_path: ")
    observed = text.strip().strip('"')
    return bool(marker and observed) and (not observed.startswith("/") or observed.endswith("/"))


def silent(name: str, other: str) -> Cause:
    """Return the cause that explains an entrypoint without a response, while the `other` has one."""
    return Cause(
        f"{name}_silent",
        f"nothing responds at the entrypoint {name}, but {other} responds",
        lambda red: red.says(f"app.answers@{name}", *SILENCES) and red.spared(f"app.answers@{other}"),
        (f"*@{name}",),
    )


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
    silent("https", "http"),
    silent("http", "https"),
    Cause(
        "trusted_host",
        "TrustedHostMiddleware in the application refuses the deployment's own name",
        lambda red: red.says("app.answers@direct", "400") and red("app.answers@http*"),
        line=r"TrustedHostMiddleware|allowed_hosts",
    ),
    Cause(
        "dashboard_public",
        "the dashboard is on the public entrypoint and matches the application's paths",
        lambda red: red.says("exposure.operations", "/api/", "/dashboard") and public_404(red),
    ),
    Cause(
        "router_not_tls",
        "the router is not on the https entrypoint, or not for TLS",
        lambda red: (
            red.says("app.answers@https", "404")
            and red.spared("app.answers@http")
            and (red.setting.ours or "app.answers@http" in red.passes)
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
            red.says("app.answers@http*", "500", "502", "503", "504") and red.spared("app.answers@direct")
        ),
    ),
    Cause(
        "silent_server",
        "the server does not respond",
        lambda red: red.says("app.answers@http*", "502", "503", "504"),
    ),
    Cause("no_router", "no router matches the prefixed path (the proxy's own 404)", proxys_own_404),
    Cause(
        "direct_silent",
        "the server's own port does not respond, but the proxy does",
        lambda red: red.says("app.answers@direct", "could not check") and red.spared("app.answers@http*"),
        ("*@direct",),
    ),
    Cause(
        "lenient_parser",
        "the server accepts ambiguous requests, since its parser is too lenient",
        lambda red: red.says("exposure.request_smuggling@direct", "answers"),
    ),
)

# What the probe shows behind somebody's proxy.
PROBED = (
    Cause(
        "client_not_sent",
        "the proxy does not send X-Forwarded-For, so every client has the proxy's address",
        elsewhere(lambda red: red.says("scope.client", "X-Forwarded-For lines: 0")),
        ("scope.client@*", "websocket.client@*", "trust.*@http", "trust.*@https"),
    ),
    Cause(
        "websocket_path",
        "a WebSocket does not get the path, or the server, that other requests get (a server answers 403 "
        "where no route takes it)",
        elsewhere(lambda red: red.says("websocket.scope@http*", "HTTP 403")),
        ("websocket.*", "mount.sub_websocket@*", "trust.websocket*"),
    ),
    Cause(
        "websockets",
        "Upgrade does not reach the server, so WebSockets do not open",
        elsewhere(lambda red: red.says("websocket.scope@http*", "WebSocket handshake")),
        ("websocket.*", "mount.sub_websocket@*", "trust.websocket*"),
    ),
    Cause(
        "server_trusts_anybody",
        "the server trusts everyone, and uses the address that a client wrote",
        elsewhere(
            lambda red: (
                red.says("trust.one_value_each", f'"{FAKE_IP}, ')
                and red("trust.proxy_cannot_spoof")
                and not red.says("trust.proxy_cannot_spoof", "scheme ->")
            )
        ),
        ("trust.*",),
    ),
    Cause(
        "proxy_trusts_clients",
        "the proxy trusts its clients, and passes on forwarding headers as they wrote them",
        elsewhere(lambda red: red("trust.proxy_cannot_spoof") and red("trust.one_value_each")),
        ("trust.*@http", "trust.*@https", "scope.*"),
    ),
)

# What the probe and the demonstration show.
DEMONSTRATION = (
    # It arrives, with the wrong path.
    Cause(
        "prefix_doubled_in_path",
        "the path has the prefix twice",
        lambda red: red("app.direct_has_both_paths") and red("app.root_path"),
    ),
    Cause(
        "root_path_in_code",
        "root_path in the code contradicts the server's",
        lambda red: red.says("app.root_path@direct", "404"),
        line=ROOT_PATH,
    ),
    Cause(
        "no_path_known",
        "at the server too, without the proxy, none of these paths is the application's",
        lambda red: red.says("app.answers@direct", "404") and public_404(red),
        ("app.*", "logs.no_deprecation@*"),
        line=ROOT_PATH,
    ),
    Cause("not_stripped", "the proxy does not strip the prefix, or strips a different one", public_404),
    Cause("root_path_unset", "the root path is not set on the server", unset),
    Cause(
        "root_path_slash",
        "the server's root path lacks the leading slash, or has a trailing one",
        lambda red: red("scope.root_path") and slashes(red),
    ),
    Cause(
        "root_path_differs",
        "the server has a different prefix than the proxy",
        lambda red: red("app.root_path") or (red("scope.root_path") and not told_otherwise(red)),
    ),
    Cause(
        "root_path_not_prepended",
        "root_path is set but not prepended to the stripped path",
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
        "something in the application responds to every path with 200",
        lambda red: red.says("app.not_found_is_the_applications", "200"),
        line=r":path\}",
    ),
    Cause(
        "start_page",
        "the start page leads out of the prefix",
        lambda red: red.says("redirect.start_page", "Location of") and red.spared("redirect.keeps_prefix"),
        ("redirect.start_page@*",),
        line="RedirectResponse",
    ),
    Cause(
        "bare_prefix",
        "the bare prefix is not routed",
        lambda red: red.says("redirect.start_page", "404") and red.spared("app.*"),
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
        "the prefix of stripPrefix has a trailing slash, or a middleware other than stripPrefix strips",
        lambda red: (
            red("scope.forwarded_prefix") and not red.says("scope.forwarded_prefix", "FORWARD_PREFIX=false")
        ),
        ("scope.forwarded_prefix@*", "redirect.start_page@*", "app.*"),
    ),
    Cause(
        "schema_off",
        "the schema is turned off while pages request it",
        lambda red: red.says("openapi.servers", "404"),
        ("openapi.*", "docs.*", "app.*", "application.*", "mount.*", "trust.docs*", "fuzz.*", "browser.*"),
    ),
    Cause(
        "prefix_in_code",
        "a route has the prefix in its code",
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
        "the mounted application has its own root_path",
        lambda red: red("mount.sub_application") and red.spared("static.file"),
        ("mount.*",),
        ROOT_PATH,
    ),
    Cause(
        "static_folder",
        "files outside the static folder are served",
        lambda red: red.says("static.no_traversal", "the application's source"),
        ("static.*",),
    ),
    Cause(
        "encoded_characters",
        (
            "encoded reserved characters pass the proxy, which matches the encoded path while the server "
            "decodes it"
        ),
        lambda red: red("path.encoded_characters"),
        ("path.encoded_characters@*", "path.dot_segments@*", "path.another_spelling@*"),
    ),
    # Host.
    Cause(
        "inside_address",
        "a response shows an internal address",
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
            and red.spared("redirect.keeps_prefix@direct")
        ),
    ),
    Cause(
        "old_starlette",
        "Starlette is older than 1.0.1 and builds request.url from any Host",
        lambda red: red("host.with_a_path"),
        ("host.with_a_path@*", "host.malformed@*", "host.one@*"),
    ),
    Cause(
        "any_host",
        "any Host is accepted",
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
        "TRUSTED_PROXIES does not list every load balancer for both proxy and server",
        lambda red: red("trust.load_balancer"),
        ("trust.load_balancer*", "scope.*", "websocket.*"),
    ),
    Cause(
        "proxy_trusts_clients_ours",
        "Traefik trusts its clients",
        lambda red: red.setting.ours and red("trust.proxy_cannot_spoof") and red("trust.one_value_each"),
        ("trust.*@http", "trust.*@https", "scope.*"),
    ),
    Cause(
        "client_overwritten",
        "X-Forwarded-For is overwritten on the way, with one address for all clients",
        lambda red: red.says("scope.client", "client at 127."),
        ("scope.client@*", "websocket.client@*"),
    ),
    Cause(
        "scheme_overwritten",
        "X-Forwarded-Proto is overwritten on the way",
        lambda red: red("scope.scheme") and red.passed("scope.client"),
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
        "the server trusts callers other than the proxy",
        lambda red: red("trust.direct_cannot_spoof") or red("container.neighbour"),
        ("trust.*@direct", "container.*"),
    ),
    Cause(
        "old_traefik",
        "Traefik is older than a fix that this configuration relies on",
        lambda red: red("exposure.h2c") and red.setting.proxy == "traefik",
        ("exposure.h2c@*", "trust.scrubbed_headers@*"),
    ),
    Cause(
        "aliases",
        "header aliases and headers that no proxy set reach the application",
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
        "the docs page names a schema URL that does not exist",
        lambda red: red("docs.names_schema"),
        ("docs.*", "mount.sub_docs@*", "browser.*"),
    ),
    Cause(
        "docs_assets",
        "the docs page loads its assets from another origin",
        lambda red: red("docs.assets_same_origin") or red("browser.same_origin") and not red("docs.*"),
        ("docs.assets*", "browser.*"),
    ),
    Cause(
        "websockets_ours",
        "WebSockets do not open through the proxy",
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
        "the proxy retries a request to which the application has responded",
        lambda red: red("delivery.sent_once"),
        ("delivery.*",),
    ),
    Cause(
        "operations_public",
        "dashboard, ping, metrics or the proxy's API are on the public entrypoint",
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

CAUSES = (*ARRIVING, *ANSWERS, *PROBED, *DEMONSTRATION)
