"""Changes in this repository's own stack: its files and settings, named where it is the target."""

# Where an entrypoint stops in the middle of a run.
NO_ANSWER = "Check `make ps` and `make logs`: the entrypoint stopped responding."
# By the id of a cause.
CAUSES: dict[str, str] = {
    "container_loopback": (
        "set APP_HOST to 0.0.0.0 there; 127.0.0.1 is the container's own loopback, which the proxy "
        "cannot reach."
    ),
    "tls_missing": "add [entryPoints.https.http.tls] to traefik/traefik.toml.",
    "certificate": (
        "set CA_FILE to the authority. Traefik serves its own default certificate when it has no other; "
        "check tls.stores in traefik/dynamic/tls.toml and its log."
    ),
    "trusted_host": (
        "add the names of PUBLIC_HOSTS to its allowed_hosts, and 127.0.0.1 for the health check."
    ),
    "dashboard_public": (
        "remove the dashboard's router from traefik/dynamic/routes.toml, or give it the entrypoint ops."
    ),
    "router_not_tls": (
        'set entryPoints to ["http", "https"] in traefik/dynamic/routes.toml, and add '
        "[entryPoints.https.http.tls] to traefik/traefik.toml."
    ),
    "https_loops": (
        "remove redirectScheme from the chain in traefik/dynamic/middlewares.toml; HTTPSRedirectMiddleware "
        "in the application needs a server that trusts the proxy (--forwarded-allow-ips), but the "
        "entrypoint's redirection is the better place."
    ),
    "unreachable_server": (
        "set the scheme, name and port of the service's url in traefik/dynamic/routes.toml (APP_URL) to "
        "the server's, and let the server listen on an address that the proxy can reach."
    ),
    "silent_server": "check `make ps` and `make logs`; it stopped, or listens on another address or port.",
    "no_router": (
        "check the prefix, host, entryPoints, middlewares and service of the router in "
        "traefik/dynamic/routes.toml. Traefik drops a router that names an unknown one, and `make ps` "
        "and `make logs` say so."
    ),
    "https_silent": (
        "see what stands between here and HTTPS_PORT, since the stack responds: a firewall that blocks "
        "one port (`make doctor URL=…` explains it), or a wrong port in --tls-url."
    ),
    "http_silent": (
        "see what stands between here and HTTP_PORT, since the stack responds: a firewall that blocks "
        "one port (`make doctor URL=…` explains it), or a wrong port in the URL."
    ),
    "direct_silent": (
        "in Docker add the network `direct` to the container, since one whose only network is internal "
        "silently publishes no port. Elsewhere the server listens on another address or port."
    ),
    "lenient_parser": "serve with Uvicorn and httptools, Gunicorn >= 27 or Hypercorn, which refuse them.",
    "prefix_doubled_in_path": (
        "with STRIP_PREFIX=false leave the prefix to RootPath in "
        "src/behindproxy_serve/middleware/root_path.py; no server option may prepend it (Uvicorn's "
        "--root-path does)."
    ),
    "root_path_in_code": (
        "remove FastAPI(root_path=), which is deprecated; the server's --root-path is enough."
    ),
    "no_path_known": (
        "remove FastAPI(root_path=) if the code has it: with another prefix it turns every route into a "
        "404. If the application has only other paths, name one (ANSWERS=/path)."
    ),
    "not_stripped": (
        "add the strip-prefix middleware to the router, with prefixes = [API_PREFIX] and no shorter one "
        "(or set STRIP_PREFIX=false, if the proxy must keep it)."
    ),
    "root_path_unset": (
        "set API_PREFIX in .env, then run `make up` (src/behindproxy_serve/server.py passes it as "
        "--root-path; src/behindproxy_serve/middleware/root_path.py sets it for Gunicorn and Hypercorn)."
    ),
    "root_path_slash": "write API_PREFIX like /api/v1; `make up` checks it.",
    "root_path_differs": (
        "set both with API_PREFIX in .env; `make up` applies it to --root-path and to the routes."
    ),
    "root_path_not_prepended": (
        "use Uvicorn's --root-path, or RootPath in src/behindproxy_serve/middleware/root_path.py. "
        "FastAPI(root_path=), and Gunicorn's or Hypercorn's own --root-path, break mounts, static files "
        "and redirects behind a proxy that strips."
    ),
    "root_path_deprecated": "remove it; the server's --root-path sets root_path.",
    "catch_all": (
        "put the catch-all route (the fallback of a page application) last, and let it return 404 for "
        "unknown paths."
    ),
    "start_page": "build its URL with request.url_for.",
    "bare_prefix": (
        "add Path(`/api/v1`) to PathPrefix(`/api/v1/`) in the rule of traefik/dynamic/routes.toml."
    ),
    "unprefixed": (
        "add the prefix to every rule in traefik/dynamic/routes.toml that leads to the application."
    ),
    "boundary": (
        "let a slash follow the prefix, with Path(`/api/v1`) || PathPrefix(`/api/v1/`), and match "
        "case-sensitively."
    ),
    "strip_slash": (
        'use stripPrefix with prefixes = ["/api/v1"], without a trailing slash; replacePathRegex sends '
        "no X-Forwarded-Prefix."
    ),
    "schema_off": "set docs_url=None and redoc_url=None along with openapi_url=None.",
    "prefix_in_code": "write the path without the prefix, which the proxy strips.",
    "mount_root_path": "remove root_path= from the mounted FastAPI; the mount sets it.",
    "static_folder": (
        "serve static files with StaticFiles from a folder of their own, never by joining paths."
    ),
    "inside_address": "let no handler print scope['server'], and keep passHostHeader true.",
    "host_lost_ours": (
        "keep passHostHeader true in traefik/dynamic/routes.toml, and remove any middleware that sets Host."
    ),
    "any_host": (
        "list the deployment's own names in PUBLIC_HOSTS, not *, and begin the rule in "
        "traefik/dynamic/routes.toml with Host(…)."
    ),
    "encoded_characters": (
        "let encoded-characters in traefik/dynamic/middlewares.toml forbid what ENCODED_CHARACTERS in "
        ".env does not list; Traefik allows all by default since 3.6.7."
    ),
    "client_overwritten": (
        "remove whatever sets it in traefik/dynamic/middlewares.toml; Traefik does so by default."
    ),
    "old_starlette": (
        "install the version that requirements/app.txt pins; HostGuard refuses such a Host before it."
    ),
    "malformed_host": (
        "serve the application through src/behindproxy_serve/asgi.py, whose HostGuard returns 400."
    ),
    "load_balancers": (
        "add the address or exact network of each hop to TRUSTED_PROXIES; `make up` gives the list to "
        "Traefik (forwardedHeaders.trustedIPs) and to the server (--forwarded-allow-ips)."
    ),
    "proxy_trusts_clients_ours": (
        "remove forwardedHeaders.insecure from traefik/traefik.toml, and trustedIPs that cover more than "
        "the load balancers (TRUSTED_PROXIES)."
    ),
    "scheme_overwritten": (
        "remove the headers middleware that sets X-Forwarded-Proto; Traefik writes it for each entrypoint."
    ),
    "server_distrusts": (
        "set --forwarded-allow-ips to the proxy's exact address (src/behindproxy_serve/server.py) "
        "without a name, quotes or host bits; load balancers in front of it go into TRUSTED_PROXIES."
    ),
    "copies_prefix": (
        "remove the middleware that does so; root_path is configuration (API_PREFIX), never a header."
    ),
    "trusts_passed_header": (
        "let scrub-headers in traefik/dynamic/middlewares.toml blank Forwarded and similar headers, and "
        "remove whatever reads them."
    ),
    "reads_forwarded_host": (
        "use Host instead, which Traefik passes on as it is; a direct caller can write any X-Forwarded-Host."
    ),
    "server_trusts_anybody": (
        "set --forwarded-allow-ips to the proxy's exact address, never * or a network with other "
        "callers; on one host without containers, require the proxy's token too."
    ),
    "old_traefik": ("use 3.7.13 or newer, which does not pass h2c on, and supports aliasHeadersStrategy."),
    "aliases": (
        "let scrub-headers in traefik/dynamic/middlewares.toml delete what Traefik passes on, with "
        "scrub-headers in the chain `front` and `front@file` on each entrypoint of traefik/traefik.toml; "
        "other spellings are deleted by Aliases (src/behindproxy_serve/order.py), and by Traefik with "
        "HEADER_ALIASES=delete."
    ),
    "no_slash_redirect": (
        "remove redirect_slashes=False, which turns that off; each route then has only one spelling."
    ),
    "servers_in_schema": (
        "leave root_path_in_servers at its default (ROOT_PATH_IN_SERVERS=true), and list only further "
        "servers by hand."
    ),
    "docs_schema": "begin its schema URL with request.scope['root_path'].",
    "docs_assets": "serve the assets with the page, as app/docs.py does.",
    "websockets_ours": (
        "install a WebSocket library on the server (uvicorn[standard] or websockets), let the proxy pass "
        "Upgrade on, and write the route without the prefix."
    ),
    "wss_as_ws": (
        "let the server read X-Forwarded-Proto, which Traefik sends as wss with an upgrade (for Gunicorn "
        "and Hypercorn a middleware of src/behindproxy_serve/order.py does)."
    ),
    "app_holds_stream": (
        "exclude streams from middleware that reads the whole response first (BaseHTTPMiddleware, gzip)."
    ),
    "proxy_holds_stream": (
        "remove the buffering or compress middleware from traefik/dynamic/middlewares.toml; limit bodies in "
        "the application."
    ),
    "retried": (
        "remove the retry by status (`status` in the retry middleware of "
        "traefik/dynamic/middlewares.toml), so that only a refused connection is retried."
    ),
    "operations_public": (
        "give their routers the entrypoint ops in traefik/dynamic/routes.toml and traefik/traefik.toml."
    ),
    "no_request_id": (
        "add Observe of src/behindproxy_serve/middleware/observe.py, which accepts or generates one. "
        "Without an id nothing joins the log lines of a request."
    ),
    "traceparent_lost": (
        "remove the headers middleware in traefik/dynamic/middlewares.toml that drops traceparent, "
        "or the server's own tracing."
    ),
}

# By the id of a check.
CHECKS: dict[str, str] = {
    "openapi.first_server_answers": (
        "Set API_PREFIX, which sets both: the application's root_path differs from the proxy's prefix."
    ),
    "app.answers": (
        "Check the diagnosis or `make logs` for the reason. If the application has none of these paths, "
        "name a path that it has (ANSWERS=/path)."
    ),
    "app.root_path": (
        "Set API_PREFIX in .env, then run `make up`: the server's root_path is not the public prefix. "
        "src/behindproxy_serve/server.py passes it as --root-path, "
        "src/behindproxy_serve/middleware/root_path.py sets it for Gunicorn and Hypercorn."
    ),
    "app.direct_path_has_no_prefix": (
        "Use Uvicorn's --root-path, or RootPath in src/behindproxy_serve/middleware/root_path.py, not "
        "FastAPI(root_path=): root_path is set but not prepended to the path, and every route has a "
        "second URL."
    ),
    "app.direct_has_both_paths": (
        "With STRIP_PREFIX=false leave root_path to RootPath in "
        "src/behindproxy_serve/middleware/root_path.py, then run `make up`: Uvicorn's --root-path "
        "doubles the prefix in the path."
    ),
    "app.doubled_prefix": (
        "Use Uvicorn's --root-path, or RootPath in src/behindproxy_serve/middleware/root_path.py, and "
        "remove FastAPI(root_path=): root_path is set but not prepended to the stripped path, so "
        "Starlette strips it a second time."
    ),
    "browser.same_origin": (
        "Serve scripts and styles with the page, as app/docs.py does: one comes from a CDN (another "
        "origin), or is missing. ReDoc's script loads its logo from a CDN unless the page's policy "
        "forbids it."
    ),
    "trust.one_value_each": (
        "Remove forwardedHeaders.insecure and too wide trustedIPs from traefik/traefik.toml; "
        "TRUSTED_PROXIES names only load balancers. If only the client's address is wrong, "
        "--forwarded-allow-ips is `*` or covers the clients' network."
    ),
    "trust.scrubbed_headers": (
        "Let scrub-headers in traefik/dynamic/middlewares.toml blank them, with scrub-headers in the "
        "chain `front` and front@file on each entrypoint of traefik/traefik.toml. Other spellings are "
        "deleted by HEADER_ALIASES=delete, and by Aliases in src/behindproxy_serve/order.py."
    ),
    "container.unprivileged": (
        'Set user: "65532:65532", read_only: true, cap_drop: [ALL] and security_opt: '
        '["no-new-privileges:true"] on both services in docker-compose.yml.'
    ),
    "container.no_socket": (
        "Remove the mount of docker.sock from docker-compose.yml: the routes come from a file."
    ),
    "container.published": (
        "Write 127.0.0.1:${DIRECT_PORT}:8000 under ports: of app in docker-compose.yml, with the address."
    ),
    "container.listens": (
        "Set APP_HOST to 0.0.0.0 in docker-compose.yml: 127.0.0.1 is the container's own loopback."
    ),
    "container.health": (
        "Add a healthcheck to both services in docker-compose.yml; inside the container there is no prefix."
    ),
    "container.trusted_address": (
        "Let SUBNET set all three in docker-compose.yml, so that they match: ipv4_address of traefik on "
        "the network `internal`, PROXY_ADDRESS of the app, and ip_range."
    ),
    "stream.not_buffered": (
        "Remove the buffering or compress middleware from traefik/dynamic/middlewares.toml, which delays "
        "the events, and limit bodies in the application instead."
    ),
    "app.not_found_is_the_applications": (
        "Let the router's rule in traefik/dynamic/routes.toml match every path under the prefix."
    ),
    "openapi.servers": (
        "Set API_PREFIX in .env, then run `make up`: root_path is missing, or is not the prefix that the "
        "proxy strips. A page of your own must build its URLs from request.scope['root_path']."
    ),
    "docs.names_schema": (
        "Set API_PREFIX in .env, then run `make up`: root_path is missing, or is not the prefix that the "
        "proxy strips. A page of your own must build its URLs from request.scope['root_path']."
    ),
    "docs.schema_answers": (
        "Set API_PREFIX in .env, then run `make up`: root_path is missing, or is not the prefix that the "
        "proxy strips. A page of your own must build its URLs from request.scope['root_path']."
    ),
    "docs.direct_is_for_the_proxy": (
        "Use Uvicorn's --root-path instead of FastAPI(root_path=), or of RootPath without prepending, "
        "behind a proxy that strips: every route has a second URL."
    ),
    "docs.oauth2_redirect": (
        "Set API_PREFIX in .env, then run `make up`: root_path is missing, or is not the prefix that the "
        "proxy strips. A page of your own must build its URLs from request.scope['root_path']."
    ),
    "docs.redoc": (
        "Set API_PREFIX in .env, then run `make up`: root_path is missing, or is not the prefix that the "
        "proxy strips. A page of your own must build its URLs from request.scope['root_path']."
    ),
    "docs.assets_same_origin": (
        "Build the URLs of the page's assets from root_path, as app/docs.py does: they come from another "
        "origin, or lack the prefix."
    ),
    "exposure.operations": (
        "Remove api.insecure from traefik/traefik.toml, and give dashboard routers the entrypoint `ops`: "
        "on a public entrypoint they also match every path under /api."
    ),
    "exposure.no_internal_address": (
        "Keep passHostHeader true in traefik/dynamic/routes.toml, and build links with request.url_for: "
        "a link or an error page built from the socket's own address shows the backend."
    ),
    "host.foreign": (
        "List the deployment's own names in PUBLIC_HOSTS in .env, not *, and begin the rule in "
        "traefik/dynamic/routes.toml with Host(…)."
    ),
    "host.absolute_form": (
        "List the deployment's own names in PUBLIC_HOSTS in .env, not *, and begin the rule in "
        "traefik/dynamic/routes.toml with Host(…)."
    ),
    "host.malformed": (
        "Serve the application through src/behindproxy_serve/asgi.py, whose HostGuard returns 400, or "
        "pin Host with a headers middleware in traefik/dynamic/middlewares.toml. Starlette falls back to "
        "the socket's own address when Host does not parse, and a redirect shows it."
    ),
    "host.with_a_path": (
        "Upgrade Starlette to 1.0.1 or newer, and serve the application through "
        "src/behindproxy_serve/asgi.py, whose HostGuard returns 400."
    ),
    "host.one": (
        "Serve the application through src/behindproxy_serve/asgi.py, whose HostGuard returns 400, or "
        "pin Host with a headers middleware in traefik/dynamic/middlewares.toml. Starlette falls back to "
        "the socket's own address when Host does not parse, and a redirect shows it."
    ),
    "host.own_port": (
        "Keep passHostHeader true in traefik/dynamic/routes.toml: without it every redirect names the "
        "backend's own address."
    ),
    "trust.load_balancer": (
        "Add the address or exact network of every load balancer between the client and the proxy to "
        "TRUSTED_PROXIES: `make up` gives the list to Traefik (forwardedHeaders.trustedIPs) and to the "
        "server (--forwarded-allow-ips). A hop that is missing is taken for the client."
    ),
    "trust.load_balancer_limits": (
        "Remove whatever reads X-Forwarded-Host, X-Forwarded-Prefix or Forwarded, which a load balancer "
        "passes on as a client wrote them; root_path is configuration (API_PREFIX)."
    ),
    "logs.proxy_names_the_request": (
        "Add [accessLog] to traefik/traefik.toml, with fields.queryParameters.defaultMode = drop."
    ),
    "logs.no_query": (
        "Pass src/behindproxy_serve/logging.json to the server (src/behindproxy_serve/server.py): "
        "Uvicorn writes the whole path of a WebSocket to uvicorn.error, which --no-access-log does not "
        "silence. Observe (src/behindproxy_serve/middleware/observe.py) writes the line of each request."
    ),
    "mount.sub_application": (
        "Use Uvicorn's --root-path, or RootPath in src/behindproxy_serve/middleware/root_path.py, and no "
        "root_path= in the mounted application. Mounts need the prefix in path as well as in root_path, and "
        "behind a stripping proxy FastAPI(root_path=), Gunicorn's and Hypercorn's own --root-path set only "
        "the latter (Kludex/uvicorn#2213, fastapi/fastapi#14238)."
    ),
    "mount.sub_docs": (
        "Use Uvicorn's --root-path, or RootPath in src/behindproxy_serve/middleware/root_path.py. Mounts "
        "need the prefix in path as well as in root_path, and behind a stripping proxy "
        "FastAPI(root_path=), Gunicorn's and Hypercorn's own --root-path set only the latter "
        "(Kludex/uvicorn#2213, fastapi/fastapi#14238)."
    ),
    "mount.sub_servers": (
        "Use Uvicorn's --root-path, or RootPath in src/behindproxy_serve/middleware/root_path.py. Mounts "
        "need the prefix in path as well as in root_path, and behind a stripping proxy "
        "FastAPI(root_path=), Gunicorn's and Hypercorn's own --root-path set only the latter "
        "(Kludex/uvicorn#2213, fastapi/fastapi#14238)."
    ),
    "mount.sub_redirect": (
        "Use Uvicorn's --root-path, or RootPath in src/behindproxy_serve/middleware/root_path.py. Mounts "
        "need the prefix in path as well as in root_path, and behind a stripping proxy "
        "FastAPI(root_path=), Gunicorn's and Hypercorn's own --root-path set only the latter "
        "(Kludex/uvicorn#2213, fastapi/fastapi#14238)."
    ),
    "mount.sub_websocket": (
        "Use Uvicorn's --root-path, or RootPath in src/behindproxy_serve/middleware/root_path.py. Mounts "
        "need the prefix in path as well as in root_path, and behind a stripping proxy "
        "FastAPI(root_path=), Gunicorn's and Hypercorn's own --root-path set only the latter "
        "(Kludex/uvicorn#2213, fastapi/fastapi#14238)."
    ),
    "static.file": (
        "Use Uvicorn's --root-path, or RootPath in src/behindproxy_serve/middleware/root_path.py. Mounts "
        "need the prefix in path as well as in root_path, and behind a stripping proxy "
        "FastAPI(root_path=), Gunicorn's and Hypercorn's own --root-path set only the latter "
        "(Kludex/uvicorn#2213, fastapi/fastapi#14238)."
    ),
    "static.directory_redirect": (
        "Use Uvicorn's --root-path, or RootPath in src/behindproxy_serve/middleware/root_path.py. Mounts "
        "need the prefix in path as well as in root_path, and behind a stripping proxy "
        "FastAPI(root_path=), Gunicorn's and Hypercorn's own --root-path set only the latter "
        "(Kludex/uvicorn#2213, fastapi/fastapi#14238)."
    ),
    "limits.body": (
        "Add BodyLimit of src/behindproxy_serve/middleware/body_limit.py, with MAX_BODY_BYTES. Traefik's "
        "buffering would hold streams back."
    ),
    "limits.header_block": (
        "Set maxHeaderBytes of the entrypoints in traefik/traefik.toml; the default is 1 MiB."
    ),
    "errors.problem": (
        "Call add_problems(app) in app/demonstration.py, and put Observe around HostGuard in "
        "src/behindproxy_serve/order.py."
    ),
    "request.id": "Add Observe of src/behindproxy_serve/middleware/observe.py.",
    "logs.joined": (
        "Set X-Request-Id = keep in accessLog.fields.headers.names of traefik/traefik.toml, and add "
        "Observe of src/behindproxy_serve/middleware/observe.py."
    ),
    "headers.security": (
        "Serve the application through src/behindproxy_serve/asgi.py: what it does not set is added by "
        "src/behindproxy_serve/middleware/security_headers.py."
    ),
    "headers.as_set": (
        "Remove Traefik's headers middleware that sets it from traefik/dynamic. What the application "
        "does not set is added by src/behindproxy_serve/middleware/security_headers.py."
    ),
    "headers.key": (
        "Set HEADER_ALIASES=keep in .env, then run `make up`, or name the header with a hyphen: Traefik "
        "deletes names with more than letters, digits and hyphens."
    ),
    "docs.hidden": "Set DOCS in .env, then run `make up`; Docs in src/behindproxy_serve/order.py reads it.",
    "docs.content_security_policy": "Use guarded() of app/docs.py.",
    "path.encoded_characters": (
        "Put encoded-characters first in the chain `front` of traefik/dynamic/middlewares.toml, and let "
        "it forbid what ENCODED_CHARACTERS in .env does not list; Traefik allows all by default since "
        "3.6.7."
    ),
    "path.dot_segments": (
        "Upgrade Traefik: below 3.7.3 it strips /api/v1../x to a path outside the rule. Keep "
        "sanitizePath on, and %2F out of ENCODED_CHARACTERS (.env)."
    ),
    "path.no_open_redirect": (
        "Build links with url_for, not from the path by hand, and write API_PREFIX without a trailing "
        "slash (which gives Location //items/)."
    ),
    "prefix.unprefixed_not_public": (
        "Add API_PREFIX to the rule of the router in traefik/dynamic/routes.toml that matches paths "
        "outside the prefix."
    ),
    "prefix.boundary": (
        "Write the rule in traefik/dynamic/routes.toml as Path(`{prefix}`) || PathPrefix(`{prefix}/`), "
        "with an explicit priority: PathPrefix(`/api/v1`) also matches /api/v1app (traefik/traefik#2214)."
    ),
    "prefix.boundary_websocket": (
        "Write the rule in traefik/dynamic/routes.toml as Path(`{prefix}`) || PathPrefix(`{prefix}/`), "
        "with an explicit priority: PathPrefix(`/api/v1`) also matches /api/v1app (traefik/traefik#2214)."
    ),
    "redirect.keeps_prefix": (
        "If the prefix is lost, set API_PREFIX in .env and run `make up` (--root-path instead of "
        "FastAPI(root_path=)). If the scheme is wrong, set --forwarded-allow-ips to the proxy's exact "
        "address, and TRUSTED_PROXIES to the load balancers'. If the host is wrong, set passHostHeader "
        "in traefik/dynamic/routes.toml."
    ),
    "redirect.arrives": (
        "If the prefix is lost, set API_PREFIX in .env and run `make up` (--root-path instead of "
        "FastAPI(root_path=)). If the scheme is wrong, set --forwarded-allow-ips to the proxy's exact "
        "address, and TRUSTED_PROXIES to the load balancers'. If the host is wrong, set passHostHeader "
        "in traefik/dynamic/routes.toml."
    ),
    "redirect.keeps_query": (
        "Let the proxy pass the query on unchanged. "
        "If the prefix is lost, set API_PREFIX in .env and run `make up` (--root-path instead of "
        "FastAPI(root_path=)). If the scheme is wrong, set --forwarded-allow-ips to the proxy's exact "
        "address, and TRUSTED_PROXIES to the load balancers'. If the host is wrong, set passHostHeader "
        "in traefik/dynamic/routes.toml."
    ),
    "redirect.keeps_method": (
        "If the prefix is lost, set API_PREFIX in .env and run `make up` (--root-path instead of "
        "FastAPI(root_path=)). If the scheme is wrong, set --forwarded-allow-ips to the proxy's exact "
        "address, and TRUSTED_PROXIES to the load balancers'. If the host is wrong, set passHostHeader "
        "in traefik/dynamic/routes.toml."
    ),
    "redirect.removes_slash": (
        "If the prefix is lost, set API_PREFIX in .env and run `make up` (--root-path instead of "
        "FastAPI(root_path=)). If the scheme is wrong, set --forwarded-allow-ips to the proxy's exact "
        "address, and TRUSTED_PROXIES to the load balancers'. If the host is wrong, set passHostHeader "
        "in traefik/dynamic/routes.toml."
    ),
    "redirect.keeps_missing_port": (
        "Build links with request.url_for, and let Traefik pass Host on: a pinned Host in "
        "traefik/dynamic/middlewares.toml, or code that builds URLs from X-Forwarded-Port, rewrites the "
        "port."
    ),
    "redirect.start_page": (
        "Write Path(`/api/v1`) as well as PathPrefix(`/api/v1/`) in the rule of "
        "traefik/dynamic/routes.toml, and strip-prefix without a trailing slash."
    ),
    "scope.scheme": (
        "Set --forwarded-allow-ips to the proxy's exact address (src/behindproxy_serve/server.py), "
        "without a name, quotes or host bits. Load balancers in front of it go into TRUSTED_PROXIES."
    ),
    "scope.client": (
        "Set --forwarded-allow-ips to the proxy's exact address (src/behindproxy_serve/server.py), "
        "without a name, quotes or host bits. Load balancers in front of it go into TRUSTED_PROXIES."
    ),
    "scope.root_path": (
        "Set API_PREFIX in .env, then run `make up`, which applies it to --root-path and the router."
    ),
    "scope.path": (
        "Use Uvicorn's --root-path, or RootPath in src/behindproxy_serve/middleware/root_path.py: "
        "root_path is set but not prepended to the path. With STRIP_PREFIX=false, neither may prepend it."
    ),
    "scope.url": (
        "Set --forwarded-allow-ips to the proxy's exact address (src/behindproxy_serve/server.py), "
        "without a name, quotes or host bits. Load balancers in front of it go into TRUSTED_PROXIES. If "
        "the prefix is missing, use Uvicorn's --root-path, or RootPath in "
        "src/behindproxy_serve/middleware/root_path.py."
    ),
    "scope.url_for": (
        "Set --forwarded-allow-ips to the proxy's exact address (src/behindproxy_serve/server.py), "
        "without a name, quotes or host bits. Load balancers in front of it go into TRUSTED_PROXIES. If "
        "the prefix is missing, start the server with --root-path."
    ),
    "scope.forwarded_prefix": (
        "Set the prefix only with API_PREFIX in .env, then run `make up`: proxy and server have "
        "different prefixes. With FORWARD_PREFIX=false, to-app in traefik/dynamic/middlewares.toml must "
        "remove X-Forwarded-Prefix."
    ),
    "trust.proxy_cannot_spoof": (
        "Remove forwardedHeaders.insecure and too wide trustedIPs from traefik/traefik.toml; "
        "TRUSTED_PROXIES names only load balancers. If only the client's address is wrong, "
        "--forwarded-allow-ips is `*` or covers the clients' network."
    ),
    "trust.direct_cannot_spoof": (
        "Set --forwarded-allow-ips to the proxy's exact address, never `*` or a network with other "
        "callers (src/behindproxy_serve/server.py, TRUSTED_PROXIES)."
    ),
    "trust.redirect_not_steered": (
        "Remove forwardedHeaders.insecure and too wide trustedIPs from traefik/traefik.toml; "
        "TRUSTED_PROXIES names only load balancers. If only the client's address is wrong, or for the "
        "direct entrypoint, set --forwarded-allow-ips to the proxy's exact address, never `*` or a "
        "network with other callers (src/behindproxy_serve/server.py)."
    ),
    "trust.docs_ignore_spoofing": (
        "Remove the code that copies X-Forwarded-Prefix into root_path: its value is API_PREFIX."
    ),
    "trust.websocket_cannot_spoof": (
        "Remove forwardedHeaders.insecure and too wide trustedIPs from traefik/traefik.toml; "
        "TRUSTED_PROXIES names only load balancers. If only the client's address is wrong, or for the "
        "direct entrypoint, set --forwarded-allow-ips to the proxy's exact address, never `*` or a "
        "network with other callers (src/behindproxy_serve/server.py)."
    ),
    "tls.certificate": (
        "Set CA_FILE to the authority that signed the certificate; `make up` makes both. In production "
        "Traefik serves its own default certificate when it got none: check its log for ACME errors."
    ),
    "websocket.echo": (
        "If the status is 403, check --root-path: the path does not match the route (root_path twice, or "
        "stripped without --root-path). If it is 404, let the router's rule in "
        "traefik/dynamic/routes.toml match the path."
    ),
    "websocket.client": (
        "Set --forwarded-allow-ips to the proxy's exact address (src/behindproxy_serve/server.py); "
        "TRUSTED_PROXIES names only load balancers in front of it."
    ),
    "limits.websocket": (
        "Pass WEBSOCKET_MAX_BYTES to the server, as Uvicorn's --ws-max-size, Gunicorn's "
        "--websocket-max-message-size or Hypercorn's websocket_max_message_size. The FastAPI CLI has no "
        "such option, so src/behindproxy_serve/fastapi_cli.py sets it; Hypercorn has none that refuses "
        "compression, so src/behindproxy_serve/hypercorn_websockets.py does."
    ),
    "limits.websocket_compression": (
        'Set Sec-Websocket-Extensions = "" in scrub-headers of traefik/dynamic/middlewares.toml.'
    ),
}
