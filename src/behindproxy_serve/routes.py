"""The routes of an application, as they were written."""

from collections.abc import Iterator

from starlette.routing import BaseRoute, Mount


def routes(app: object, outer: str = "") -> Iterator[tuple[str, BaseRoute]]:
    """Yield the template of the path and the route, mounts and what is in them included; nothing of an
    application that is not Starlette's. `app` may stand in any number of middlewares."""
    while not hasattr(app, "routes") and hasattr(app, "app"):
        app = app.app
    for route in getattr(app, "routes", ()):
        path = outer + getattr(route, "path", "")
        yield path, route
        if isinstance(route, Mount):
            yield from routes(route if route.routes else route.app, path)
