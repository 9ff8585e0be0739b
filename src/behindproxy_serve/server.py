"""The command line of each server: what `python -m behindproxy_serve` becomes."""

import sys
from collections.abc import Callable
from pathlib import Path

from .settings import Settings

# Longer than Traefik keeps an idle connection (idleConnTimeout in middlewares.toml), so the app never
# closes one that Traefik is about to reuse. Five is also what `fastapi run` cannot change.
KEEP_ALIVE_SECONDS = 5

# For each of them: log.py's lines.
LOGGING = Path(__file__).with_name("logging.json")
HTTP = "behindproxy_serve.uvicorn_http:Http"
WEBSOCKETS = "behindproxy_serve.uvicorn_websockets:WebSockets"

# Read by the servers themselves; settings would have a second, hidden home.
FOREIGN = ("FORWARDED_ALLOW_IPS", "SENDFILE", "WEB_CONCURRENCY")
FOREIGN_PREFIXES = ("GUNICORN_", "UVICORN_")


# An option and its value: none of its own (None), or several, each after the option again.
Options = dict[str, str | int | list[str] | None]


def command(settings: Settings) -> list[str]:
    """Return the argv for `settings.app_server`, run by this interpreter."""
    return [sys.executable, "-m", *COMMANDS[settings.app_server](settings)]


def line(*words: str, options: Options) -> list[str]:
    """Return `words`, then each option with its value."""
    argv = list(words)
    for option, value in options.items():
        values = value if isinstance(value, list) else [value]
        argv += [part for one in values for part in ([option] if one is None else [option, str(one)])]
    return argv


def environment(environ: dict[str, str]) -> dict[str, str]:
    """Return `environ` without the variables that a server would obey behind the settings' back."""
    return {
        key: value
        for key, value in environ.items()
        if key not in FOREIGN and not key.startswith(FOREIGN_PREFIXES)
    }


def _processes(settings: Settings) -> Options:
    if not settings.app_reload:
        return {"--workers": settings.app_workers}
    # Reload and workers exclude each other. Gunicorn and Hypercorn watch what was imported.
    if settings.app_server in ("gunicorn", "hypercorn"):
        return {"--reload": None}
    places = (Path(settings.package), Path("src", settings.package))
    return {"--reload": None, "--reload-dir": [str(path) for path in places if path.is_dir()]}


def _drain(settings: Settings) -> int:
    # A second less than the container's grace period, so the app's own shutdown runs before SIGKILL.
    return max(1, settings.drain_seconds - 1)


def _trust(settings: Settings) -> Options:
    # With a token the address proves nothing (native): middleware/proxy_token.py decides then.
    if settings.proxy_token:
        return {"--no-proxy-headers": None}
    return {"--forwarded-allow-ips": settings.forwarded_allow_ips}


def _root_path(settings: Settings) -> Options:
    # Uvicorn also prepends it to the path (uvicorn#2213), which an unstripped path has already.
    return {"--root-path": settings.api_prefix} if settings.strip_prefix else {}


def _uvicorn(settings: Settings) -> list[str]:
    options: Options = {
        "--host": settings.app_host,
        "--port": settings.app_port,
        **_root_path(settings),
        **_trust(settings),
        **_processes(settings),
        "--timeout-keep-alive": KEEP_ALIVE_SECONDS,
        "--timeout-graceful-shutdown": _drain(settings),
        "--http": HTTP,
        "--ws": WEBSOCKETS,
        "--ws-max-size": settings.websocket_max_bytes,
        "--ws-max-queue": 1,  # messages of that size, for each connection
        "--ws-per-message-deflate": "false",
        "--no-server-header": None,
        "--no-access-log": None,  # middleware/observe.py writes one
        "--log-config": str(LOGGING),
    }
    return line("uvicorn", "behindproxy_serve.asgi:app", options=options)


def _fastapi(settings: Settings) -> list[str]:
    # The FastAPI CLI has no options for keep-alive and draining; Docker's stop ends the wait. What is
    # needed of WebSockets and logs is in fastapi_cli.py.
    options: Options = {
        "--entrypoint": "behindproxy_serve.asgi:app",
        "--host": settings.app_host,
        "--port": settings.app_port,
        **_root_path(settings),
        **_trust(settings),
        **_processes(settings),
    }
    return line("behindproxy_serve.fastapi_cli", "dev" if settings.app_reload else "run", options=options)


def _gunicorn(settings: Settings) -> list[str]:
    options: Options = {
        "--worker-class": "asgi",
        # Its own trust knows no X-Forwarded-For and no wss; order.py has them read instead.
        "--forwarded-allow-ips": "",
        # By default it drops names with an underscore silently (access_token), as the other servers do not;
        # middleware/aliases.py deletes those that stand for another.
        "--header-map": "dangerous",
        "--logger-class": "behindproxy_serve.gunicorn_logger.Logger",
        # Traefik's maxHeaderBytes is the limit, whatever the server. By default a URL has at most 4094 bytes,
        # a header 8190, and there are 100 of them. 0: unlimited.
        "--limit-request-line": 0,
        "--limit-request-field_size": 0,
        "--limit-request-fields": 8192,
        "--no-control-socket": None,  # a file in $HOME, which the container's user has not
        "--worker-tmp-dir": "/tmp",
        "--bind": f"{settings.app_host}:{settings.app_port}",
        **_processes(settings),
        "--keep-alive": KEEP_ALIVE_SECONDS,
        "--graceful-timeout": _drain(settings),
        "--websocket-max-message-size": settings.websocket_max_bytes,
    }
    return line("gunicorn", "behindproxy_serve.asgi:app", options=options)


def _hypercorn(settings: Settings) -> list[str]:
    options: Options = {
        "--config": "python:behindproxy_serve.hypercorn_config",
        "--log-config": f"json:{LOGGING}",
        "--bind": f"{settings.app_host}:{settings.app_port}",
        **_processes(settings),
        "--keep-alive": KEEP_ALIVE_SECONDS,
        "--graceful-timeout": _drain(settings),
    }
    return line("hypercorn", "behindproxy_serve.asgi:app", options=options)


COMMANDS: dict[str, Callable[[Settings], list[str]]] = {
    "uvicorn": _uvicorn,
    "fastapi": _fastapi,
    "gunicorn": _gunicorn,
    "hypercorn": _hypercorn,
}
