"""The fix for a cause in any deployment: a line for its proxy and one for its server, if both are known;
otherwise a sentence that applies to all."""

from collections.abc import Mapping

from .setting import Setting

# By the id of a cause: `any`, a proxy's name, a server's. {prefix} is the deployment's own.
FORWARDED = {
    "any": "the proxy must send X-Forwarded-Proto with the scheme that its client used.",
    "nginx": (
        "proxy_set_header X-Forwarded-Proto $scheme; in the location that has proxy_pass (a location with "
        "one proxy_set_header inherits none)."
    ),
    "caddy": (
        "reverse_proxy sends X-Forwarded-Proto by default: remove the header_up that deletes or sets it; "
        "behind another proxy, list that proxy in trusted_proxies."
    ),
    "haproxy": "http-request set-header X-Forwarded-Proto https if { ssl_fc }, and http if !{ ssl_fc }.",
    "traefik": (
        "Traefik sends X-Forwarded-Proto by default: remove the headers middleware (customRequestHeaders) "
        "that sets or empties it; behind another proxy, list that proxy in forwardedHeaders.trustedIPs."
    ),
    "kubernetes": (
        "the ingress controller sends X-Forwarded-Proto by default: remove the annotation or snippet that "
        "sets it."
    ),
}
TRUSTING = {
    "uvicorn": (
        "start uvicorn with --proxy-headers (the default) and --forwarded-allow-ips=ADDRESS, the proxy's "
        "exact address as the server sees it: no name, no quotes."
    ),
    "fastapi": (
        "start it with --forwarded-allow-ips=ADDRESS, the proxy's exact address as the server sees it."
    ),
    "gunicorn": (
        "forwarded_allow_ips in Gunicorn's settings must be the proxy's exact address; its worker for "
        "uvicorn reads the same (FORWARDED_ALLOW_IPS)."
    ),
    "hypercorn": (
        "Hypercorn does not read forwarding headers: wrap the application in "
        'hypercorn.middleware.ProxyFixMiddleware(app, mode="legacy", trusted_hops=1).'
    ),
    "any": (
        "the server must trust the proxy's exact address (uvicorn: --forwarded-allow-ips=ADDRESS; Hypercorn: "
        "ProxyFixMiddleware)."
    ),
}
ROOT_PATH = {
    "uvicorn": "start uvicorn with --root-path {prefix}.",
    "fastapi": "start it with fastapi run --root-path {prefix}.",
    "gunicorn": (
        "Gunicorn's ASGI worker has no such option that prepends the prefix to the path: a middleware sets "
        "root_path and path, or uvicorn serves it with --root-path {prefix}."
    ),
    "hypercorn": (
        "Hypercorn's --root-path does not prepend the prefix to the path: a middleware sets root_path and "
        "path, or uvicorn serves it with --root-path {prefix}."
    ),
    "any": "start the server with the prefix as its root path (uvicorn, FastAPI CLI: --root-path {prefix}).",
}
STRIP = {
    "nginx": (
        "location {prefix}/ { proxy_pass http://SERVER/; } with the trailing slash, which replaces the "
        "prefix."
    ),
    "caddy": "handle_path {prefix}/* { reverse_proxy SERVER } strips the prefix; handle does not.",
    "haproxy": "http-request replace-path {prefix}(/)?(.*) /\\2 in the backend.",
    "traefik": 'a stripPrefix middleware with prefixes = ["{prefix}"], named by the router.',
    "kubernetes": (
        "nginx.ingress.kubernetes.io/rewrite-target: /$2 with the path {prefix}(/|$)(.*), or a stripPrefix "
        "middleware of Traefik."
    ),
    "any": "the proxy must remove {prefix} from the path, or the routes have it themselves.",
}
HOST = {
    "nginx": (
        "proxy_set_header Host $http_host; in the location that has proxy_pass: nginx sends the upstream's "
        "name otherwise, and $host has no port."
    ),
    "caddy": "reverse_proxy passes Host on by default: remove header_up Host.",
    "haproxy": (
        "remove http-request set-header Host, and the server's own hdr rewriting: HAProxy passes Host on."
    ),
    "traefik": (
        "passHostHeader must stay true at the service's load balancer, and no headers middleware set Host."
    ),
    "kubernetes": "remove upstream-vhost: the controller passes Host on by default.",
    "any": "the proxy must pass Host on as the client wrote it, with its port.",
}
UPGRADE = {
    "nginx": "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "
    '"upgrade"; in the location of the WebSocket.',
    "caddy": (
        "reverse_proxy passes Upgrade on by default: remove the header_up that deletes Upgrade or "
        "Connection, and versions h2c in the transport."
    ),
    "haproxy": (
        "remove option httpclose, forceclose and the http-request del-header of Upgrade or Connection, and "
        "set timeout tunnel."
    ),
    "traefik": (
        "Traefik passes Upgrade on by default: remove the middleware that empties it (customRequestHeaders)."
    ),
    "any": (
        "the proxy must pass Upgrade and Connection on over HTTP/1.1, and the server needs a WebSocket "
        "library (uvicorn[standard])."
    ),
}
BUFFERING = {
    "nginx": (
        "proxy_buffering off; in the location of the stream, and no text/event-stream in gzip_types; or the "
        "application sends X-Accel-Buffering: no."
    ),
    "caddy": "no response_buffers in reverse_proxy, no encode for text/event-stream, and flush_interval -1.",
    "haproxy": (
        "no filter that waits for the whole answer (compression, cache, wait-for-body) on this backend."
    ),
    "traefik": "no buffering middleware on this router, and compress with excludedContentTypes = "
    '["text/event-stream"]; the flush interval must stay short.',
    "any": (
        "the proxy must pass each chunk on immediately: no buffering, no compression of text/event-stream."
    ),
}
CLIENT = {
    "any": "the proxy must send X-Forwarded-For with the address of its client.",
    "nginx": "proxy_set_header X-Forwarded-For $remote_addr; in the location that has proxy_pass.",
    "caddy": "reverse_proxy sends X-Forwarded-For by default: remove the header_up that deletes it.",
    "haproxy": "option forwardfor in the backend, without an `except` that matches its clients.",
    "traefik": "Traefik sends X-Forwarded-For by default: remove the customRequestHeaders that empty it.",
}
CLIENTS = {
    "nginx": (
        "proxy_set_header X-Forwarded-Proto $scheme; X-Forwarded-For $remote_addr (not "
        "$proxy_add_x_forwarded_for, unless a load balancer stands in front); X-Forwarded-Host, -Port, "
        "-Prefix and Forwarded empty, in each location."
    ),
    "caddy": (
        "remove trusted_proxies that cover more than load balancers, and header_up that copies a client's "
        "header; header_up -Forwarded."
    ),
    "haproxy": (
        "http-request set-header X-Forwarded-Proto and X-Forwarded-For in place of add-header, and "
        "http-request del-header X-Forwarded-Host, X-Forwarded-Prefix and Forwarded before them."
    ),
    "traefik": (
        "remove forwardedHeaders.insecure, and trustedIPs that cover more than the load balancers, from the "
        "entrypoint; empty Forwarded by customRequestHeaders."
    ),
    "any": (
        "the proxy must set the forwarding headers itself in place of the client's, and delete those that it "
        "does not set."
    ),
}
ANY_HOST = {
    "nginx": (
        "server_name with the deployment's own names, and next to it server { listen … default_server; "
        "return 444; }."
    ),
    "caddy": "name the host at the site's head (api.example.com { … }), not only a port.",
    "haproxy": "http-request deny unless { hdr(host),field(1,:) -i api.example.com }.",
    "traefik": "Host(`api.example.com`) && in front of the path in the router's rule.",
    "kubernetes": "host: in each rule of the Ingress.",
    "any": "the proxy must accept only the deployment's own host names.",
}
BOUNDARY = {
    "nginx": (
        "location {prefix}/ { … } and location = {prefix} { … } instead of location {prefix}, which matches "
        "{prefix}x too."
    ),
    "caddy": "handle_path {prefix}/* and redir {prefix} {prefix}/ instead of {prefix}*.",
    "haproxy": "acl api path {prefix} and acl api path_beg {prefix}/ instead of path_beg {prefix}.",
    "traefik": "Path(`{prefix}`) || PathPrefix(`{prefix}/`) in the rule instead of PathPrefix(`{prefix}`).",
    "kubernetes": (
        "pathType: Prefix (which ends at a slash), not ImplementationSpecific with a regular expression."
    ),
    "any": "the rule must end the prefix at a slash.",
}
UNREACHABLE = {
    "nginx": (
        "the address and port of proxy_pass must be the server's, which must listen where the proxy can "
        "reach it; nginx's error log names the reason."
    ),
    "traefik": (
        "the url of the service (with labels: loadbalancer.server.port and the network) must be the "
        "server's; Traefik's log names the reason."
    ),
    "any": (
        "the address and port in the proxy's configuration must be the server's, which must listen where the "
        "proxy can reach it (0.0.0.0 in a container)."
    ),
}
CODE = "remove root_path= from FastAPI(…) in the code, and "

CHANGES: dict[str, Mapping[str, str]] = {
    "container_loopback": {"any": "the server must listen on 0.0.0.0 inside its container."},
    "tls_missing": {
        "any": "the port must have TLS and a certificate.",
        "nginx": "listen PORT ssl; and ssl_certificate.",
        "traefik": "the router or the entrypoint needs tls.",
    },
    "certificate": {
        "any": "name the authority that signed it (--ca), or serve a certificate that has this host's name."
    },
    "trusted_host": {"any": "its allowed_hosts must list the host names that clients use."},
    "dashboard_public": {
        "any": "move the dashboard to an address that is not public.",
        "traefik": "remove api.insecure and the dashboard's router from the public entrypoint.",
    },
    "router_not_tls": {
        "any": "https needs the same rule as http.",
        "traefik": "the router needs the https entrypoint in entryPoints, and tls.",
    },
    "https_loops": {
        "any": (
            "a redirect to https must use X-Forwarded-Proto, or be made only by the proxy: "
            "HTTPSRedirectMiddleware needs a server that trusts the proxy."
        )
    },
    "unreachable_server": UNREACHABLE,
    "silent_server": UNREACHABLE,
    "no_router": {
        "any": "the proxy has no rule for {prefix} at this host and entrypoint, or has not loaded it.",
        "traefik": (
            "the router's rule must match {prefix} at this host and entrypoint, and name middlewares and a "
            "service that exist; Traefik's log says which do not."
        ),
        "nginx": "a location for {prefix}/ is needed in the server block that has this host and port.",
    },
    "direct_silent": {
        "any": "the server listens on another address or port, or its port is not published: --direct "
        "names where it answers."
    },
    "lenient_parser": {
        "any": "serve with uvicorn and httptools, Gunicorn 27 or newer, or Hypercorn, which refuse them."
    },
    "prefix_doubled_in_path": {
        "any": ("where nothing is stripped, the server's --root-path must not prepend the prefix again.")
    },
    "root_path_in_code": {"any": CODE + "set it only with the server's --root-path {prefix}."},
    "not_stripped": STRIP,
    "root_path_unset": ROOT_PATH,
    "prefix_twice": {
        "any": (
            "leave Location and cookies as the application writes them: with its root path it knows the "
            "prefix."
        ),
        "nginx": (
            "remove proxy_redirect and proxy_cookie_path: with its root path the application writes the "
            "prefix."
        ),
        "caddy": (
            "remove the header replacement of Location: with its root path the application writes the prefix."
        ),
        "haproxy": (
            "remove http-response replace-header Location: with its root path the application writes the "
            "prefix."
        ),
        "traefik": "remove what rewrites Location: with its root path the application writes the prefix.",
    },
    "one_path": {
        "any": "pass on the path of the request without the prefix.",
        "traefik": (
            'replacement = "/$1" of replacePathRegex (in a compose file $$1), or stripPrefix in its place.'
        ),
        "nginx": "no variable and no fixed path in proxy_pass that drops the rest of the request's path.",
    },
    "own_hosts": {
        "any": (
            "its allowed hosts must list the names that clients use (with the port, where it compares that)."
        )
    },
    "query_lost": {
        "any": "pass the query on with the path.",
        "nginx": "a variable in proxy_pass drops the query: add $is_args$args.",
        "haproxy": "http-request replace-path in place of set-path or set-uri, which drop the query.",
    },
    "errors_replaced": {
        "any": "let the application's errors pass.",
        "nginx": "remove proxy_intercept_errors, or error_page for this location.",
        "traefik": "remove the errors middleware from this router.",
        "caddy": "remove handle_response and handle_errors for this route.",
        "haproxy": "remove http-response return and errorfiles that take the application's statuses.",
    },
    "slashes_merged": {
        "any": "an application that has URLs or file names in its paths needs them unchanged.",
        "nginx": "proxy_pass without a path, with rewrite ^{prefix}/(.*)$ /$1 break; and merge_slashes off.",
        "traefik": (
            "sanitizePath = false at the entrypoint, and encodedCharacters that allow what the paths contain."
        ),
        "haproxy": "no normalize-uri for this frontend.",
    },
    "root_path_slash": {
        **ROOT_PATH,
        "any": (
            "write the server's root path with a leading slash and no trailing one: --root-path {prefix}."
        ),
    },
    "root_path_differs": {
        **ROOT_PATH,
        "any": "what the proxy strips and the server's root path must be the same: --root-path {prefix}.",
    },
    "root_path_not_prepended": {
        "any": CODE + "start uvicorn with --root-path {prefix}, which prepends it to the path.",
        "hypercorn": (
            "Hypercorn's --root-path does not prepend it to the path: a middleware sets root_path and path, "
            "or uvicorn serves it with --root-path {prefix}."
        ),
        "gunicorn": (
            "Gunicorn's root_path does not prepend it to the path: a middleware sets root_path and path, or "
            "uvicorn serves it with --root-path {prefix}."
        ),
    },
    "root_path_deprecated": {"any": "remove it: the server's --root-path sets it."},
    "catch_all": {"any": "a catch-all route must come last, and end in 404 for unknown paths."},
    "start_page": {"any": "build its address with request.url_for."},
    "bare_prefix": {**BOUNDARY, "any": "the rule must match {prefix} itself as well as {prefix}/."},
    "encoded_characters": {
        "any": "the proxy must refuse encoded reserved characters, or match the path as the server reads it.",
        "traefik": "entryPoints.*.http.encodedCharacters must forbid them: the default of 3.6.7 allows them.",
    },
    "relative_pages": {
        "any": "the proxy must lead {prefix} to {prefix}/, or the page name its files with the prefix.",
        "nginx": "location = {prefix} { return 308 $scheme://$http_host{prefix}/; }",
        "caddy": "redir {prefix} {prefix}/ 308 before handle_path.",
        "haproxy": "http-request redirect location {prefix}/ code 308 if { path {prefix} }",
        "traefik": "a redirectRegex middleware that leads {prefix} to {prefix}/.",
    },
    "unprefixed": {"any": "each rule of the proxy that leads to the application must include the prefix."},
    "boundary": BOUNDARY,
    "strip_slash": {
        "any": "the stripped prefix must have no trailing slash.",
        "traefik": 'prefixes = ["{prefix}"] of stripPrefix, without a trailing slash.',
    },
    "schema_off": {"any": "openapi_url=None needs docs_url=None and redoc_url=None too."},
    "prefix_in_code": {
        "any": "write the path without the prefix where the proxy strips it, or do not strip it."
    },
    "mount_root_path": {"any": "remove root_path= from the mounted FastAPI: the mount sets it."},
    "static_folder": {"any": "serve files with StaticFiles from a folder of their own."},
    "inside_address": HOST,
    "host_lost": HOST,
    "port_lost": {**HOST, "nginx": "proxy_set_header Host $http_host; in place of $host, which has no port."},
    "any_host": ANY_HOST,
    "old_starlette": {
        "any": (
            "upgrade Starlette to 1.0.1 or newer (FastAPI 0.133 takes it), and let the proxy refuse an "
            "invalid Host."
        )
    },
    "malformed_host": {"any": "the proxy must refuse a Host that is none."},
    "load_balancers": {
        "any": "name each load balancer, by its exact address, to the proxy and to the server."
    },
    "proxy_trusts_clients": CLIENTS,
    "client_overwritten": {
        "any": "the proxy must send X-Forwarded-For with the address of its client.",
        "nginx": "proxy_set_header X-Forwarded-For $remote_addr; ($server_addr is nginx's own address).",
        "haproxy": "http-request set-header X-Forwarded-For %[src].",
    },
    "scheme_not_sent": FORWARDED,
    "scheme_lost": {**FORWARDED, **TRUSTING},
    "scheme_overwritten": FORWARDED,
    "server_distrusts": TRUSTING,
    "copies_prefix": {"any": "remove what copies it: root_path is configuration, never a header."},
    "trusts_passed_header": CLIENTS,
    "reads_forwarded_host": {
        "any": "do not read it: a caller can write any X-Forwarded-Host, and Host arrives as it is."
    },
    "server_trusts_anybody": {
        "any": (
            "the server must trust only the proxy's exact address, never * or a network with other callers, "
            "and only the proxy should reach its port."
        ),
        "uvicorn": "--forwarded-allow-ips=ADDRESS with the proxy's exact address in place of * or a network.",
        "fastapi": "--forwarded-allow-ips=ADDRESS with the proxy's exact address in place of * or a network.",
        "gunicorn": "forwarded_allow_ips with the proxy's exact address in place of * or a network.",
        "hypercorn": ("ProxyFixMiddleware trusts every caller: only the proxy may reach the server's port."),
    },
    "old_traefik": {
        "any": "use a version of the proxy that does not pass Upgrade: h2c on (Traefik 3.7.13 or newer)."
    },
    "aliases": {
        "any": "the proxy must delete forwarding headers that it does not write, and their spellings with _ "
        "and . in place of -."
    },
    "no_slash_redirect": {
        "any": "redirect_slashes=False turns that off; each route then has one spelling only."
    },
    "servers_in_schema": {
        "any": "leave root_path_in_servers at its default, and list only further servers by hand."
    },
    "docs_schema": {"any": "its schema URL must begin with request.scope['root_path']."},
    "docs_assets": {"any": "serve them with the page, from the application itself."},
    "websockets": UPGRADE,
    "wss_as_ws": {
        "any": "the server must read X-Forwarded-Proto at a WebSocket too, from the proxy's address."
    },
    "app_holds_stream": {
        "any": "a middleware that reads the whole answer first (BaseHTTPMiddleware, gzip) must leave "
        "streams alone."
    },
    "proxy_holds_stream": BUFFERING,
    "retried": {
        "any": "only a refused connection may be retried, never because of the answer's status.",
        "nginx": "no http_50x in proxy_next_upstream.",
        "traefik": "no status in the retry middleware.",
    },
    "operations_public": {"any": "give the proxy's own pages an address that is not public."},
    "client_address": {**TRUSTING, **CLIENT},
    "client_not_sent": CLIENT,
    "asset_paths": {
        "any": "build each address with request.url_for, or relative to a page whose own address ends with "
        "a slash."
    },
}


# The same causes as the probe shows them.
CHANGES |= {
    "host_lost_ours": HOST,
    "proxy_trusts_clients_ours": CLIENTS,
    "websockets_ours": UPGRADE,
    "no_request_id": {"any": "a middleware must accept or generate an X-Request-ID."},
    "traceparent_lost": {"any": "the proxy must pass traceparent on, and not start its own trace."},
}


# Where no answer tells whether it is the server's or the proxy's fault: the likelier first.
EITHER = {"scheme_lost": (TRUSTING, FORWARDED), "client_address": (TRUSTING, CLIENT)}


def change(id: str, setting: Setting) -> str:
    """Return what removes the cause `id`: the line for this proxy, and that for this server."""
    lines = [_change(changes, setting) for changes in EITHER.get(id, (CHANGES.get(id, {}),))]
    return " ".join(lines).replace("{prefix}", setting.prefix or "/prefix")


def _change(changes: Mapping[str, str], setting: Setting) -> str:
    lines = [changes[name] for name in (setting.proxy, setting.server) if name in changes]
    return " ".join(lines or [changes.get("any", "")])
