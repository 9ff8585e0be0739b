"""What is asked, and of whom."""

from functools import partial

from behindproxy.stack.paths import ROOT

from .generators import Load
from .rounds import Case, Question
from .subjects import bare, beside, document, ours, template

SERVERS = ("uvicorn", "fastapi", "gunicorn", "hypercorn")
DEFAULT = {"ours": partial(ours, "ours", PROBE=0)}
ROUTES, MIDDLEWARES, STATIC, ORDER, OBSERVE, LINES, NATIVE, SERVER = (
    "traefik/dynamic/routes.toml",
    "traefik/dynamic/middlewares.toml",
    "traefik/traefik.toml",
    "src/behindproxy_serve/order.py",
    "src/behindproxy_serve/middleware/observe.py",
    "src/behindproxy_serve/middleware/lines.py",
    "src/behindproxy/stack/native.py",
    "src/behindproxy_serve/server.py",
)
# The last section of its file.
ACCESS_LOG = "".join((ROOT / STATIC).read_text().partition("\n[accessLog]")[1:])
# What is taken away, one at a time: (file, what is there, what is put in its place).
WITHOUT = {
    "access log of Traefik": (STATIC, ACCESS_LOG, ""),
    "Traefik's metrics": (STATIC, 'metrics.prometheus.entryPoint = "ops"', ""),
    "header blanking": (STATIC, '  http.middlewares = ["front@file"]\n', ""),
    "security headers": (
        OBSERVE,
        "                headers += lacking(",
        "                False and lacking(",
    ),
    "retries": (MIDDLEWARES, '"retry"]', "]"),
    "health check": (ROUTES, 'interval = "1s"', 'interval = "3600s"'),
    "access log of the app": (
        OBSERVE,
        "            if status >= 400 or forwarded or path not in self.checks:\n",
        "            if False:\n",
    ),
    "the app's metrics": (
        OBSERVE,
        '            self.slot.count((method if method in METHODS else "other", route, status), seconds)\n',
        "",
    ),
    "body limit": (ORDER, "    Layer(always, lambda app, s: BodyLimit(app, s.max_body_bytes)),\n", ""),
    "host guard": (ORDER, "    Layer(always, lambda app, s: HostGuard(app)),\n", ""),
}


COMPRESS = {MIDDLEWARES: ('"retry"]', '"retry", "compress"]\n[http.middlewares.compress.compress]')}


def entrypoints() -> Question:
    cases = [
        Case("direct", "ours", Load(entrypoint="direct")),
        Case("proxied, http", "ours"),
        Case("proxied, https", "ours", Load(entrypoint="https")),
        Case("proxied, HTTP/2", "ours", Load(entrypoint="https", http2=True)),
        Case("direct, a connection each", "ours", Load(entrypoint="direct", keep_alive=False)),
        Case("proxied, a connection each", "ours", Load(keep_alive=False)),
    ]
    return Question("entrypoints", "What the proxy costs", DEFAULT, cases)


UVICORN = '"--no-server-header": None,'
GRANIAN = {
    SERVER: (
        'line("uvicorn", "behindproxy_serve.asgi:app", options=options)',
        'line("granian", "behindproxy_serve.asgi:app", "--interface", "asgi", "--no-access-log", options='
        '{key: options[key] for key in ("--host", "--port", "--workers")})',
    ),
    # It has no option that trusts an address, and none that leaves the prefix in the path.
    ORDER: ('return settings.app_server in ("uvicorn", "fastapi")', "return False"),
}


def servers() -> Question:
    """Those of APP_SERVER; and what they could be replaced by, under the same middlewares."""
    subjects = {
        f"{server} × {workers}": partial(
            ours, f"{server}-{workers}", PROBE=0, APP_SERVER=server, APP_WORKERS=workers
        )
        for server in SERVERS
        for workers in (1, 2)
    }
    zttp = {SERVER: (UVICORN, UVICORN + ' "--http": "zttp",')}
    subjects["uvicorn × 1, parsing by zttp (not taken)"] = partial(ours, "zttp", zttp, PROBE=0)
    subjects["Granian × 1 (not taken)"] = partial(ours, "granian", GRANIAN, PROBE=0)
    return Question("servers", "Which server, proxied", subjects, [Case(name, name) for name in subjects])


def peers() -> Question:
    subjects = DEFAULT | {
        "template": template,
        "document": document,
        "bare": partial(bare, "--no-access-log"),
        "logging": bare,
    }
    names = {"ours": "this stack", "template": "full-stack template's", "document": "FastAPI's page"}
    cases = [
        Case(f"{label}{', direct' if entrypoint == 'direct' else ''}", name, Load(entrypoint=entrypoint))
        for entrypoint in ("http", "direct")
        for name, label in names.items()
    ]
    cases += [
        Case("the route under Uvicorn without a log, direct", "bare", Load(entrypoint="direct")),
        Case("the route under Uvicorn with its own log, direct", "logging", Load(entrypoint="direct")),
    ]
    return Question("peers", "The peers' stacks, as their users run them", subjects, cases)


def proxies() -> Question:
    others = {
        "Traefik by hand, the same features": "by-hand",
        "Traefik, its defaults": "traefik",
        "nginx": "nginx",
        "HAProxy": "haproxy",
        "Caddy": "caddy",
    }
    subjects = {
        "Traefik, as here": DEFAULT["ours"],
        "Traefik, as here and untuned": partial(ours, "untuned", TRAEFIK_UNTUNED, PROBE=0),
    } | {label: partial(beside, name) for label, name in others.items()}
    return Question(
        "proxies", "Other proxies doing the same job", subjects, [Case(name, name) for name in subjects]
    )


A_WRITE_EACH = {
    LINES: ("        if not self.buffer:\n", "        self.buffer = text\n        return self.write()\n")
}

# What was tuned, each put back to what it was; and what was tried and not taken.
UNTUNED = {
    "Traefik on every core": {NATIVE: ('"GOMAXPROCS": "1",', "")},
    "Go's own collections": {NATIVE: ('"GOGC": "400",', "")},
    "a write for each access line": A_WRITE_EACH,
    "responses sent part by part, at once": {SERVER: (UVICORN, UVICORN + ' "--http": "auto",')},
    "a handler in a thread": {"app/main.py": ("async def read_main", "def read_main")},
    "asyncio's own loop": {SERVER: (UVICORN, UVICORN + ' "--loop": "asyncio",')},
    "parsing by h11": {SERVER: (UVICORN, UVICORN + ' "--http": "h11",')},
    # Answers 502 in place of 413, for it passes no response on that overtakes its request's body.
    "fastProxy (not taken)": {STATIC: ("ping =", "experimental.fastProxy = {}\nping =")},
    # The alerts and the dashboard are made of them.
    "a buffered access log (not taken)": {STATIC: ("[accessLog]\n", "[accessLog]\n  bufferingSize = 100\n")},
    "no metrics of the router (not taken)": {
        ROUTES: (
            'middlewares = ["app"]\n  service = "app"\n',
            'middlewares = ["app"]\n  service = "app"\n  observability = {metrics = false}\n',
        )
    },
}


# Both of Traefik's together.
TRAEFIK_UNTUNED = {NATIVE: ('"GOGC": "400",\n        "GOMAXPROCS": "1",\n', "")}


def tuning() -> Question:
    subjects = DEFAULT | {
        f"with {what}": partial(ours, f"untuned-{number}", patches, PROBE=0)
        for number, (what, patches) in enumerate(UNTUNED.items())
    }
    return Question(
        "tuning",
        "What was tuned, put back; what was not taken",
        subjects,
        [Case(name, name) for name in subjects],
    )


def bodies() -> Question:
    subject = {"ours": partial(ours, "bodies", PROBE=0, APP_MODULE="tests.routes:app")}
    loads = {
        "small JSON": {},
        "1 MB posted": {"path": "/body", "body": 1_000_000},
        "a stream of 100 events": {"path": "/stream?count=100&interval_seconds=0"},
        "200 WebSockets, echoes": {"path": "/ws", "sockets": True, "connections": 200},
    }
    cases = [
        Case(f"{label}, {entrypoint}", "ours", Load(entrypoint=entrypoint, **load))
        for label, load in loads.items()
        for entrypoint in ("direct", "http")
    ]
    return Question("bodies", "Bodies, streams and WebSockets", subject, cases)


def settings() -> Question:
    subjects = DEFAULT | {
        f"without {what}": partial(ours, f"without-{number}", {file: (find, replace)}, PROBE=0)
        for number, (what, (file, find, replace)) in enumerate(WITHOUT.items())
    }
    # Far above what is reached, so that it counts and refuses nothing.
    subjects["with a rate limit"] = partial(ours, "limited", PROBE=0, RATE_LIMIT=1_000_000)
    cases = [Case(name, name) for name in subjects]
    subjects["with compression"] = partial(ours, "compressed", COMPRESS, PROBE=0)
    schema = Load(path="/openapi.json", compressed=True)
    cases += [Case("the schema", "ours", schema), Case("the schema, compressed", "with compression", schema)]
    return Question("settings", "What each protection costs", subjects, cases)


def connections() -> Question:
    cases = [
        Case(f"{count}, {entrypoint}", "ours", Load(entrypoint=entrypoint, connections=count))
        for count in (1, 8, 64, 512)
        for entrypoint in ("direct", "http")
    ]
    return Question("connections", "From 1 to 512 connections", DEFAULT, cases)


def latency() -> Question:
    cases = [
        Case(
            f"half of saturation, {entrypoint}",
            "ours",
            Load(entrypoint=entrypoint, connections=64, share=0.5),
        )
        for entrypoint in ("direct", "http")
    ]
    return Question("latency", "Latency when nothing is full", DEFAULT, cases, unit="p99 ms")


COMPOSE = "docker-compose.yml"
LOGGING = 'logging: {driver: json-file, options: {max-size: 10m, max-file: "5"}}'


def docker() -> Question:
    """The same stack in containers, and natively beside them; what of it the engine's parts cost; workers
    of one replica, against replicas."""
    subjects = {
        "1 replica": {},
        "1 replica with 2 workers": {"APP_WORKERS": 2},
        "2 replicas": {"APP_REPLICAS": 2},
        "a write for each access line": {"patches": A_WRITE_EACH},
        "the local log driver": {"patches": {COMPOSE: (LOGGING, "logging: {driver: local}")}},
        "no log driver": {"patches": {COMPOSE: (LOGGING, "logging: {driver: none}")}},
    }
    inside = ("direct inside", "http inside")
    cases = [
        Case("natively, direct", "ours", Load(entrypoint="direct")),
        Case("natively, proxied", "ours"),
        *(
            Case(f"{name}, direct", name, Load(entrypoint="direct"))
            for name in ("1 replica", "a write for each access line")
        ),
        *(Case(f"{name}, proxied", name) for name in subjects),
        Case("1 replica, direct at its own address", "1 replica", Load(entrypoint=inside[0])),
        *(
            Case(f"{name}, proxied at its own address", name, Load(entrypoint=inside[1]))
            for name in ("1 replica", "no log driver")
        ),
    ]
    starts = {
        name: partial(
            ours,
            f"docker-{number}",
            runtime="docker",
            subnet=f"172.30.{80 + number}",
            PROBE=0,
            PUBLIC_HOSTS="*",
            **more,
        )
        for number, (name, more) in enumerate(subjects.items())
    }
    return Question("docker", "In Docker", DEFAULT | starts, cases)


def scale() -> Question:
    """What a request costs, the more processes share the load: workers natively, replicas in containers."""
    subjects = {
        f"{workers} worker{'s' * (workers > 1)}": partial(ours, f"w{workers}", PROBE=0, APP_WORKERS=workers)
        for workers in (1, 2, 4, 8)
    } | {
        f"{replicas} replica{'s' * (replicas > 1)}": partial(
            ours,
            f"r{replicas}",
            runtime="docker",
            subnet=f"172.30.{90 + replicas}",
            PROBE=0,
            APP_REPLICAS=replicas,
        )
        for replicas in (1, 2, 4)
    }
    cases = [Case(f"{name}, proxied", name) for name in subjects]
    return Question("scale", "From 1 to 8 processes", subjects, cases)


DEFAULT_QUESTIONS = (entrypoints, servers, peers)
QUESTIONS = {
    question.__name__: question
    for question in (
        *DEFAULT_QUESTIONS,
        proxies,
        bodies,
        settings,
        connections,
        latency,
        tuning,
        docker,
        scale,
    )
}
