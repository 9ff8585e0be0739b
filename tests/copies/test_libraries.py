"""Applications as the documentation of published libraries has them: Socket.IO, MCP servers, signing in,
pages with a router in the browser."""

import httpx
import pytest

CHAT = """import os

import socketio
from fastapi import FastAPI

server = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*")
api = FastAPI()


@api.get("/rooms")
def rooms():
    return ["lobby"]


app = socketio.ASGIApp(server, other_asgi_app=api)
"""
MOUNTED = (
    CHAT.replace("api =", "app =")
    .replace("@api", "@app")
    .replace(
        "app = socketio.ASGIApp(server, other_asgi_app=api)",
        'app.mount("/ws", socketio.ASGIApp(server, socketio_path="socket.io"))',
    )
)
PREFIXED = CHAT.replace("app=api)", 'app=api, socketio_path=os.environ["API_PREFIX"] + "/socket.io")')
TOOLS = """from mcp.server.mcpserver import MCPServer

mcp = MCPServer("tools")


@mcp.tool()
def add(a: int, b: int) -> int:
    return a + b


app = mcp.streamable_http_app()
"""
TOOLS_MOUNTED = TOOLS.replace(
    "from mcp", "import contextlib\n\nfrom fastapi import FastAPI\nfrom mcp", 1
).replace(
    "app = mcp.streamable_http_app()\n",
    """@contextlib.asynccontextmanager
async def lifespan(_):
    async with mcp.session_manager.run():
        yield


app = FastAPI(lifespan=lifespan)
app.mount("/mcp", mcp.streamable_http_app(streamable_http_path="/"))


@app.get("/version")
def version():
    return "1"
""",
)
SIGN_IN = """from authlib.integrations.starlette_client import OAuth
from fastapi import FastAPI, Request
from starlette.middleware.sessions import SessionMiddleware

app = FastAPI()
app.add_middleware(SessionMiddleware, secret_key="x" * 32)
oauth = OAuth()
oauth.register(
    "idp",
    client_id="abc",
    client_secret="def",
    authorize_url="https://accounts.example.net/authorize",
    access_token_url="https://accounts.example.net/token",
    client_kwargs={"scope": "profile"},
)


@app.get("/login")
async def login(request: Request):
    return await oauth.idp.authorize_redirect(request, request.url_for("callback"))


@app.get("/callback")
async def callback(request: Request, code: str = ""):
    return {"code": code}
"""
PAGES = """from fastapi import FastAPI, HTTPException
from fastapi.responses import HTMLResponse

app = FastAPI()


@app.get("/api/notes")
def notes():
    return ["one"]


@app.get("/{path:path}", include_in_schema=False, response_class=HTMLResponse)
def page(path: str):
    if path.split("/")[0] == "api":
        raise HTTPException(404)
    return '<!doctype html><base href="./"><title>notes</title><main id="root"></main>'
"""
FILES = {
    "requirements.txt": "fastapi\npython-socketio\nmcp\nauthlib\nitsdangerous\nhttpx\n",
    "chat.py": CHAT,
    "mounted.py": MOUNTED,
    "prefixed.py": PREFIXED,
    "tools.py": TOOLS,
    "tools_mounted.py": TOOLS_MOUNTED,
    "signin.py": SIGN_IN,
    "pages.py": PAGES,
}
FIX = "socketio_path=PREFIX + '/socket.io'"
SOME = "app,application,links,redirect,websocket"


@pytest.fixture
def copy(source, project):
    """Makes a copy round the application in the file `name`, and returns it with what verify says of it."""

    def make(name, **settings):
        theirs = project(f"libraries-{name}", FILES)
        assert source.new(theirs, APP_MODULE=f"{name}:app", API_PREFIX="/team/chat")[0] == 0
        code, output = theirs.verify(source, **settings)
        return theirs, code, output

    return make


@pytest.mark.parametrize("name", ["chat", "mounted"])
def test_socket_io_that_does_not_know_the_prefix_is_named(copy, name):
    theirs, code, output = copy(name, CHECKS=SOME)
    assert code != 0 and theirs.red() == {"websocket.socket_io"}, output
    assert FIX in output and "not explained" not in output, output


def test_socket_io_that_knows_the_prefix_is_right(copy):
    theirs, code, output = copy("prefixed", CHECKS=SOME)
    assert code == 0 and theirs.red() == set(), output
    assert "does not know the session" not in output


def test_socket_io_in_two_processes_is_noted(copy):
    theirs, code, output = copy("prefixed", APP_WORKERS=2, CHECKS="websocket")
    assert code == 0, output
    assert "requests met a process that does not know the session" in output


@pytest.mark.parametrize("name", ["tools", "tools_mounted"])
def test_an_mcp_server_is_right(copy, name):
    theirs, code, output = copy(name, CHECKS=SOME)
    assert code == 0 and theirs.red() == set(), output
    public = f"http://127.0.0.1:{theirs.http}/team/chat/mcp"
    answer = httpx.get(public, trust_env=False, follow_redirects=True)
    assert answer.status_code in (400, 406) and "jsonrpc" in answer.text  # the SDK's: it wants a session


def test_pages_whose_router_is_in_the_browser_are_right(copy):
    theirs, code, output = copy("pages")
    assert code == 0 and theirs.red() == set(), output


def test_signing_in_leads_back_to_the_public_address(copy):
    theirs, code, output = copy("signin")
    assert code == 0 and theirs.red() == {"application.cookies", "application.cookies_secure"}, output
    report = (theirs.path / ".behindproxy/verify/report.md").read_text()
    assert 'path="/prefix" to SessionMiddleware' in report
    answer = httpx.get(f"http://127.0.0.1:{theirs.http}/team/chat/login", trust_env=False)
    back = httpx.URL(answer.headers["location"]).params["redirect_uri"]
    assert back == f"http://127.0.0.1:{theirs.http}/team/chat/callback"
