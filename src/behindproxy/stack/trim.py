"""`python -m behindproxy.stack.trim FILE…`: keeps files that processes append to below a size, natively."""

import os
import shutil
import sys
import time
from pathlib import Path

MAX_BYTES = 10 * 2**20
SECONDS = 5


def trim(path: Path) -> None:
    """What `path` held goes to `path`.1. A line that is written in that very moment may be lost."""
    if path.exists() and path.stat().st_size > MAX_BYTES:
        shutil.copyfile(path, f"{path}.1")
        os.truncate(path, 0)


if __name__ == "__main__":
    while True:
        for name in sys.argv[1:]:
            trim(Path(name))
        time.sleep(SECONDS)
