"""Slow servers, and servers behind proxies that are none of this project's."""

from collections.abc import Callable

from tests.checkout import wait_for
from tests.hosts import PYTHON, Host

from .conftest import CLOUD
from .situations import APP, HERE, SITUATIONS, Situation, uvicorn

BEHIND = "http://127.0.0.1:8001"
EVERYWHERE = uvicorn("--host", "0.0.0.0")
ACCEPTS = """
use IO::Socket::INET;
my $listener = IO::Socket::INET->new(LocalAddr => "0.0.0.0:8000", Listen => 50, ReuseAddr => 1) or die;
my @taken;
while (my $one = $listener->accept) { push @taken, $one }
"""
# A listener whose queue is full takes no further connection, as an address that drops.
FULL = """
import socket, time
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 8001))
listener.listen(0)
waiting = [socket.socket() for _ in range(8)]
for one in waiting:
    one.setblocking(False)
    one.connect_ex(("127.0.0.1", 8001))
time.sleep(600)
"""
NGINX = """daemon off; pid nginx.pid; events {}
http { access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u;
  scgi_temp_path s; server { listen 8000; OPTIONS location / { proxy_pass http://127.0.0.1:8001; } } }
"""
HAPROXY = """defaults
  mode http
  timeout client 30s
  timeout connect 1s
  timeout server 1s
  retries 0
listen all
  bind 0.0.0.0:8000
  server one 127.0.0.1:8001
"""
CADDY = "{\n admin off\n auto_https off\n}\n:8000 {\n reverse_proxy 127.0.0.1:8001\n}\n"
ROUTES = """
[http.routers.all]
rule = "PathPrefix(`/api`)"
service = "app"
middlewares = ["strip"]
[http.middlewares.strip.stripPrefix]
prefixes = ["/api"]
[http.services.app.loadBalancer]
servers = [{url = "http://127.0.0.1:8001"}]
serversTransport = "app"
[http.serversTransports.app.forwardingTimeouts]
responseHeaderTimeout = "LIMIT"
"""
ENTRYPOINT = """[entryPoints.web]
address = ":8000"
[entryPoints.web.http.encodedCharacters]
allowEncodedSlash = false
[providers.file]
"""


def app(name: str, *options: str) -> Callable[[Host], None]:
    return lambda host: host.start(
        "uvicorn", name, "--host", "0.0.0.0", "--port", "8000", *options, port=8000
    )


def behind(*options: str) -> Callable[[Host], None]:
    """The application at the port to which the proxies lead."""
    return lambda host: host.start("uvicorn", APP, "--port", "8001", *options, port=8001)


def blocked(host: Host) -> None:
    behind()(host)
    host.get(f"{BEHIND}/blocks", seconds=0.5)


def full(host: Host) -> None:
    host.start(PYTHON, "-c", FULL, port=8001)


def nothing(host: Host) -> None:
    pass


def nginx(server: Callable[[Host], None], options: str = "") -> Callable[[Host], None]:
    def make(host: Host) -> None:
        server(host)
        (host.folder / "nginx.conf").write_text(NGINX.replace("OPTIONS", options))
        host.start("nginx", "-e", "stderr", "-p", f"{host.folder}/", "-c", "nginx.conf", port=8000)

    return make


def haproxy(server: Callable[[Host], None]) -> Callable[[Host], None]:
    def make(host: Host) -> None:
        server(host)
        (host.folder / "haproxy.cfg").write_text(HAPROXY)
        host.start("haproxy", "-db", "-f", str(host.folder / "haproxy.cfg"), port=8000)

    return make


def caddy(server: Callable[[Host], None]) -> Callable[[Host], None]:
    def make(host: Host) -> None:
        server(host)
        file = host.folder / "Caddyfile"
        file.write_text(CADDY)
        home = {"HOME": str(host.folder), "XDG_DATA_HOME": str(host.folder)}
        host.start("caddy", "run", "--adapter", "caddyfile", "--config", str(file), port=8000, **home)

    return make


def traefik(server: Callable[[Host], None], limit: str = "60s") -> Callable[[Host], None]:
    def make(host: Host) -> None:
        server(host)
        routes, static = host.folder / "routes.toml", host.folder / "static.toml"
        routes.write_text(ROUTES.replace("LIMIT", limit))
        static.write_text(f'{ENTRYPOINT}filename = "{routes}"\n')
        host.start("traefik", f"--configFile={static}", port=8000)
        # A router that is there refuses this by itself; before Traefik has read the routes it is 404.
        refused = ["curl", "-s", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}"]
        wait_for(lambda: host.run(*refused, "http://127.0.0.1:8000/api/a%2Fb").stdout == "400", 60)

    return make


def gunicorn(host: Host) -> None:
    name = "tests.reachability.demo:one_at_a_time"
    host.start("gunicorn", name, "--bind", "0.0.0.0:8000", "--timeout", "60", port=8000)


AT = f"http://{CLOUD}:8000"
ALL = [
    *SITUATIONS,
    Situation("a healthy path that takes 2 s", EVERYWHERE, f"{AT}/slow?seconds=2", ""),
    Situation("a healthy path that takes 8 s", EVERYWHERE, f"{AT}/slow?seconds=8", ""),
    Situation("a server that takes 2 s for each request, one at a time", gunicorn, HERE, ""),
    Situation(
        "a path that takes longer than doctor waits",
        EVERYWHERE,
        f"{AT}/slow?seconds=60",
        "url.slow",
        "/healthz on the same port has one",
    ),
    Situation(
        "a path that blocks the event loop",
        EVERYWHERE,
        f"{AT}/blocks",
        "url.busy",
        "while it runs, /healthz, which responded before, gets none",
        case="path",
    ),
    Situation("a path that makes its server exit", EVERYWHERE, f"{AT}/ends", "url.server_ended", "crashed"),
    Situation(
        "a program other than Python that accepts connections and never responds",
        lambda host: host.start("perl", "-e", ACCEPTS, port=8000),
        HERE,
        "url.busy",
        "check its log",
        case="program",
    ),
    Situation(
        "TrustedHostMiddleware without the name",
        app("tests.reachability.demo:host_list"),
        HERE,
        "url.host_refused",
    ),
    Situation(
        "an application with its own list of hosts",
        app("tests.reachability.demo:guarded"),
        HERE,
        "url.host_refused",
        "403, Invalid Host header",
        case="own",
    ),
    Situation(
        "an MCP server that does not know the name",
        app("tools:app", "--app-dir", "tests/foreign/applications"),
        f"{AT}/mcp",
        "url.host_refused",
        "TransportSecuritySettings",
        case="library",
    ),
    Situation(
        "an application that itself responds with 502",
        EVERYWHERE,
        f"{AT}/billing",
        "url.application_failed",
        "billing",
    ),
    Situation(
        "an application that itself responds with 502, behind Traefik",
        traefik(behind()),
        f"{AT}/api/billing",
        "url.application_failed",
        "billing",
    ),
    Situation(
        "an application that itself responds with 504, behind Traefik",
        traefik(behind()),
        f"{AT}/api/bank",
        "url.application_failed",
        "the bank",
    ),
    Situation(
        "Traefik in front of an event loop that a call blocks",
        traefik(blocked),
        f"{AT}/api/app",
        "url.busy",
        "it is a proxy",
        case="proxy",
    ),
    Situation("a path that takes 2 s, behind Traefik", traefik(behind()), f"{AT}/api/slow?seconds=2", ""),
    Situation(
        "Traefik, whose limit is shorter than the response takes",
        traefik(behind(), "1s"),
        f"{AT}/api/slow?seconds=5",
        "url.gateway",
        "responseHeaderTimeout",
        case="504",
    ),
    Situation("Traefik, and no server behind it", traefik(nothing), f"{AT}/api/app", "url.gateway", "502"),
    Situation(
        "a path that Traefik does not route",
        traefik(behind()),
        f"{AT}/app",
        "url.no_route",
        "/app",
        case="elsewhere",
    ),
    Situation(
        "an encoded slash that Traefik refuses",
        traefik(behind()),
        f"{AT}/api/a%2Fb",
        "url.encoded",
        "%2F",
        case="elsewhere",
    ),
    Situation(
        "nginx, and a server whose queue is full",
        nginx(full, "proxy_connect_timeout 4s;"),
        HERE,
        "url.gateway",
        "127.0.0.1:8001",
        case="connecting",
    ),
    Situation(
        "nginx with its own limits, and a server whose queue is full",
        nginx(full),
        HERE,
        "url.gateway",
        "127.0.0.1:8001",
        case="connecting",
    ),
    Situation("nginx, and no server behind it", nginx(nothing), HERE, "url.gateway", "502"),
    Situation(
        "nginx, whose limit is shorter than the response takes",
        nginx(behind(), "proxy_read_timeout 1s;"),
        f"{AT}/slow?seconds=5",
        "url.gateway",
        "proxy_read_timeout",
        case="504",
    ),
    Situation(
        "from the laptop, nginx, whose server accepts no connection",
        nginx(full, "proxy_connect_timeout 2s;"),
        HERE,
        "url.gateway",
        "nginx gave up after",
        sent_from="laptop",
        case="504",
    ),
    Situation(
        "a path that the application behind nginx does not have",
        nginx(behind()),
        f"{AT}/ap",
        "url.no_such_path",
        "the application was reached",
        case="fastapi",
    ),
    Situation("HAProxy, and no server behind it", haproxy(nothing), HERE, "url.gateway", "HAProxy"),
    Situation(
        "HAProxy, whose limit is shorter than the response takes",
        haproxy(behind()),
        f"{AT}/slow?seconds=5",
        "url.gateway",
        "timeout server",
        case="504",
    ),
    Situation("Caddy, and no server behind it", caddy(nothing), HERE, "url.gateway", "Caddy"),
]
