"""`python -m behindproxy_serve.healthcheck URL`: exit 0 while a server answers there below 500.

The engine runs it every few seconds for each replica, so it imports no HTTP client: that would be
most of its time.
"""

import socket
import sys

SECONDS = 2


def main(url: str) -> int:
    address, _, path = url.removeprefix("http://").partition("/")
    host, _, port = address.partition(":")
    try:
        with socket.create_connection((host, int(port or 80)), SECONDS) as connection:
            request = f"GET /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
            connection.sendall(request.encode())
            line = connection.makefile("rb").readline(100)
        status = int(line.split()[1])
    except (OSError, ValueError, IndexError) as error:
        print(f"no answer: {error}")
        return 1
    print(status)
    return 0 if status < 500 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
