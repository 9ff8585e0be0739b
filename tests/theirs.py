"""An application with a mind of its own behind what this repository is: APP_MODULE=tests.theirs:app."""

from uuid import uuid4

from fastapi import Depends, FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi.security import APIKeyHeader

FRONT = "http://front.example"
POLICIES = {
    "Permissions-Policy": "microphone=(self), camera=(self)",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# What an authentication in front says of a user.
USER = {
    "X-Forwarded-User": "alice",
    "X-Forwarded-Email": "alice@example.net",
    "X-Forwarded-Groups": "staff",
    "X-Auth-Request-User": "alice",
    "X-Authentik-Username": "alice",
    "Remote-User": "alice",
}
METHODS = ["GET", "HEAD"]

app, keyed = FastAPI(), FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=[FRONT], allow_methods=["*"], allow_headers=["*"])
messages: list[dict[str, str]] = []


@app.api_route("/", methods=METHODS, response_class=HTMLResponse)
async def page() -> str:
    return '<!doctype html><title>board</title><script src="board.js"></script>'


@app.get("/board.js", include_in_schema=False)
async def script() -> PlainTextResponse:
    return PlainTextResponse("document.title += ' ready'", media_type="text/javascript")


@app.get("/policies")
async def policies(response: Response) -> str:
    response.headers.update({**POLICIES, "X-Request-ID": f"own-{uuid4().hex}"})
    return "its own"


@app.put("/blobs/{name}")
async def blob(name: str, request: Request) -> int:
    return len(await request.body())


@app.get("/orders")
async def orders(key: str = Depends(APIKeyHeader(name="access_token"))) -> list[str]:
    return [key]


@app.get("/auth")
async def auth(request: Request) -> Response:
    """Answer as oauth2-proxy and Authelia do: 200, and who it is."""
    messages.append(dict(request.headers))
    return Response(headers=USER)


@app.get("/told")
async def last_told() -> dict[str, str]:
    return messages[-1]


@app.get("/listed/me")
@app.get("/matched/me")
@app.get("/me")
async def me(request: Request) -> list[list[str]]:
    return [[name, value] for name, value in request.headers.items()]


@keyed.get("/orders")
async def keyed_orders(key: str = Depends(APIKeyHeader(name="access_token"))) -> list[str]:
    return [key]


app.mount("/admin", FastAPI())
