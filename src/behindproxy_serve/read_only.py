"""What is said of an error that comes of a read-only file system."""

import os

SIGNS = (
    "Read-only file system",  # OSError
    "unable to open database file",  # SQLite
    "attempt to write a readonly database",
)
ADVICE = (
    "the container's file system is read-only: APP_DATA in .env names the folders that the application "
    "writes to, for example APP_DATA=data"
)


def advice(error: str) -> str:
    """Return ADVICE where the text of an error may come of that; else nothing."""
    return ADVICE if any(sign in error for sign in SIGNS) and not os.access(".", os.W_OK) else ""
