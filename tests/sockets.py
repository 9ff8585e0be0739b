"""WebSockets as somebody opens them who wants a replica's memory, and no response."""

import base64
import os
import socket
import zlib
from urllib.parse import urlsplit

from websockets.frames import Frame, Opcode

CONNECTIONS = 50
MIB = 1024 * 1024


def connect(url: str, path: str = "/ws") -> tuple[socket.socket, bool]:
    """An open WebSocket, and whether the server agreed to compression."""
    connection = socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=5)
    key = base64.b64encode(os.urandom(16)).decode()
    connection.sendall(
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n".encode()
    )
    answer = connection.recv(65536)
    assert b" 101 " in answer, answer
    return connection, b"permessage-deflate" in answer


def pour(connection: socket.socket, compressed: bool) -> None:
    """Sends a message without an end, and heeds no close."""
    if compressed:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = packer.compress(bytes(15 * MIB)) + packer.flush(zlib.Z_SYNC_FLUSH)
        data = Frame(Opcode.BINARY, packed[:-4], fin=False).serialize(mask=True)
        frames = [bytes([data[0] | 0x40]) + data[1:]]  # RSV1: compressed
    else:
        more = [Frame(Opcode.CONT, bytes(65536), fin=False)] * 95
        first = Frame(Opcode.BINARY, bytes(65536), fin=False)
        frames = [frame.serialize(mask=True) for frame in (first, *more)]
    try:
        for data in frames:
            connection.sendall(data)
    except OSError:
        pass  # closed, which is what it should be
