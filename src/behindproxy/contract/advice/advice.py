"""The fix for a cause in any deployment: a line for its proxy and one for its server, if both are known;
otherwise a sentence that applies to all."""

from collections.abc import Mapping

from .setting import Setting

# By the id of a cause: `any`, a proxy's name, a server's. {prefix} is the deployment's own.
FORWARDED = {
    "any": "let the proxy send X-Forwarded-Proto with the scheme that its client used.",
    "nginx": (
        "add proxy_set_header X-Forwarded-Proto $scheme; to the location that has proxy_pass (a location "
        "with one proxy_set_header inherits none); behind another proxy that ends TLS, "
        "$http_x_forwarded_proto, which that one sets, and let no other caller reach nginx."
    ),
    "caddy": (
        "remove the header_up that deletes or sets X-Forwarded-Proto, which reverse_proxy sends by "
        "default; behind another proxy, list that proxy in trusted_proxies."
    ),
    "haproxy": (
        "add http-request set-header X-Forwarded-Proto https if { ssl_fc }, and http if !{ ssl_fc }; behind "
        "another proxy that ends TLS, leave the header as that one sets it, and let no other caller in."
    ),
    "traefik": (
        "remove the headers middleware (customRequestHeaders) that sets or empties X-Forwarded-Proto, "
        "which Traefik sends by default; behind another proxy, list that proxy in "
        "forwardedHeaders.trustedIPs."
    ),
    "kubernetes": (
        "remove the annotation or snippet that sets X-Forwarded-Proto, which the ingress controller "
        "sends by default."
    ),
}
TRUSTING = {
    "uvicorn": (
        "start Uvicorn with --proxy-headers (the default) and --forwarded-allow-ips=ADDRESS, the proxy's "
        "exact address as the server sees it, without a name or quotes."
    ),
    "fastapi": (
        "start it with --forwarded-allow-ips=ADDRESS, the proxy's exact address as the server sees it."
    ),
    "gunicorn": (
        "set forwarded_allow_ips in Gunicorn's settings to the proxy's exact address; its Uvicorn worker "
        "reads the same (FORWARDED_ALLOW_IPS)."
    ),
    "hypercorn": (
        'wrap the application in hypercorn.middleware.ProxyFixMiddleware(app, mode="legacy", '
        "trusted_hops=1), since Hypercorn does not read forwarding headers."
    ),
    "any": (
        "let the server trust the proxy's exact address (Uvicorn: --forwarded-allow-ips=ADDRESS; "
        "Hypercorn: ProxyFixMiddleware)."
    ),
}
ROOT_PATH = {
    "uvicorn": "start Uvicorn with --root-path {prefix}.",
    "fastapi": "start it with fastapi run --root-path {prefix}.",
    "gunicorn": (
        "set root_path and path in a middleware, or serve it with Uvicorn and --root-path {prefix}; "
        "Gunicorn's ASGI worker has no option that prepends the prefix to the path."
    ),
    "hypercorn": (
        "set root_path and path in a middleware, or serve it with Uvicorn and --root-path {prefix}; "
        "Hypercorn's --root-path does not prepend the prefix to the path."
    ),
    "any": "start the server with the prefix as its root path (Uvicorn, FastAPI CLI: --root-path {prefix}).",
}
STRIP = {
    "nginx": (
        "use location {prefix}/ { proxy_pass http://SERVER/; } with the trailing slash, which replaces "
        "the prefix."
    ),
    "caddy": "use handle_path {prefix}/* { reverse_proxy SERVER }, which strips the prefix; handle does not.",
    "haproxy": "add http-request replace-path {prefix}(/)?(.*) /\\2 to the backend.",
    "traefik": 'add a stripPrefix middleware with prefixes = ["{prefix}"] to the router.',
    "kubernetes": (
        "add nginx.ingress.kubernetes.io/rewrite-target: /$2 with the path {prefix}(/|$)(.*), or a "
        "stripPrefix middleware of Traefik."
    ),
    "any": "strip {prefix} from the path in the proxy, or add it to the routes.",
}
HOST = {
    "nginx": (
        "add proxy_set_header Host $http_host; to the location that has proxy_pass, since nginx sends "
        "the upstream's name otherwise, and $host has no port."
    ),
    "caddy": "remove header_up Host; reverse_proxy passes Host on by default.",
    "haproxy": (
        "remove http-request set-header Host, and the server's own hdr rewriting; HAProxy passes "
        "Host on by default."
    ),
    "traefik": (
        "keep passHostHeader true on the service's load balancer, and remove any headers middleware "
        "that sets Host."
    ),
    "kubernetes": "remove upstream-vhost; the controller passes Host on by default.",
    "any": "let the proxy pass Host on as the client wrote it, with its port.",
}
UPGRADE = {
    "nginx": "add proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header "
    'Connection "upgrade"; to the location of the WebSocket.',
    "caddy": (
        "remove the header_up that deletes Upgrade or Connection, and versions h2c in the transport; "
        "reverse_proxy passes Upgrade on by default."
    ),
    "haproxy": (
        "remove option httpclose, forceclose and the http-request del-header of Upgrade or Connection, and "
        "set timeout tunnel."
    ),
    "traefik": (
        "remove the middleware that empties Upgrade (customRequestHeaders), which Traefik passes on "
        "by default."
    ),
    "any": (
        "let the proxy pass Upgrade and Connection on over HTTP/1.1, and install a WebSocket library on "
        "the server (uvicorn[standard])."
    ),
}
UPGRADE_PATH = {
    "nginx": "strip the prefix in the location of the WebSocket as in the others (proxy_pass with a path: "
    "http://…/;).",
    "caddy": "strip the prefix for what matches WebSockets as well, with handle_path or uri strip_prefix.",
    "haproxy": "add the http-request replace-path of the other backend to that of the WebSockets.",
    "traefik": "add the stripPrefix middleware of the other router to that of the WebSockets.",
    "any": "let the proxy strip the same prefix of WebSockets, and pass them to the same server, as of other "
    "requests.",
}
BUFFERING = {
    "nginx": (
        "add proxy_buffering off; to the location of the stream, and remove text/event-stream from "
        "gzip_types; or let the application send X-Accel-Buffering: no."
    ),
    "caddy": (
        "remove response_buffers from reverse_proxy, and encode for text/event-stream, and set "
        "flush_interval -1."
    ),
    "haproxy": (
        "remove the filter that waits for the whole response (compression, cache, wait-for-body) "
        "from this backend."
    ),
    "traefik": "remove the buffering middleware from this router, use compress with excludedContentTypes "
    '= ["text/event-stream"], and keep the flush interval short.',
    "any": (
        "let the proxy pass each chunk on immediately, without buffering or compression of text/event-stream."
    ),
}
CLIENT = {
    "any": "let the proxy send X-Forwarded-For with the address of its client.",
    "nginx": "add proxy_set_header X-Forwarded-For $remote_addr; to the location that has proxy_pass.",
    "caddy": "remove the header_up that deletes X-Forwarded-For, which reverse_proxy sends by default.",
    "haproxy": "add option forwardfor to the backend, without an `except` that matches its clients.",
    "traefik": "remove the customRequestHeaders that empty X-Forwarded-For, which Traefik sends by default.",
}
CLIENTS = {
    "nginx": (
        "in each location use proxy_set_header X-Forwarded-Proto $scheme; and X-Forwarded-For "
        "$remote_addr (not $proxy_add_x_forwarded_for, unless a load balancer is in front), and empty "
        "X-Forwarded-Host, -Port, -Prefix and Forwarded."
    ),
    "caddy": (
        "remove trusted_proxies that cover more than load balancers, and any header_up that copies a "
        "client's header, and add header_up -Forwarded."
    ),
    "haproxy": (
        "use http-request set-header X-Forwarded-Proto and X-Forwarded-For instead of add-header, and "
        "http-request del-header X-Forwarded-Host, X-Forwarded-Prefix and Forwarded before them."
    ),
    "traefik": (
        "remove forwardedHeaders.insecure, and trustedIPs that cover more than the load balancers, from "
        "the entrypoint, and empty Forwarded with customRequestHeaders."
    ),
    "any": (
        "let the proxy replace the client's forwarding headers with its own, and delete those that it "
        "does not set."
    ),
}
ANY_HOST = {
    "nginx": (
        "set server_name to the deployment's own names, and add server { listen … default_server; return "
        "444; }."
    ),
    "caddy": "name the host in the site address (api.example.com { … }), not only a port.",
    "haproxy": "add http-request deny unless { hdr(host),field(1,:) -i api.example.com }.",
    "traefik": "add Host(`api.example.com`) && in front of the path in the router's rule.",
    "kubernetes": "add host: to each rule of the Ingress.",
    "any": "let the proxy accept only the deployment's own host names.",
}
BOUNDARY = {
    "nginx": (
        "use location {prefix}/ { … } and location = {prefix} { … } instead of location {prefix}, which "
        "matches {prefix}x too."
    ),
    "caddy": "use handle_path {prefix}/* and redir {prefix} {prefix}/ instead of {prefix}*.",
    "haproxy": "use acl api path {prefix} and acl api path_beg {prefix}/ instead of path_beg {prefix}.",
    "traefik": (
        "use Path(`{prefix}`) || PathPrefix(`{prefix}/`) in the rule instead of PathPrefix(`{prefix}`)."
    ),
    "kubernetes": (
        "use pathType: Prefix (which ends at a slash), not ImplementationSpecific with a regular expression."
    ),
    "any": "end the prefix at a slash in the rule.",
}
UNREACHABLE = {
    "nginx": (
        "set proxy_pass to the server's address and port, and let the server listen where the proxy can "
        "reach it; nginx's error log names the reason."
    ),
    "traefik": (
        "set the url of the service (with labels: loadbalancer.server.port and the network) to the "
        "server's; Traefik's log names the reason."
    ),
    "any": (
        "set the address and port in the proxy's configuration to the server's, and let the server "
        "listen where the proxy can reach it (0.0.0.0 in a container)."
    ),
}
CODE = "remove root_path= from FastAPI(…) in the code, and "

CHANGES: dict[str, Mapping[str, str]] = {
    "container_loopback": {"any": "let the server listen on 0.0.0.0 inside its container."},
    "tls_missing": {
        "any": "turn TLS on for the port, with a certificate.",
        "nginx": "add listen PORT ssl; and ssl_certificate.",
        "traefik": "add tls to the router or the entrypoint.",
    },
    "certificate": {"any": "name the authority that signed it (--ca), or serve a certificate for this host."},
    "trusted_host": {"any": "add the host names that clients use to its allowed_hosts."},
    "dashboard_public": {
        "any": "move the dashboard to an address that is not public.",
        "traefik": "remove api.insecure and the dashboard's router from the public entrypoint.",
    },
    "router_not_tls": {
        "any": "add the rule of http to https.",
        "traefik": "add the https entrypoint to the router's entryPoints, and tls.",
    },
    "https_loops": {
        "any": (
            "let only the proxy redirect to https, or let the server trust the proxy, which "
            "HTTPSRedirectMiddleware needs."
        )
    },
    "unreachable_server": UNREACHABLE,
    "silent_server": UNREACHABLE,
    "no_router": {
        "any": (
            "add a rule for {prefix} on this host and entrypoint to the proxy, and check that it is loaded."
        ),
        "traefik": (
            "let the router's rule match {prefix} on this host and entrypoint, and name middlewares and "
            "a service that exist; Traefik's log says which do not."
        ),
        "nginx": "add a location for {prefix}/ to the server block that has this host and port.",
    },
    "https_silent": {
        "any": "let the proxy listen there, open the port in each firewall on the way, or correct --tls-url."
    },
    "http_silent": {
        "any": "let the proxy listen there, open the port in each firewall on the way, or correct the URL."
    },
    "direct_silent": {"any": "set --direct to where the server listens, or publish its port."},
    "lenient_parser": {
        "any": "serve with Uvicorn and httptools, Gunicorn 27 or newer, or Hypercorn, which refuse them."
    },
    "prefix_doubled_in_path": {
        "any": ("remove the server's --root-path, which prepends the prefix again where nothing is stripped.")
    },
    "root_path_in_code": {"any": CODE + "set it only with the server's --root-path {prefix}."},
    "no_path_known": {
        "any": (
            "remove FastAPI(root_path=) if the code has it: with another prefix it turns every route into a "
            "404. If the application has only other paths, name one (--path)."
        )
    },
    "not_stripped": STRIP,
    "root_path_unset": ROOT_PATH,
    "prefix_twice": {
        "any": (
            "leave Location and cookies as the application writes them; with its root path it knows the "
            "prefix."
        ),
        "nginx": (
            "remove proxy_redirect and proxy_cookie_path; with its root path the application writes the "
            "prefix."
        ),
        "caddy": (
            "remove the header replacement of Location; with its root path the application writes the prefix."
        ),
        "haproxy": (
            "remove http-response replace-header Location; with its root path the application writes the "
            "prefix."
        ),
        "traefik": "remove whatever rewrites Location; with its root path the application writes the prefix.",
    },
    "one_path": {
        "any": "pass on the path of the request without the prefix.",
        "traefik": (
            'set replacement = "/$1" in replacePathRegex (in a compose file $$1), or use stripPrefix instead.'
        ),
        "nginx": "remove the variable or fixed path in proxy_pass that drops the rest of the request's path.",
    },
    "own_hosts": {
        "any": (
            "add the names that clients use to its allowed hosts (with the port, where it compares that)."
        )
    },
    "query_lost": {
        "any": "pass the query on with the path.",
        "nginx": "add $is_args$args to proxy_pass, in which a variable drops the query.",
        "haproxy": "use http-request replace-path instead of set-path or set-uri, which drop the query.",
    },
    "errors_replaced": {
        "any": "let the application's errors pass.",
        "nginx": "remove proxy_intercept_errors, or error_page for this location.",
        "traefik": "remove the errors middleware from this router.",
        "caddy": "remove handle_response and handle_errors for this route.",
        "haproxy": "remove http-response return and errorfiles that replace the application's statuses.",
    },
    "slashes_merged": {
        "any": "pass paths on unchanged; an application may have URLs or file names in them.",
        "nginx": (
            "use proxy_pass without a path, with rewrite ^{prefix}/(.*)$ /$1 break; and merge_slashes off."
        ),
        "traefik": (
            "set sanitizePath = false on the entrypoint, and encodedCharacters that allow what the "
            "paths contain."
        ),
        "haproxy": "remove normalize-uri from this frontend.",
    },
    "root_path_slash": {
        **ROOT_PATH,
        "any": (
            "write the server's root path with a leading slash and no trailing one, as in "
            "--root-path {prefix}."
        ),
    },
    "root_path_differs": {
        **ROOT_PATH,
        "any": "set the server's root path to what the proxy strips, as in --root-path {prefix}.",
    },
    "root_path_not_prepended": {
        "any": CODE + "start Uvicorn with --root-path {prefix}, which prepends it to the path.",
        "hypercorn": (
            "set root_path and path in a middleware, or serve it with Uvicorn and --root-path {prefix}; "
            "neither Hypercorn's --root-path nor FastAPI(root_path=) prepends it."
        ),
        "gunicorn": (
            "set root_path and path in a middleware, or serve it with Uvicorn and --root-path {prefix}; "
            "neither Gunicorn's root_path nor FastAPI(root_path=) prepends it."
        ),
    },
    "root_path_deprecated": {"any": "remove it; the server's --root-path sets root_path."},
    "catch_all": {"any": "put the catch-all route last, and let it return 404 for unknown paths."},
    "start_page": {"any": "build its URL with request.url_for."},
    "proxy_redirects_itself": {
        "any": "let it write the path alone: Location: {prefix}/ without scheme, host and port.",
        "nginx": (
            "add absolute_redirect off; to the server block, or nginx puts its own scheme, name and port "
            "before the path of return and of the slash that it adds to a location."
        ),
    },
    "bare_prefix": {**BOUNDARY, "any": "let the rule match {prefix} itself as well as {prefix}/."},
    "encoded_characters": {
        "any": "let the proxy refuse encoded reserved characters, or match the path as the server reads it.",
        "traefik": "forbid them in entryPoints.*.http.encodedCharacters; the default of 3.6.7 allows them.",
    },
    "relative_pages": {
        "any": "let the proxy redirect {prefix} to {prefix}/, or the page name its files with the prefix.",
        "nginx": "add location = {prefix} { return 308 $scheme://$http_host{prefix}/; }",
        "caddy": "add redir {prefix} {prefix}/ 308 before handle_path.",
        "haproxy": "add http-request redirect location {prefix}/ code 308 if { path {prefix} }",
        "traefik": "add a redirectRegex middleware that redirects {prefix} to {prefix}/.",
    },
    "unprefixed": {"any": "add the prefix to each rule of the proxy that leads to the application."},
    "boundary": BOUNDARY,
    "strip_slash": {
        "any": "write the stripped prefix without a trailing slash.",
        "traefik": 'set prefixes = ["{prefix}"] in stripPrefix, without a trailing slash.',
    },
    "schema_off": {"any": "set docs_url=None and redoc_url=None along with openapi_url=None."},
    "prefix_in_code": {
        "any": "write the path without the prefix where the proxy strips it, or do not strip the prefix."
    },
    "mount_root_path": {"any": "remove root_path= from the mounted FastAPI; the mount sets it."},
    "static_folder": {"any": "serve files with StaticFiles from a folder of their own."},
    "inside_address": HOST,
    "host_lost": HOST,
    "port_lost": {
        **HOST,
        "nginx": ("use proxy_set_header Host $http_host; instead of $host, which has no port."),
    },
    "any_host": ANY_HOST,
    "old_starlette": {
        "any": (
            "upgrade Starlette to 1.0.1 or newer (FastAPI 0.133 accepts it), and let the proxy refuse an "
            "invalid Host."
        )
    },
    "malformed_host": {"any": "let the proxy refuse an invalid Host."},
    "load_balancers": {
        "any": "give the proxy and the server the address or exact network of each load balancer."
    },
    "proxy_trusts_clients": CLIENTS,
    "client_overwritten": {
        "any": "let the proxy send X-Forwarded-For with the address of its client.",
        "nginx": "use proxy_set_header X-Forwarded-For $remote_addr; ($server_addr is nginx's own address).",
        "haproxy": "use http-request set-header X-Forwarded-For %[src].",
    },
    "scheme_not_sent": FORWARDED,
    "scheme_lost": {**FORWARDED, **TRUSTING},
    "scheme_overwritten": FORWARDED,
    "server_distrusts": TRUSTING,
    "copies_prefix": {"any": "remove whatever copies it; root_path is configuration, never a header."},
    "trusts_passed_header": CLIENTS,
    "reads_forwarded_host": {
        "any": "use Host instead, which arrives as it is; a caller can write any X-Forwarded-Host."
    },
    "server_trusts_anybody": {
        "any": (
            "let the server trust only the proxy's exact address, never * or a network with other "
            "callers, and let only the proxy reach its port."
        ),
        "uvicorn": (
            "set --forwarded-allow-ips=ADDRESS to the proxy's exact address instead of * or a network."
        ),
        "fastapi": (
            "set --forwarded-allow-ips=ADDRESS to the proxy's exact address instead of * or a network."
        ),
        "gunicorn": "set forwarded_allow_ips to the proxy's exact address instead of * or a network.",
        "hypercorn": (
            "let only the proxy reach the server's port, since ProxyFixMiddleware trusts every caller."
        ),
    },
    "old_traefik": {
        "any": "use a version of the proxy that does not pass Upgrade: h2c on (Traefik 3.7.13 or newer)."
    },
    "aliases": {
        "any": "let the proxy delete forwarding headers that it does not write, and their spellings with "
        "_ and . instead of -."
    },
    "no_slash_redirect": {
        "any": "remove redirect_slashes=False, which turns that off; each route then has only one spelling."
    },
    "servers_in_schema": {
        "any": "leave root_path_in_servers at its default, and list only further servers by hand."
    },
    "docs_schema": {"any": "begin its schema URL with request.scope['root_path']."},
    "docs_assets": {"any": "serve the assets with the page, from the application itself."},
    "websockets": UPGRADE,
    "websocket_path": UPGRADE_PATH,
    "wss_as_ws": {
        "any": "let the server read X-Forwarded-Proto for WebSockets too, from the proxy's address."
    },
    "app_holds_stream": {
        "any": "exclude streams from middleware that reads the whole response first (BaseHTTPMiddleware, "
        "gzip)."
    },
    "proxy_holds_stream": BUFFERING,
    "retried": {
        "any": "retry only a refused connection, never because of the response's status.",
        "nginx": "remove http_50x from proxy_next_upstream.",
        "traefik": "remove status from the retry middleware.",
    },
    "operations_public": {"any": "move the proxy's own pages to an address that is not public."},
    "client_address": {**TRUSTING, **CLIENT},
    "client_not_sent": CLIENT,
    "asset_paths": {
        "any": "build each URL with request.url_for, or relative to a page whose own URL ends with a slash."
    },
}


# The same causes as the probe shows them.
CHANGES |= {
    "host_lost_ours": HOST,
    "proxy_trusts_clients_ours": CLIENTS,
    "websockets_ours": UPGRADE,
    "no_request_id": {"any": "add a middleware that accepts or generates X-Request-ID."},
    "traceparent_lost": {"any": "let the proxy pass traceparent on, and not start its own trace."},
}


# Where no response tells whether it is the server's or the proxy's fault: the likelier first.
EITHER = {"scheme_lost": (TRUSTING, FORWARDED), "client_address": (TRUSTING, CLIENT)}


def change(id: str, setting: Setting) -> str:
    """Return what removes the cause `id`: the line for this proxy, and that for this server."""
    lines = [_change(changes, setting) for changes in EITHER.get(id, (CHANGES.get(id, {}),))]
    return _sentences(lines).replace("{prefix}", setting.prefix or "/prefix")


def _change(changes: Mapping[str, str], setting: Setting) -> str:
    lines = [changes[name] for name in (setting.proxy, setting.server) if name in changes]
    return _sentences(lines or [changes.get("any", "")])


def _sentences(lines: list[str]) -> str:
    """Join changes to sentences. The first begins small, since it stands after the cause and a colon."""
    first, *others = lines
    return " ".join([first, *(one[:1].upper() + one[1:] for one in others)])
