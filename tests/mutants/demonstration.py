"""The demonstration itself, as `add_demonstration` makes it, made wrong by one change of an object in it.

APP_MODULE=tests.mutants.demonstration:NAME serves what make_NAME returns. It is called when the server
wants it: what one changes, or warns of, is not the others'.
"""

import app.demonstration
import app.docs
import app.main
import app.sub
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIWebSocketRoute

# What tells behindproxy that a module serves the demonstration (StackSettings.demonstration).
DEMONSTRATION = app.demonstration.add_demonstration


def __getattr__(name: str) -> FastAPI:
    make = globals().get(f"make_{name}")
    if not make:
        raise AttributeError(name)
    return make()


def given(module, name: str, **options) -> None:
    """Have `module` call what it knows as `name` with other `options` than it says."""
    function = getattr(module, name)
    setattr(module, name, lambda **own: function(**{**own, **options}))


def made_with(**options) -> FastAPI:
    given(app.main, "FastAPI", **options)
    return app.main.create_app()


def at_another_path(path: str, other: str) -> FastAPI:
    changed_app = app.main.create_app()
    route = next(one for one in changed_app.routes if one.path == path)
    at = changed_app.router.routes.index(route)
    if isinstance(route, APIWebSocketRoute):
        changed_app.add_api_websocket_route(other, route.endpoint, route.name)
    else:
        changed_app.add_api_route(other, route.endpoint, name=route.name)
    changed_app.router.routes[at] = changed_app.router.routes.pop()
    return changed_app


def make_no_slash_redirects() -> FastAPI:
    return made_with(redirect_slashes=False)


def make_hidden_schema() -> FastAPI:
    return made_with(openapi_url=None)


def make_prefix_not_listed() -> FastAPI:
    return made_with(root_path_in_servers=False)


def make_servers_by_hand() -> FastAPI:
    return made_with(root_path_in_servers=False, servers=[{"url": "http://127.0.0.1:8000"}])


def make_own_root_path() -> FastAPI:
    return made_with(root_path="/api/v1")


def make_other_root_path() -> FastAPI:
    return made_with(root_path="/other")


def make_mounted_root_path() -> FastAPI:
    given(app.sub, "FastAPI", root_path="/api/v1")
    return app.main.create_app()


def make_framework_s_own_errors() -> FastAPI:
    app.demonstration.add_problems = lambda application: None
    return app.main.create_app()


def make_prefix_in_the_code() -> FastAPI:
    return at_another_path("/items/", "/api/v1/items/")


def make_websocket_with_the_prefix() -> FastAPI:
    return at_another_path("/ws", "/api/v1/ws")


def make_start_page() -> FastAPI:
    changed_app = app.main.create_app()
    changed_app.router.routes = [one for one in changed_app.routes if one.path != "/"]

    @changed_app.get("/", include_in_schema=False)
    async def start() -> RedirectResponse:
        return RedirectResponse("/docs")

    return changed_app


def make_scripts_from_a_cdn() -> FastAPI:
    given(app.docs, "get_swagger_ui_html", swagger_js_url="https://cdn.example/swagger-ui-bundle.js")
    return app.main.create_app()


def make_hard_coded_schema() -> FastAPI:
    given(app.docs, "get_swagger_ui_html", openapi_url="/openapi.json")
    given(app.docs, "get_redoc_html", openapi_url="/openapi.json")
    return app.main.create_app()


def make_schema_without_root_path() -> FastAPI:
    given(app.docs, "get_swagger_ui_html", openapi_url="/openapi.json")
    return app.main.create_app()


def make_redoc_without_root_path() -> FastAPI:
    given(app.docs, "get_redoc_html", openapi_url="/openapi.json")
    return app.main.create_app()


def make_redoc_of_the_server() -> FastAPI:
    given(app.docs, "get_redoc_html", openapi_url="/schema.json")
    return app.main.create_app()


def make_oauth2_redirect() -> FastAPI:
    given(app.docs, "get_swagger_ui_html", oauth2_redirect_url="/docs/oauth2-redirect")
    return app.main.create_app()


def make_policy_that_lets_images_in() -> FastAPI:
    guarded, policy = app.docs.guarded, "Content-Security-Policy"

    def less_guarded(page: HTMLResponse) -> HTMLResponse:
        page = guarded(page)
        page.headers[policy] = page.headers[policy].replace("img-src 'self'", "img-src *")
        return page

    app.docs.guarded = less_guarded
    return app.main.create_app()


def make_no_policy() -> FastAPI:
    app.docs.guarded = lambda page: page
    return app.main.create_app()
