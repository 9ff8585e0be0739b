"""An MCP server over streamable HTTP, which has a list of hosts of its own."""

import os

from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

server = MCPServer("tools")
HOSTS = os.environ.get("TOOLS_HOSTS", "localhost:*").split(",")


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


app = server.streamable_http_app(transport_security=TransportSecuritySettings(allowed_hosts=HOSTS))
