"""Changes in this repository's own stack: its files and settings, named where it is the target."""

# Where an entrypoint stops in the middle of a run.
NO_ANSWER = "The entrypoint stopped answering: see `make ps` and `make logs`."
# By the id of a cause.
CAUSES: dict[str, str] = {
    "container_loopback": (
        "APP_HOST must be 0.0.0.0 there: 127.0.0.1 is the container's own loopback, which the proxy cannot "
        "reach."
    ),
    "tls_missing": "it needs [entryPoints.https.http.tls] in traefik/traefik.toml.",
    "certificate": (
        "CA_FILE must name the authority; Traefik serves its own default certificate when it has no "
        "other: see tls.stores in traefik/dynamic/tls.toml and its log."
    ),
    "trusted_host": (
        "its allowed_hosts must list the names of PUBLIC_HOSTS, and 127.0.0.1 for the health check."
    ),
    "dashboard_public": (
        "remove the dashboard's router from traefik/dynamic/routes.toml, or give it the entrypoint ops."
    ),
    "router_not_tls": (
        'entryPoints must be ["http", "https"] in traefik/dynamic/routes.toml, and the entrypoint needs '
        "[entryPoints.https.http.tls] in traefik/traefik.toml."
    ),
    "https_loops": (
        "remove redirectScheme from the chain in traefik/dynamic/middlewares.toml; HTTPSRedirectMiddleware "
        "in the application needs a server that trusts the proxy (--forwarded-allow-ips), but the "
        "entrypoint's redirection is the better place."
    ),
    "unreachable_server": (
        "scheme, name and port of the service's url in traefik/dynamic/routes.toml (APP_URL) must be the "
        "server's, and the server must listen on an address that the proxy can reach."
    ),
    "silent_server": "see `make ps` and `make logs`: it stopped, or listens on another address or port.",
    "no_router": (
        "prefix, host, entryPoints, middlewares and service of the router in traefik/dynamic/routes.toml "
        "must exist and be correct. Traefik drops a router that names an unknown one: see `make ps`, `make "
        "logs`."
    ),
    "direct_silent": (
        "in Docker a container whose only network is internal publishes no port, silently: it needs the "
        "network `direct` too; elsewhere the server listens on another address or port."
    ),
    "lenient_parser": "serve with Uvicorn and httptools, Gunicorn >= 27 or Hypercorn, which refuse them.",
    "prefix_doubled_in_path": (
        "with STRIP_PREFIX=false no server option may prepend it (Uvicorn's --root-path does): leave it "
        "to RootPath in behindproxy_serve/middleware/root_path.py."
    ),
    "root_path_in_code": "FastAPI(root_path=) is deprecated: remove it; the server's --root-path is enough.",
    "not_stripped": (
        "the router needs the strip-prefix middleware with prefixes = [API_PREFIX] and no shorter one (or "
        "set STRIP_PREFIX=false, if the proxy must keep it)."
    ),
    "root_path_unset": (
        "start it with --root-path and the prefix: API_PREFIX in .env, then `make up` "
        "(behindproxy_serve/server.py passes it; behindproxy_serve/middleware/root_path.py sets it for "
        "Gunicorn and Hypercorn)."
    ),
    "root_path_slash": "API_PREFIX must look like /api/v1; `make up` checks it.",
    "root_path_differs": (
        "API_PREFIX in .env must set both: `make up` applies it to --root-path and to the routes."
    ),
    "root_path_not_prepended": (
        "FastAPI(root_path=), and Gunicorn's or Hypercorn's own --root-path, cause this behind a proxy that "
        "strips: mounts, static files and redirects break. Use Uvicorn's --root-path, or RootPath in "
        "behindproxy_serve/middleware/root_path.py."
    ),
    "root_path_deprecated": "remove it: the server's --root-path sets it.",
    "catch_all": (
        "a catch-all route (the fallback of a page application) must come last and end in 404 for unknown "
        "paths."
    ),
    "start_page": "build its address with request.url_for.",
    "bare_prefix": (
        "the rule in traefik/dynamic/routes.toml needs Path(`/api/v1`) as well as PathPrefix(`/api/v1/`)."
    ),
    "unprefixed": (
        "every rule in traefik/dynamic/routes.toml that leads to the application must include the prefix."
    ),
    "boundary": (
        "a slash must follow the prefix: Path(`/api/v1`) || PathPrefix(`/api/v1/`). The match must be "
        "case-sensitive."
    ),
    "strip_slash": (
        'prefixes = ["/api/v1"] of stripPrefix, without a trailing slash; replacePathRegex sends no '
        "X-Forwarded-Prefix."
    ),
    "schema_off": "openapi_url=None needs docs_url=None and redoc_url=None too.",
    "prefix_in_code": "write the path without it: the proxy adds it.",
    "mount_root_path": "remove root_path= from the mounted FastAPI: the mount sets it.",
    "static_folder": "serve them with StaticFiles from a folder of their own, never by joining paths.",
    "inside_address": "no handler may print scope['server'], and passHostHeader must stay true.",
    "host_lost_ours": (
        "passHostHeader must stay true in traefik/dynamic/routes.toml, and no middleware may set Host."
    ),
    "any_host": (
        "PUBLIC_HOSTS must list the deployment's own names, not *, and the rule in "
        "traefik/dynamic/routes.toml must begin with Host(…)."
    ),
    "encoded_characters": (
        "encoded-characters in traefik/dynamic/middlewares.toml must forbid what ENCODED_CHARACTERS in .env "
        "does not list; Traefik allows all by default since 3.6.7."
    ),
    "client_overwritten": (
        "Traefik sets it by default: remove what sets it in traefik/dynamic/middlewares.toml."
    ),
    "old_starlette": "requirements/app.txt pins a newer one, and HostGuard refuses such a Host before it.",
    "malformed_host": "serve it through behindproxy_serve/asgi.py, whose HostGuard answers 400.",
    "load_balancers": (
        "`make up` gives it to Traefik (forwardedHeaders.trustedIPs) and to the server "
        "(--forwarded-allow-ips): one exact address for each hop."
    ),
    "proxy_trusts_clients_ours": (
        "remove forwardedHeaders.insecure from traefik/traefik.toml, and trustedIPs that cover more than "
        "the load balancers (TRUSTED_PROXIES)."
    ),
    "scheme_overwritten": (
        "no headers middleware may set X-Forwarded-Proto: Traefik writes it for each entrypoint."
    ),
    "server_distrusts": (
        "--forwarded-allow-ips must be the proxy's exact address (behindproxy_serve/server.py): no name, no "
        "quotes, no host bits; load balancers in front of it go into TRUSTED_PROXIES."
    ),
    "copies_prefix": "remove that middleware: root_path is configuration (API_PREFIX), never a header.",
    "trusts_passed_header": (
        "scrub-headers in traefik/dynamic/middlewares.toml must blank Forwarded and similar headers, and "
        "nothing may read them."
    ),
    "reads_forwarded_host": (
        "do not read it: Traefik passes Host on as it is, and a direct caller can write any X-Forwarded-Host."
    ),
    "server_trusts_anybody": (
        "--forwarded-allow-ips must be the proxy's exact address, never * or a network with other callers; "
        "on one host without containers the proxy's token must be required too."
    ),
    "old_traefik": (
        "use 3.7.13 or newer: it does not pass on Upgrade: h2c, and supports aliasHeadersStrategy."
    ),
    "aliases": (
        "scrub-headers in traefik/dynamic/middlewares.toml must delete what Traefik passes on, the chain "
        "`front` must include it, and each entrypoint of traefik/traefik.toml needs `front@file`; other "
        "spellings are deleted by Aliases (behindproxy_serve/order.py), and by Traefik with "
        "HEADER_ALIASES=delete."
    ),
    "no_slash_redirect": "redirect_slashes=False turns that off; each route then has one spelling only.",
    "servers_in_schema": (
        "leave root_path_in_servers at its default (ROOT_PATH_IN_SERVERS=true), and list only further "
        "servers by hand."
    ),
    "docs_schema": "its schema URL must begin with request.scope['root_path'].",
    "docs_assets": "serve them with the page, as app/docs.py does.",
    "websockets_ours": (
        "the server needs a WebSocket library (uvicorn[standard] or websockets), the proxy must pass "
        "Upgrade on, and the route must not have the prefix."
    ),
    "wss_as_ws": (
        "Traefik sends X-Forwarded-Proto: wss with an upgrade, and the server must read it (for Gunicorn "
        "and Hypercorn a middleware of behindproxy_serve/order.py does)."
    ),
    "app_holds_stream": (
        "a middleware that reads the whole answer first (BaseHTTPMiddleware, gzip) must leave streams alone."
    ),
    "proxy_holds_stream": (
        "remove the buffering or compress middleware from traefik/dynamic/middlewares.toml; limit bodies in "
        "the application."
    ),
    "retried": (
        "no retry by status: remove `status` from the retry middleware in traefik/dynamic/middlewares.toml "
        "(http_50x from nginx's proxy_next_upstream), so that only a refused connection is retried."
    ),
    "operations_public": (
        "give their routers the entrypoint ops in traefik/dynamic/routes.toml and traefik/traefik.toml."
    ),
    "no_request_id": (
        "Observe in behindproxy_serve/middleware/observe.py accepts or generates one. Without an id nothing "
        "joins the log lines of a request."
    ),
    "traceparent_lost": (
        "a headers middleware in traefik/dynamic/middlewares.toml drops it, or a server starts its own trace."
    ),
}

# By the id of a check.
CHECKS: dict[str, str] = {
    "openapi.first_server_answers": (
        "The application's root_path differs from the proxy's prefix: API_PREFIX sets both."
    ),
    "app.answers": (
        "The diagnosis or `make logs` shows the reason. If the application has none of the three, name a "
        "path that it has: ANSWERS=/path."
    ),
    "app.root_path": (
        "The server's root_path is not the public prefix. API_PREFIX in .env must set both: restart with "
        "`make up`; behindproxy_serve/server.py passes it as --root-path, "
        "behindproxy_serve/middleware/root_path.py sets it for Gunicorn and Hypercorn."
    ),
    "app.direct_path_has_no_prefix": (
        "The server answers a second URL for every route: root_path is set without being prepended to the "
        "path. Use the server's --root-path with Uvicorn, or RootPath in "
        "behindproxy_serve/middleware/root_path.py; not FastAPI(root_path=)."
    ),
    "app.direct_has_both_paths": (
        "With STRIP_PREFIX=false root_path must be set but not prepended: Uvicorn's --root-path doubles "
        "it. Leave it to RootPath in behindproxy_serve/middleware/root_path.py and restart with `make "
        "up`."
    ),
    "app.doubled_prefix": (
        "root_path is set without being prepended to the stripped path, so Starlette removes it a second "
        "time. Use Uvicorn's --root-path or RootPath in behindproxy_serve/middleware/root_path.py with "
        "strip; drop FastAPI(root_path=)."
    ),
    "browser.same_origin": (
        "A script or style comes from a CDN, or is missing: app/docs.py serves them with the page. ReDoc's "
        "script loads its logo from a CDN unless the page's policy forbids it."
    ),
    "trust.one_value_each": (
        "Traefik trusted the client: remove forwardedHeaders.insecure and over-wide trustedIPs from "
        "traefik/traefik.toml; TRUSTED_PROXIES names load balancers only. If only the client's address is "
        "wrong, --forwarded-allow-ips is `*` or covers the clients' network."
    ),
    "trust.scrubbed_headers": (
        "traefik/dynamic/middlewares.toml: scrub-headers must blank them, and the chain `front` must "
        "include it; traefik/traefik.toml: front@file at each entrypoint. Other spellings: HEADER_ALIASES, "
        "and Aliases in behindproxy_serve/order.py."
    ),
    "container.unprivileged": (
        'docker-compose.yml: user: "65532:65532", read_only: true, cap_drop: [ALL], security_opt: '
        '["no-new-privileges:true"] at both services.'
    ),
    "container.no_socket": (
        "Remove the mount of docker.sock from docker-compose.yml: the routes come from a file."
    ),
    "container.published": (
        "ports of the app in docker-compose.yml: 127.0.0.1:${DIRECT_PORT}:8000, with the address."
    ),
    "container.listens": (
        "APP_HOST: 0.0.0.0 in docker-compose.yml: 127.0.0.1 is the container's own loopback."
    ),
    "container.health": (
        "healthcheck of both services in docker-compose.yml; inside the container there is no prefix."
    ),
    "container.trusted_address": (
        "ipv4_address of traefik on the network `internal`, PROXY_ADDRESS of the app and ip_range must "
        "match in docker-compose.yml: SUBNET sets all three."
    ),
    "stream.not_buffered": (
        "A buffering or compress middleware delays the events: remove it from "
        "traefik/dynamic/middlewares.toml, and limit bodies in the application instead."
    ),
    "app.not_found_is_the_applications": (
        "The router's rule does not match every path under the prefix: traefik/dynamic/routes.toml."
    ),
    "openapi.servers": (
        "The page does not know the prefix: root_path is missing or differs from what the proxy strips. "
        "Set API_PREFIX in .env and `make up`; a page of your own must build its URLs from "
        "request.scope['root_path']."
    ),
    "docs.names_schema": (
        "The page does not know the prefix: root_path is missing or differs from what the proxy strips. "
        "Set API_PREFIX in .env and `make up`; a page of your own must build its URLs from "
        "request.scope['root_path']."
    ),
    "docs.schema_answers": (
        "The page does not know the prefix: root_path is missing or differs from what the proxy strips. "
        "Set API_PREFIX in .env and `make up`; a page of your own must build its URLs from "
        "request.scope['root_path']."
    ),
    "docs.direct_is_for_the_proxy": (
        "The server answers prefixed paths too: FastAPI(root_path=) or RootPath without prepending, behind "
        "a proxy that strips. Every route then has a second address."
    ),
    "docs.oauth2_redirect": (
        "The page does not know the prefix: root_path is missing or differs from what the proxy strips. "
        "Set API_PREFIX in .env and `make up`; a page of your own must build its URLs from "
        "request.scope['root_path']."
    ),
    "docs.redoc": (
        "The page does not know the prefix: root_path is missing or differs from what the proxy strips. "
        "Set API_PREFIX in .env and `make up`; a page of your own must build its URLs from "
        "request.scope['root_path']."
    ),
    "docs.assets_same_origin": (
        "The page loads its assets from another origin or without the prefix: app/docs.py builds their URLs "
        "from root_path."
    ),
    "exposure.operations": (
        "api.insecure, or a dashboard router, shares the public entrypoint: it also takes every path "
        "under /api. Remove it from traefik/traefik.toml, or give it the entrypoint `ops`."
    ),
    "exposure.no_internal_address": (
        "passHostHeader must stay true in traefik/dynamic/routes.toml; a link or an error page built from "
        "the socket's own address shows the backend: build links with request.url_for."
    ),
    "host.foreign": (
        "The router's rule names no host: PUBLIC_HOSTS in .env must list the deployment's own names, not "
        "*, and the rule in traefik/dynamic/routes.toml must begin with Host(…)."
    ),
    "host.absolute_form": (
        "The router's rule names no host: PUBLIC_HOSTS in .env must list the deployment's own names, not "
        "*, and the rule in traefik/dynamic/routes.toml must begin with Host(…)."
    ),
    "host.malformed": (
        "Starlette falls back to the socket's own address when Host does not parse, and a redirect shows "
        "it: serve the application through behindproxy_serve/asgi.py, whose HostGuard answers 400, or pin "
        "Host with a headers middleware in traefik/dynamic/middlewares.toml."
    ),
    "host.with_a_path": (
        "Upgrade Starlette to 1.0.1 or newer, and serve the application through behindproxy_serve/asgi.py, "
        "whose HostGuard answers 400."
    ),
    "host.one": (
        "Starlette falls back to the socket's own address when Host does not parse, and a redirect shows "
        "it: serve the application through behindproxy_serve/asgi.py, whose HostGuard answers 400, or pin "
        "Host with a headers middleware in traefik/dynamic/middlewares.toml."
    ),
    "host.own_port": (
        "passHostHeader must stay true in traefik/dynamic/routes.toml: without it every redirect names the "
        "backend's own address."
    ),
    "trust.load_balancer": (
        "TRUSTED_PROXIES must name every load balancer between the client and the proxy, each by its "
        "exact address: `make up` gives the list to Traefik (forwardedHeaders.trustedIPs) and to the "
        "server (--forwarded-allow-ips). A hop that is missing is taken for the client."
    ),
    "trust.load_balancer_limits": (
        "Something reads X-Forwarded-Host, X-Forwarded-Prefix or Forwarded, which a load balancer passes "
        "on as a client wrote them: remove it; root_path is configuration (API_PREFIX)."
    ),
    "logs.proxy_names_the_request": (
        "[accessLog] in traefik/traefik.toml, with fields.queryParameters.defaultMode = drop."
    ),
    "logs.no_query": (
        "Uvicorn writes the whole path of a WebSocket to uvicorn.error, which --no-access-log does not "
        "silence: behindproxy_serve/logging.json must reach the server (behindproxy_serve/server.py). "
        "Observe (behindproxy_serve/middleware/observe.py) writes the line of each request."
    ),
    "mount.sub_application": (
        "Mounts need the prefix in path as well as in root_path: FastAPI(root_path=), and Gunicorn's or "
        "Hypercorn's own --root-path, behind a stripping proxy set only the latter (Kludex/uvicorn#2213, "
        "fastapi/fastapi#14238). Use Uvicorn's --root-path or RootPath in "
        "behindproxy_serve/middleware/root_path.py."
    ),
    "mount.sub_docs": (
        "Mounts need the prefix in path as well as in root_path: FastAPI(root_path=), and Gunicorn's or "
        "Hypercorn's own --root-path, behind a stripping proxy set only the latter (Kludex/uvicorn#2213, "
        "fastapi/fastapi#14238). Use Uvicorn's --root-path or RootPath in "
        "behindproxy_serve/middleware/root_path.py."
    ),
    "mount.sub_servers": (
        "Mounts need the prefix in path as well as in root_path: FastAPI(root_path=), and Gunicorn's or "
        "Hypercorn's own --root-path, behind a stripping proxy set only the latter (Kludex/uvicorn#2213, "
        "fastapi/fastapi#14238). Use Uvicorn's --root-path or RootPath in "
        "behindproxy_serve/middleware/root_path.py."
    ),
    "mount.sub_redirect": (
        "Mounts need the prefix in path as well as in root_path: FastAPI(root_path=), and Gunicorn's or "
        "Hypercorn's own --root-path, behind a stripping proxy set only the latter (Kludex/uvicorn#2213, "
        "fastapi/fastapi#14238). Use Uvicorn's --root-path or RootPath in "
        "behindproxy_serve/middleware/root_path.py."
    ),
    "mount.sub_websocket": (
        "Mounts need the prefix in path as well as in root_path: FastAPI(root_path=), and Gunicorn's or "
        "Hypercorn's own --root-path, behind a stripping proxy set only the latter (Kludex/uvicorn#2213, "
        "fastapi/fastapi#14238). Use Uvicorn's --root-path or RootPath in "
        "behindproxy_serve/middleware/root_path.py."
    ),
    "static.file": (
        "Mounts need the prefix in path as well as in root_path: FastAPI(root_path=), and Gunicorn's or "
        "Hypercorn's own --root-path, behind a stripping proxy set only the latter (Kludex/uvicorn#2213, "
        "fastapi/fastapi#14238). Use Uvicorn's --root-path or RootPath in "
        "behindproxy_serve/middleware/root_path.py."
    ),
    "static.directory_redirect": (
        "Mounts need the prefix in path as well as in root_path: FastAPI(root_path=), and Gunicorn's or "
        "Hypercorn's own --root-path, behind a stripping proxy set only the latter (Kludex/uvicorn#2213, "
        "fastapi/fastapi#14238). Use Uvicorn's --root-path or RootPath in "
        "behindproxy_serve/middleware/root_path.py."
    ),
    "limits.body": (
        "BodyLimit in behindproxy_serve/middleware/body_limit.py, with MAX_BODY_BYTES. Traefik's "
        "buffering would hold streams back."
    ),
    "limits.header_block": "maxHeaderBytes of the entrypoints in traefik/traefik.toml; the default is 1 MiB.",
    "errors.problem": (
        "add_problems(app) in app/demonstration.py, and Observe around HostGuard in "
        "behindproxy_serve/order.py."
    ),
    "request.id": "Observe in behindproxy_serve/middleware/observe.py.",
    "logs.joined": (
        "accessLog.fields.headers.names X-Request-Id = keep in traefik/traefik.toml; Observe in "
        "behindproxy_serve/middleware/observe.py."
    ),
    "headers.security": "SecurityHeaders in behindproxy_serve/order.py and middleware/security_headers.py.",
    "headers.as_set": (
        "A headers middleware of Traefik sets it: remove it from traefik/dynamic. What the application does "
        "not set is added by behindproxy_serve/middleware/security_headers.py."
    ),
    "headers.key": (
        "Traefik deletes names with more than letters, digits and hyphens: write HEADER_ALIASES=keep into "
        ".env, then `make up`; or name the header with a hyphen."
    ),
    "docs.hidden": "DOCS in .env, which Docs in behindproxy_serve/order.py reads; `make up` applies it.",
    "docs.content_security_policy": "guarded() in app/docs.py.",
    "path.encoded_characters": (
        "encoded-characters must be first in the chain `front` of traefik/dynamic/middlewares.toml, and "
        "forbid what ENCODED_CHARACTERS in .env does not list; Traefik allows all by default since 3.6.7."
    ),
    "path.dot_segments": (
        "Traefik below 3.7.3 strips /api/v1../x to a path outside the rule: upgrade; sanitizePath must "
        "stay on, and %2F out of ENCODED_CHARACTERS (.env)."
    ),
    "path.no_open_redirect": (
        "A redirect is built from the path by hand, or --root-path ends with a slash (Location //items/): "
        "build links with url_for, and write API_PREFIX without a trailing slash."
    ),
    "prefix.unprefixed_not_public": (
        "A router in traefik/dynamic/routes.toml takes paths outside the prefix: its rule must include "
        "API_PREFIX."
    ),
    "prefix.boundary": (
        "PathPrefix(`/api/v1`) also takes /api/v1app (traefik/traefik#2214). The rule in "
        "traefik/dynamic/routes.toml must be Path(`{prefix}`) || PathPrefix(`{prefix}/`), with an explicit "
        "priority."
    ),
    "prefix.boundary_websocket": (
        "PathPrefix(`/api/v1`) also takes /api/v1app (traefik/traefik#2214). The rule in "
        "traefik/dynamic/routes.toml must be Path(`{prefix}`) || PathPrefix(`{prefix}/`), with an explicit "
        "priority."
    ),
    "redirect.keeps_prefix": (
        "The redirect lost the prefix: start the server with --root-path (API_PREFIX in .env, `make up`) "
        "instead of FastAPI(root_path=). If the scheme is wrong, TRUSTED_PROXIES / --forwarded-allow-ips "
        "does not name the proxy's exact address; if the host is, the proxy does not pass Host on "
        "(passHostHeader in traefik/dynamic/routes.toml)."
    ),
    "redirect.arrives": (
        "The redirect lost the prefix: start the server with --root-path (API_PREFIX in .env, `make up`) "
        "instead of FastAPI(root_path=). If the scheme is wrong, TRUSTED_PROXIES / --forwarded-allow-ips "
        "does not name the proxy's exact address; if the host is, the proxy does not pass Host on "
        "(passHostHeader in traefik/dynamic/routes.toml)."
    ),
    "redirect.keeps_query": (
        "The redirect lost the prefix: start the server with --root-path (API_PREFIX in .env, `make up`) "
        "instead of FastAPI(root_path=). If the scheme is wrong, TRUSTED_PROXIES / --forwarded-allow-ips "
        "does not name the proxy's exact address; if the host is, the proxy does not pass Host on "
        "(passHostHeader in traefik/dynamic/routes.toml)."
    ),
    "redirect.keeps_method": (
        "The redirect lost the prefix: start the server with --root-path (API_PREFIX in .env, `make up`) "
        "instead of FastAPI(root_path=). If the scheme is wrong, TRUSTED_PROXIES / --forwarded-allow-ips "
        "does not name the proxy's exact address; if the host is, the proxy does not pass Host on "
        "(passHostHeader in traefik/dynamic/routes.toml)."
    ),
    "redirect.removes_slash": (
        "The redirect lost the prefix: start the server with --root-path (API_PREFIX in .env, `make up`) "
        "instead of FastAPI(root_path=). If the scheme is wrong, TRUSTED_PROXIES / --forwarded-allow-ips "
        "does not name the proxy's exact address; if the host is, the proxy does not pass Host on "
        "(passHostHeader in traefik/dynamic/routes.toml)."
    ),
    "redirect.keeps_missing_port": (
        "Something rewrites the port: a pinned Host in traefik/dynamic/middlewares.toml, or code that builds "
        "URLs from X-Forwarded-Port. Build links with request.url_for and let Traefik pass Host on."
    ),
    "redirect.start_page": (
        "The rule in traefik/dynamic/routes.toml must have Path(`/api/v1`) as well as "
        "PathPrefix(`/api/v1/`), and strip-prefix must not end with a slash."
    ),
    "scope.scheme": (
        "The server does not trust the proxy: --forwarded-allow-ips must be the proxy's exact address "
        "(behindproxy_serve/server.py), without a name, quotes or host bits. Load balancers in front of it "
        "go into TRUSTED_PROXIES."
    ),
    "scope.client": (
        "The server does not trust the proxy: --forwarded-allow-ips must be the proxy's exact address "
        "(behindproxy_serve/server.py), without a name, quotes or host bits. Load balancers in front of it "
        "go into TRUSTED_PROXIES."
    ),
    "scope.root_path": "API_PREFIX in .env sets both --root-path and the router: `make up` applies it.",
    "scope.path": (
        "root_path is set without being prepended to the path. Use Uvicorn's --root-path or RootPath in "
        "behindproxy_serve/middleware/root_path.py; with STRIP_PREFIX=false, neither may prepend it."
    ),
    "scope.url": (
        "The server does not trust the proxy: --forwarded-allow-ips must be the proxy's exact address "
        "(behindproxy_serve/server.py), without a name, quotes or host bits. Load balancers in front of it "
        "go into TRUSTED_PROXIES. A missing prefix: root_path is set without being prepended to the path. "
        "Use Uvicorn's --root-path or RootPath in behindproxy_serve/middleware/root_path.py; with "
        "STRIP_PREFIX=false, neither may prepend it."
    ),
    "scope.url_for": (
        "The server does not trust the proxy: --forwarded-allow-ips must be the proxy's exact address "
        "(behindproxy_serve/server.py), without a name, quotes or host bits. Load balancers in front of it "
        "go into TRUSTED_PROXIES. A missing prefix: start the server with --root-path."
    ),
    "scope.forwarded_prefix": (
        "Proxy and server have different prefixes: API_PREFIX in .env must be the only place "
        "(traefik/dynamic/routes.toml and --root-path read it). `make up` applies it to both. With "
        "FORWARD_PREFIX=false the application gets none: to-app in traefik/dynamic/middlewares.toml."
    ),
    "trust.proxy_cannot_spoof": (
        "Traefik trusted the client: remove forwardedHeaders.insecure and over-wide trustedIPs from "
        "traefik/traefik.toml; TRUSTED_PROXIES names load balancers only. If only the client's address is "
        "wrong, --forwarded-allow-ips is `*` or covers the clients' network."
    ),
    "trust.direct_cannot_spoof": (
        "The server trusted a caller that is not the proxy: --forwarded-allow-ips must be the proxy's exact "
        "address, never `*` or a network with other callers (behindproxy_serve/server.py, TRUSTED_PROXIES)."
    ),
    "trust.redirect_not_steered": (
        "Traefik trusted the client: remove forwardedHeaders.insecure and over-wide trustedIPs from "
        "traefik/traefik.toml; TRUSTED_PROXIES names load balancers only. If only the client's address is "
        "wrong, --forwarded-allow-ips is `*` or covers the clients' network. At the direct entrypoint: The "
        "server trusted a caller that is not the proxy: --forwarded-allow-ips must be the proxy's exact "
        "address, never `*` or a network with other callers (behindproxy_serve/server.py, TRUSTED_PROXIES)."
    ),
    "trust.docs_ignore_spoofing": (
        "Something copies X-Forwarded-Prefix into root_path: remove it. root_path is configuration "
        "(API_PREFIX), never a header."
    ),
    "trust.websocket_cannot_spoof": (
        "Traefik trusted the client: remove forwardedHeaders.insecure and over-wide trustedIPs from "
        "traefik/traefik.toml; TRUSTED_PROXIES names load balancers only. If only the client's address is "
        "wrong, --forwarded-allow-ips is `*` or covers the clients' network. At the direct entrypoint: The "
        "server trusted a caller that is not the proxy: --forwarded-allow-ips must be the proxy's exact "
        "address, never `*` or a network with other callers (behindproxy_serve/server.py, TRUSTED_PROXIES)."
    ),
    "tls.certificate": (
        "CA_FILE must name the authority that signed the certificate; `make up` makes both. In production "
        "Traefik serves its own default certificate when it got none: see its log for ACME errors."
    ),
    "websocket.echo": (
        "403: the path that the server passes on does not match the route (root_path twice, or strip "
        "without --root-path). 404: the router's rule in traefik/dynamic/routes.toml does not take it."
    ),
    "websocket.client": (
        "The server does not trust the proxy: --forwarded-allow-ips must be the proxy's exact address "
        "(behindproxy_serve/server.py; TRUSTED_PROXIES names only load balancers in front of it)."
    ),
    "limits.websocket": (
        "WEBSOCKET_MAX_BYTES must reach the server: as Uvicorn's --ws-max-size, Gunicorn's "
        "--websocket-max-message-size or Hypercorn's websocket_max_message_size. The FastAPI CLI has no "
        "such option, so behindproxy_serve/fastapi_cli.py sets it; Hypercorn has none that refuses "
        "compression, so behindproxy_serve/hypercorn_websockets.py does."
    ),
    "limits.websocket_compression": (
        'Sec-Websocket-Extensions = "" in scrub-headers of traefik/dynamic/middlewares.toml.'
    ),
}
