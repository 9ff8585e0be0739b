"""The mounted sub-application: it knows nothing of the prefix or of where it is mounted."""

from fastapi import FastAPI, Request, WebSocket

from behindproxy_serve.problems import RESPONSES, add_problems

from .docs import add_docs
from .echo import echo


def create_sub() -> FastAPI:
    sub = FastAPI(title="Sub-application", docs_url=None, redoc_url=None, responses=RESPONSES)
    add_docs(sub)
    add_problems(sub)

    @sub.get("/app")
    async def read_sub(request: Request) -> dict[str, str]:
        return {"message": "Hello World from the sub-application", "root_path": request.scope["root_path"]}

    @sub.get("/items/")
    async def read_sub_items() -> list[str]:
        return ["plumbus", "portal gun"]

    @sub.websocket("/ws")
    async def sub_websocket(websocket: WebSocket) -> None:
        await echo(websocket)

    return sub
