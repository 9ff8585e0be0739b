"""`python -m tests.mutants.lenient PORT`: a server that answers 200 to whatever it reads, once for
each thing in it that could be a request, and repeats what was asked in a header as it understood it.
What a parser without rules amounts to."""

import socketserver
import sys
from urllib.parse import unquote_to_bytes

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nX-Asked: "


class Lenient(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(65536):
            path = unquote_to_bytes(data.partition(b" ")[2].partition(b" ")[0])
            answer = HEAD + path + b"\r\n\r\n{}"
            self.request.sendall(answer * max(1, data.count(b" HTTP/1.1\r\n")))
            if b"Connection: close" in data:
                return


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Lenient).serve_forever()
