"""Names and passwords in URLs: reports, logs and the list of processes would show them."""

import re

CREDENTIALS = re.compile(r"(?<=://)[^/\s]*@")


def has_credentials(url: str) -> bool:
    """Say whether a name or a password stands before the host, also where the scheme is missing."""
    return "@" in (url.partition("//")[2] or url).partition("/")[0]


def hidden(text: str) -> str:
    """Return the text without the name and password in its URLs."""
    return CREDENTIALS.sub("***@", text)
