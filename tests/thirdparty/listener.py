"""A server that answers 200 to whatever comes over TCP and keeps the bytes: a malformed request, which
a server's parser would refuse and no application would see, is seen here."""

import asyncio
import re
import threading

ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
)
# One head, nothing after it, and nothing in it that announces a body or another method.
HARMLESS = re.compile(
    rb"(?:GET|HEAD|OPTIONS) [^ \r\n]+ HTTP/1\.[01]\r\n"
    rb"(?:(?!content-length|transfer-encoding|x-(?:http-)?method)[^\s:]+:[^\r\n]*\r\n)*\r\n",
    re.IGNORECASE,
)


class Listener:
    """Serves at 127.0.0.1:`port` in a thread of its own while the `with` block runs."""

    def __enter__(self) -> "Listener":
        self.messages: list[bytes] = []
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        return self

    def __exit__(self, *_raised) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._server.close()
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place = len(self.messages)
        self.messages.append(b"")
        answered = False
        try:
            # To the client's end: what it sends behind the first request counts too.
            while data := await reader.read(65536):
                self.messages[place] += data
                if not answered and b"\r\n\r\n" in self.messages[place]:
                    answered = True
                    writer.write(ANSWER)
                    writer.write_eof()
        except ConnectionError:
            pass
        finally:
            writer.close()

    @property
    def harmful(self) -> list[bytes]:
        return [one for one in self.messages if one and not HARMLESS.fullmatch(one)]
