"""An MCP server of FastMCP, and a page that calls it as a browser's client does."""

from fastmcp import FastMCP
from starlette.requests import Request
from starlette.responses import HTMLResponse

PAGE = """<!doctype html><title>Sums</title><p id="answer"></p><script type="module">
const answer = await fetch("mcp", {
  method: "POST",
  headers: {"Content-Type": "application/json", Accept: "application/json, text/event-stream"},
  body: JSON.stringify({jsonrpc: "2.0", id: 1, method: "initialize", params: {
    protocolVersion: "2025-03-26", capabilities: {}, clientInfo: {name: "page", version: "1"},
  }}),
});
document.getElementById("answer").textContent = await answer.text();
</script>"""

server = FastMCP("Sums")


@server.tool
def add(first: int, second: int) -> int:
    return first + second


@server.custom_route("/", methods=["GET"])
async def read_page(request: Request) -> HTMLResponse:
    return HTMLResponse(PAGE)


app = server.http_app()
