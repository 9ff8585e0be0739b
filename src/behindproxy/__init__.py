"""A FastAPI application behind a proxy that strips a path prefix: run it, check it, explain it."""

import os
import sys

__version__ = "0.1.0"
ROOM = 64 * 2**20  # bytes


def _keep_bytecode_whole() -> None:
    """Write no bytecode where the disk is full: Python puts half a file in place, and every command fails
    on it, also once there is room again (python/cpython#126606)."""
    try:
        disk = os.statvfs(os.path.dirname(__file__))
    except (AttributeError, OSError):
        return
    if disk.f_bavail * disk.f_frsize < ROOM:
        sys.dont_write_bytecode = True
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # of what it starts


_keep_bytecode_whole()
