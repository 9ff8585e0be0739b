"""What is asked, and of whom."""

from functools import partial

from .generators import Load
from .rounds import Case, Question
from .subjects import beside, document, ours, template

SERVERS = ("uvicorn", "fastapi", "gunicorn", "hypercorn")
DEFAULT = {"ours": partial(ours, "ours", PROBE=0)}
ROUTES, STATIC, ASGI = "traefik/routes.toml", "traefik/traefik.toml", "app/asgi.py"
CHAIN = '["security-headers", {{ if $rate }}"rate-limit", {{ end }}"scrub-headers"'
# What is taken away, one at a time: (file, what is there, what is put in its place).
WITHOUT = {
    "access log of Traefik": (STATIC, '[accessLog]\n  format = "json"', "[unusedLog]"),
    "Traefik's metrics": (STATIC, '[metrics.prometheus]\n  entryPoint = "ops"', ""),
    "header blanking": (ROUTES, CHAIN, CHAIN.replace('"scrub-headers"', '"security-headers"')),
    "security headers": (ROUTES, CHAIN, CHAIN.replace('"security-headers", ', "")),
    "retries": (ROUTES, ', "repeat", "retry"]', "]"),
    "health check": (ROUTES, 'interval = "1s"', 'interval = "3600s"'),
    "access log of the app": ("app/observe.py", '        self.log.info("request"', '        self.log.debug("request"'),
    "the app's metrics": ("app/observe.py", "        REQUESTS.labels(known, route, sent[\"status\"]).inc()\n"
                          "        DURATION.labels(known, route).observe(seconds)\n", ""),
    "request ids": (ASGI, "    app = with_request_id(app)\n", ""),
    "body limit": (ASGI, "    app = BodyLimit(app, settings.max_body_bytes)\n", ""),
    "host guard": (ASGI, "    app = HostGuard(app)\n", ""),
}  # fmt: skip


def doors() -> Question:
    cases = [
        Case("direct", "ours", Load(door="direct")),
        Case("proxied, http", "ours"),
        Case("proxied, https", "ours", Load(door="tls")),
        Case("proxied, HTTP/2", "ours", Load(door="tls", http2=True)),
        Case("direct, a connection each", "ours", Load(door="direct", keep_alive=False)),
        Case("proxied, a connection each", "ours", Load(keep_alive=False)),
    ]
    return Question("doors", "What the proxy costs", DEFAULT, cases)


def servers() -> Question:
    subjects = {f"{server} × {workers}": partial(ours, f"{server}-{workers}", PROBE=0, APP_SERVER=server,
                                                APP_WORKERS=workers)
                for server in SERVERS for workers in (1, 2)}  # fmt: skip
    return Question(
        "servers", "Which server, proxied", subjects, [Case(name, name) for name in subjects]
    )


def peers() -> Question:
    subjects = DEFAULT | {"template": template, "document": document}
    names = {
        "ours": "this stack",
        "template": "full-stack template's",
        "document": "FastAPI's page",
    }
    cases = [Case(f"{label}{', direct' if door == 'direct' else ''}", name, Load(door=door))
             for door in ("proxy", "direct") for name, label in names.items()]  # fmt: skip
    return Question("peers", "The peers' stacks, as their users run them", subjects, cases)


def proxies() -> Question:
    others = {
        "Traefik, its defaults": "traefik",
        "nginx": "nginx",
        "HAProxy": "haproxy",
        "Caddy": "caddy",
    }
    subjects = {"Traefik, as here": DEFAULT["ours"]} | {
        label: partial(beside, name) for label, name in others.items()
    }
    return Question(
        "proxies",
        "Other proxies doing the same job",
        subjects,
        [Case(name, name) for name in subjects],
    )


def bodies() -> Question:
    subject = {"ours": partial(ours, "bodies", PROBE=0, APP_MODULE="tests.routes:app")}
    loads = {"small JSON": {}, "1 MB posted": {"path": "/body", "body": 1_000_000},
             "a stream of 100 events": {"path": "/stream?count=100&interval_seconds=0"},
             "200 WebSockets, echoes": {"path": "/ws", "sockets": True, "connections": 200}}  # fmt: skip
    cases = [Case(f"{label}, {door}", "ours", Load(door=door, **load))
             for label, load in loads.items() for door in ("direct", "proxy")]  # fmt: skip
    return Question("bodies", "Bodies, streams and WebSockets", subject, cases)


def settings() -> Question:
    subjects = DEFAULT | {
        f"without {what}": partial(ours, f"without-{number}", {file: (find, replace)}, PROBE=0)
        for number, (what, (file, find, replace)) in enumerate(WITHOUT.items())
    }
    return Question(
        "settings", "What each protection costs", subjects, [Case(name, name) for name in subjects]
    )


def connections() -> Question:
    cases = [Case(f"{count}, {door}", "ours", Load(door=door, connections=count))
             for count in (1, 8, 64, 512) for door in ("direct", "proxy")]  # fmt: skip
    return Question("connections", "From 1 to 512 connections", DEFAULT, cases)


def latency() -> Question:
    cases = [
        Case(f"half of saturation, {door}", "ours", Load(door=door, share=0.5))
        for door in ("direct", "proxy")
    ]
    return Question("latency", "Latency when nothing is full", DEFAULT, cases)


DEFAULT_QUESTIONS = (doors, servers, peers)
QUESTIONS = {question.__name__: question
             for question in (*DEFAULT_QUESTIONS, proxies, bodies, settings, connections, latency)}  # fmt: skip
