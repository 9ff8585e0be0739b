"""The document's application, made in the ways that the document shows."""

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.staticfiles import StaticFiles

STATIC = Path(__file__).parents[2] / "app" / "static"
SERVERS = [
    {"url": "https://stag.example.com", "description": "Staging environment"},
    {"url": "https://prod.example.com", "description": "Production environment"},
]


def build(**options) -> FastAPI:
    app, sub = FastAPI(**options), FastAPI()

    @sub.get("/app")
    @app.get("/app")
    def read_main(request: Request) -> dict[str, str]:
        return {"message": "Hello World", "root_path": request.scope.get("root_path")}

    @app.get("/items/")
    def read_items() -> list[str]:
        return ["plumbus", "portal gun"]

    @app.get("/seen")
    def seen(request: Request) -> dict[str, str]:
        return {
            "client": request.client.host,
            "scheme": request.url.scheme,
            "host": request.url.netloc,
            "path": request.scope["path"],
        }

    app.mount("/sub", sub)
    app.mount("/static", StaticFiles(directory=STATIC))
    return app


plain = build()


def __getattr__(name: str) -> FastAPI:
    """The others are made when a server asks: a warning belongs to the one that deserves it."""
    if name == "declared":
        return build(root_path="/api/v1")
    if name == "with_servers":
        return build(servers=SERVERS)
    if name == "without_own_server":
        return build(servers=SERVERS, root_path_in_servers=False)
    raise AttributeError(name)
