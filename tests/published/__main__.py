"""`python -m tests.published`: published applications behind the prefix, and what verify says of each."""

import argparse
import signal
import sys

from ..foreign.serving import kill_all
from .application import load_all
from .run import run
from .table import document, keep, show
from .truth import chromium


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.published", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="by name; repeatable")
    parser.add_argument("--keep", action="store_true", help="keep sources, logs and reports")
    parser.add_argument("--document", action="store_true", help="write docs/applications.md of the last runs")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if options.document:
        try:
            document()
        except ValueError as error:
            print(error, file=sys.stderr)
            return 1
        return 0
    every = load_all()
    applications = [one for one in every if not options.only or one.name in options.only]
    if not applications:
        print(f"no application has such a name: {', '.join(options.only)}", file=sys.stderr)
        return 2
    rows = []
    try:
        with chromium() as browser:
            for application in applications:
                row = run(application, browser, options.keep)
                rows.append(row)
                print(show(row), flush=True)
                keep(row)
    finally:
        kill_all()
    print(f"{sum(row.is_true for row in rows)} of {len(rows)} verdicts are true")
    return 0 if all(row.is_true for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
