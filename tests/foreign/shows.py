"""One request that shows what is so in a deployment, before `verify` is run: that a wrong one is wrong."""

import base64
import os
import re
import socket
import ssl
from typing import Any

from .serving import HOST

SECONDS = 10
FRAMING = re.compile(rb"(?:[0-9A-Fa-f]*\r\n)+")  # of chunks: the last one may come alone
KEYS = {"at", "path", "send", "source", "status", "header", "is", "has", "lacks", "pieces"}


def differs(fact: dict[str, Any], texts: dict[str, str]) -> str:
    """Return what the response has in place of what `fact` says; empty where it is so.

    `at` is an entrypoint, `path` the whole public path, `send` more headers, `source` the caller's address;
    `header` names what `is`, `has` and `lacks` are compared with, else it is the body. `pieces = 1` means
    that a stream arrives in one.
    """
    if unknown := fact.keys() - KEYS:
        raise ValueError(f"shows: unknown {', '.join(sorted(unknown))}")
    status, headers, pieces = fetch(fact, texts)
    body = b"".join(pieces).decode("utf-8", "replace")
    text = "\n".join(headers.get(fact["header"].lower(), [])) if "header" in fact else body
    wrong = [
        "status" in fact and status != fact["status"],
        "is" in fact and text != fact["is"],
        "has" in fact and fact["has"] not in text,
        "lacks" in fact and fact["lacks"] in text,
        "pieces" in fact and (len(pieces) > 1) != (fact["pieces"] > 1),
    ]
    if not any(wrong):
        return ""
    return f"{fact}: {status}, {len(pieces)} pieces, {text[:200]!r}"


def fetch(fact: dict[str, Any], texts: dict[str, str]) -> tuple[int, dict[str, list[str]], list[bytes]]:
    """Send the request by hand, for a library would mend it; return status, headers and the body's events."""
    port = texts[{"http": "HTTP", "https": "TLS", "direct": "APP"}[fact["at"]]]
    source = (fact["source"], 0) if "source" in fact else None
    raw = socket.create_connection((HOST, int(port)), SECONDS, source)
    context = ssl.create_default_context(cafile=texts["CA"])
    connection = context.wrap_socket(raw, server_hostname="localhost") if fact["at"] == "https" else raw
    lines = {"Host": f"localhost:{port}", "Connection": "close"} | fact.get("send", {})
    upgrade = "Upgrade" in lines
    if upgrade:
        key = base64.b64encode(os.urandom(16)).decode()
        lines |= {"Connection": "Upgrade", "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13"}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    with connection:
        connection.sendall(f"GET {fact['path']} HTTP/1.1\r\n{head}\r\n".encode())
        data = b""
        while b"\r\n\r\n" not in data and (more := connection.recv(65536)):
            data += more
        head, _, rest = data.partition(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").split("\r\n")
        status = int(first.split()[1])
        headers: dict[str, list[str]] = {}
        for line in fields:
            name, _, value = line.partition(":")
            headers.setdefault(name.lower(), []).append(value.strip())
        # What comes in one segment is one piece; the application waits between two events.
        pieces = [rest] if rest else []
        while not upgrade and (more := connection.recv(65536)):
            pieces.append(more)
    return status, headers, [one for one in pieces if not FRAMING.fullmatch(one)]
