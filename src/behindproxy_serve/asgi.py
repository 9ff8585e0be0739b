"""What the servers load: the application named by APP_MODULE, inside what every server needs."""

from starlette.types import ASGIApp

from . import log
from .gunicorn_websockets import complete_gunicorn_websockets
from .hypercorn_websockets import limit_hypercorn_websockets
from .load import load
from .order import ORDER
from .read_only import advice
from .settings import Settings

BOOT_FAILED = 3  # Gunicorn ends at this status of a worker, and starts another one at any other


def wrap(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Return `app` as it must be served by `settings.app_server` behind the prefix."""
    for layer in reversed(ORDER):
        if layer.when(settings):
            app = layer.put(app, settings)
    return app


def create() -> ASGIApp:
    settings = Settings()
    log.as_lines_everywhere()
    if settings.app_server == "hypercorn":
        limit_hypercorn_websockets()
    if settings.app_server == "gunicorn":
        complete_gunicorn_websockets()
    try:
        return wrap(load(settings.app_module), settings)
    except Exception as error:
        if settings.app_reload:
            raise  # the server waits for a change then
        reason = "; ".join(filter(None, (f"{type(error).__name__}: {error}", advice(str(error)))))
        log.failure(f"APP_MODULE={settings.app_module} could not be loaded: {reason}", error)
        raise SystemExit(BOOT_FAILED) from None


app = create()
