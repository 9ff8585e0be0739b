"""The example of FastAPI's page "Behind a Proxy". No path in it contains the prefix."""

from fastapi import FastAPI, Request

from behindproxy_serve.settings import Settings

from .demonstration import add_demonstration, options


def create_app(settings: Settings | None = None) -> FastAPI:
    # No root_path=: it is deprecated, and under a stripping proxy it breaks mounts and redirects
    # (fastapi#14238). The server's --root-path sets it.
    app = FastAPI(title="FastAPI behind Traefik", **options(settings or Settings()))

    @app.get("/app")
    async def read_main(request: Request) -> dict[str, str]:
        return {"message": "Hello World", "root_path": request.scope["root_path"]}

    @app.get("/items/", name="items")
    async def read_items() -> list[str]:
        return ["plumbus", "portal gun"]

    # Adds documentation pages without a CDN, and the routes of the contract suite. Leave it out of your own
    # application: `make verify` sends any method and any body to one that has it.
    add_demonstration(app)
    return app


app = create_app()
