"""`behindproxy doctor [URL] [--json]`. Exit: 0 no error, 1 errors, 2 it could not look."""

import sys
from urllib.parse import urlsplit

from behindproxy.urls import has_credentials

from . import checks, gather, report, url
from .step import ERROR


def run(address: str, as_json: bool) -> int:
    """Print what is found of the stack, or of a request to `address`; return the exit status."""
    if address and (reason := _not_a_url(address)):
        print(
            f"URL={address.rpartition('@')[2]}: {reason}; for example URL=http://127.0.0.1:8000/app",
            file=sys.stderr,
        )
        return 2
    try:
        facts = gather.facts(address)
    except SystemExit as error:  # settings that cannot be
        print(error, file=sys.stderr)
        return 2
    steps = url.steps(facts) if address else checks.steps(facts)
    print(report.as_json(steps, facts) if as_json else report.terminal(steps))
    return 1 if any(step.mark == ERROR for step in steps) else 0


def _not_a_url(text: str) -> str:
    if has_credentials(text):
        return "leave out the name and the password, which would be printed and are not sent"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        return str(error).lower()
    if parts.scheme not in ("http", "https"):
        return "must begin with http:// or https://"
    if not parts.hostname or port == 0:
        return "has no host" if not parts.hostname else "0 is no port"
    return ""
