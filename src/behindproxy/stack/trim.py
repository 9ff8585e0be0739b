"""`python -m behindproxy.stack.trim FILE…`: keeps files that processes append to below a size, natively.

As many as Docker keeps (docker-compose.yml): with one older file a client's few hundred long paths would be
all that is left.
"""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 10 * 2**20
# Of what was written since the last look: a copy of all of it would never end behind who writes as fast.
LAST_BYTES = 2 * MAX_BYTES
OLDER = 4
SECONDS = 0.1  # one client's long paths are 50 MB in a second


def trim(path: Path) -> None:
    """Move what `path` held, the last LAST_BYTES of it, to `path`.1, and so on to `path`.4. A line that is
    written in that moment may be lost."""
    if path.exists() and path.stat().st_size > MAX_BYTES:
        part = f"{path}.part"
        try:
            copy_end(path, part)
        except OSError:  # a full disk: the older ones stay, and the next look tries again
            with suppress(OSError):
                os.remove(part)
            return
        for number in range(OLDER, 1, -1):
            with suppress(FileNotFoundError):
                os.replace(f"{path}.{number - 1}", f"{path}.{number}")
        os.replace(part, f"{path}.1")
        os.truncate(path, 0)


def copy_end(path: Path, part: str) -> None:
    with path.open("rb") as whole, open(part, "wb") as end:
        whole.seek(max(0, path.stat().st_size - LAST_BYTES))
        end.write(whole.read(LAST_BYTES))


if __name__ == "__main__":
    while True:
        for name in sys.argv[1:]:
            trim(Path(name))
        time.sleep(SECONDS)
