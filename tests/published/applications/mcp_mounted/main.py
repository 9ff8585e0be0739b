"""An MCP server of the MCP SDK, mounted in a FastAPI application."""

from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from mcp.server import MCPServer

PAGE = """<!doctype html><title>Sums</title><p id="answer"></p><script type="module">
const answer = await fetch("tools", {
  method: "POST",
  headers: {"Content-Type": "application/json", Accept: "application/json, text/event-stream"},
  body: JSON.stringify({jsonrpc: "2.0", id: 1, method: "initialize", params: {
    protocolVersion: "2025-03-26", capabilities: {}, clientInfo: {name: "page", version: "1"},
  }}),
});
document.getElementById("answer").textContent = await answer.text();
</script>"""

server = MCPServer("Sums")


@server.tool()
def add(first: int, second: int) -> int:
    return first + second


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with server.session_manager.run():
        yield


mounted = server.streamable_http_app(streamable_http_path="/")
app = FastAPI(lifespan=lifespan)
app.mount("/tools", mounted)


@app.get("/", response_class=HTMLResponse)
async def read_page() -> str:
    return PAGE
