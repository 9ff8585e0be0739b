"""The access lines on their way out."""

import os
from asyncio import get_running_loop

STDOUT = 1
# PIPE_BUF of Linux: what is written to a pipe at once is not mixed with other workers' lines. None is longer.
AT_ONCE_BYTES = 4_096


class Lines:
    """Write the lines of one turn of the event loop together, right after it.

    Whoever reads them is woken by each write: with one for each line, Docker's log driver took a seventh to a
    quarter of the requests per second (docs/performance.md). A process that is killed loses those of its last
    turn, as it loses the responses that the turn was about to send.
    """

    def __init__(self) -> None:
        self.buffer = b""

    def add(self, line: str) -> None:
        text = line.encode()
        if not self.buffer:
            get_running_loop().call_soon(self.write)
        elif len(self.buffer) + len(text) > AT_ONCE_BYTES:
            self.write()
        self.buffer += text

    def write(self) -> None:
        text, self.buffer = self.buffer, b""
        try:
            os.write(STDOUT, text)
        except OSError:
            pass  # a full disk, or nobody who reads: the responses matter more
