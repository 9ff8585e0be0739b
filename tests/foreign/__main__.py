"""`python -m tests.foreign`: other people's deployments, wrong and right, and what verify says of each."""

import argparse
import signal
import sys

from .entry import chosen, load_all
from .run import run
from .table import document, keep, show, summary


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.foreign", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN", help="by name; repeatable")
    parser.add_argument("--keep", action="store_true", help="keep configurations, logs and reports")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="how many at once (default 2)")
    parser.add_argument("--probe", action="store_true", help="the applications have the probe in front")
    parser.add_argument(
        "--document", action="store_true", help="write docs/foreign.md and red.json of the last runs"
    )
    parser.add_argument("--list", action="store_true", dest="listed", help="print the names")
    options = parser.parse_args()
    # So that a stopped run stops what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if options.document:
        try:
            document()
        except ValueError as error:
            print(error, file=sys.stderr)
            return 1
        return 0
    entries = chosen(load_all(), options.only)
    if not entries:
        print(f"no entry has such a name: {', '.join(options.only)}", file=sys.stderr)
        return 2
    if options.listed:
        for entry in entries:
            print(f"{entry.name:<34} {entry.title}")
        return 0
    if options.probe:
        entries = [entry.probed for entry in entries]
    verdicts = run(
        entries, jobs=options.jobs, keep=options.keep, tell=lambda one: print(show(one), flush=True)
    )
    keep(verdicts, "probed" if options.probe else "plain")
    print(summary(verdicts))
    return 0 if all(verdict.good for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
