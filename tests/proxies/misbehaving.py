"""An application on a bare socket that counts what reaches it, and does with each request what its path
names: /reset/KEY closes with a reset before the body is read. A real server hides half of these."""

import contextlib
import socket
import struct
import threading
from collections import defaultdict

HOST = "127.0.0.1"
SECONDS = 20  # no socket of a test waits longer
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST instead of FIN


def more(connection: socket.socket) -> bytes:
    """Raises ConnectionError at the end, which ends the thread that serves it."""
    if not (part := connection.recv(65536)):
        raise ConnectionError("closed")
    return part


class Misbehaving:
    """`arrivals[key]` has a number for each time the request came: how many its connection had before."""

    def __init__(self, port: int = 0) -> None:
        self.arrivals: defaultdict[str, list[int]] = defaultdict(list)
        self.port = port
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self.listen()

    def listen(self) -> None:
        self._listener = socket.create_server((HOST, self.port), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def refuse(self) -> None:
        """Takes no connection until `listen`, and closes those that are open."""
        assert self._listener
        with contextlib.suppress(OSError):  # of one that is closed already
            # Without it the thread in accept() keeps the port open.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.settimeout(SECONDS)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        self._open.add(connection)
        with connection, contextlib.suppress(OSError):
            before = 0
            while self._one(connection, before):
                before += 1
        self._open.discard(connection)

    def _one(self, connection: socket.socket, before: int) -> bool:
        """Whether the connection is good for another request."""
        data = b""
        while b"\r\n" not in data:
            data += more(connection)
        method, path, _ = data.split(b"\r\n")[0].decode().split(" ")
        deed, key = path.strip("/").split("/") if path.count("/") == 2 else ("200", path)
        self.arrivals[key].append(before)
        if deed == "reset-in-head":
            return self._reset(connection)
        while b"\r\n\r\n" not in data:
            data += more(connection)
        fields, _, body = data.partition(b"\r\n\r\n")
        if deed == "reset":
            return self._reset(connection)
        length = 0
        for line in fields.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        while len(body) < length:
            body += more(connection)
        if deed == "reset-after-body":
            return self._reset(connection)
        if deed == "die" and len(self.arrivals[key]) == 1:
            self.refuse()
            return self._reset(connection)
        if deed == "close":
            return False
        if deed == "half-an-answer":
            connection.sendall(b"HTTP/1.1 20")
            return False
        if deed == "hang":
            connection.recv(1)  # until the proxy has had enough
            return False
        keeps = deed == "kept"
        status = "200" if deed in ("kept", "die") else deed
        head = f"HTTP/1.1 {status} Own\r\nContent-Length: 3\r\n"
        head += f"Connection: {'keep-alive' if keeps else 'close'}\r\n\r\n"
        connection.sendall(head.encode() + (b"" if method == "HEAD" else b"own"))
        return keeps

    def _reset(self, connection: socket.socket) -> bool:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        return False
