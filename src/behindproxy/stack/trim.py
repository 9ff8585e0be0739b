"""`python -m behindproxy.stack.trim FILE…`: keeps files that processes append to below a size, natively.

As many as Docker keeps (docker-compose.yml): with one older file a client's few hundred long paths would be
all that is left.
"""

import os
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 10 * 2**20
OLDER = 4
SECONDS = 0.1  # one client's long paths are 50 MB in a second


def trim(path: Path) -> None:
    """Move what `path` held to `path`.1, and so on to `path`.4. A line that is written in that moment may
    be lost."""
    if path.exists() and path.stat().st_size > MAX_BYTES:
        part = f"{path}.part"
        try:
            shutil.copyfile(path, part)
        except OSError:  # a full disk: the older ones stay, and the next look tries again
            with suppress(OSError):
                os.remove(part)
            return
        for number in range(OLDER, 1, -1):
            with suppress(FileNotFoundError):
                os.replace(f"{path}.{number - 1}", f"{path}.{number}")
        os.replace(part, f"{path}.1")
        os.truncate(path, 0)


if __name__ == "__main__":
    while True:
        for name in sys.argv[1:]:
            trim(Path(name))
        time.sleep(SECONDS)
