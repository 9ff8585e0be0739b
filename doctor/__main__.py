"""`python -m doctor [--json] [URL]`. Exit: 0 no error, 1 errors, 2 it could not look."""

import argparse
import sys
from urllib.parse import urlsplit

from . import checks, gather, report, url
from .step import ERROR


def main() -> int:
    parser = argparse.ArgumentParser(prog="make doctor", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("url", nargs="?", default="")
    arguments = parser.parse_args()
    if arguments.url and (reason := _not_a_url(arguments.url)):
        print(f"URL={arguments.url}: {reason}; for example URL=http://127.0.0.1:8000/app", file=sys.stderr)
        return 2
    try:
        facts = gather.facts(arguments.url)
    except SystemExit as error:  # settings that cannot be
        print(error, file=sys.stderr)
        return 2
    steps = url.steps(facts) if arguments.url else checks.steps(facts)
    print(report.as_json(steps, facts) if arguments.json else report.terminal(steps))
    return 1 if any(step.mark == ERROR for step in steps) else 0


def _not_a_url(text: str) -> str:
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


if __name__ == "__main__":
    sys.exit(main())
