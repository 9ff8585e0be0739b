"""`python -m tests.mutants [--only GLOB] [--whole]`: every misconfiguration is caught and named.

`--whole` asks the whole suite of each, and writes docs/mutants.md and red.json; of the mutants that `--only`
leaves out they keep what they have.
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from rich.console import Console
from rich.table import Table

from behindproxy.stack.paths import BUILD, ROOT
from behindproxy.stack.render import write

from .bed import Bed, Verdict
from .mutant import Mutant, load_all
from .red import record
from .table import markdown

BEDS = {"native": 3, "docker": 1}


def engine_answers() -> bool:
    return (
        bool(shutil.which("docker"))
        and not subprocess.run(["docker", "version"], capture_output=True, timeout=30).returncode
    )


def run(runtime: str, mutants: list[Mutant], whole: bool) -> tuple[Verdict, list[Verdict]]:
    """What the untouched stack says, and each mutant."""
    # Several stacks at once, each in a copy of its own; in Docker they would share a network's range.
    beds = [Bed(runtime, number) for number in range(min(BEDS[runtime], len(mutants)))]
    free: SimpleQueue[Bed] = SimpleQueue()
    try:
        untouched = beds[0].untouched()
        print(
            f"{runtime:<8}untouched: {', '.join(sorted(untouched.red)) or 'green'}{untouched.error}",
            flush=True,
        )
        for bed in beds:
            free.put(bed)

        def one(mutant: Mutant) -> Verdict:
            bed = free.get()
            try:
                verdict = bed.run(mutant, whole)
            finally:
                free.put(bed)
            print(f"{mark(verdict)} {mutant.name:<36}{verdict.seconds:5.1f} s  {verdict.error}", flush=True)
            return verdict

        pool = ThreadPoolExecutor(len(beds))
        try:
            verdicts = pool.map(one, mutants)
            return untouched, sorted(verdicts, key=lambda one: f"{one.mutant.name}.toml")
        finally:
            pool.shutdown(cancel_futures=True)  # what runs ends, what waits is dropped
    finally:
        for bed in beds:
            bed.close()


def mark(verdict: Verdict) -> str:
    if not verdict.mutant.visible and verdict.named:
        return "not visible"
    return "✓" if verdict.named else "caught, not named" if verdict.caught else "NOT CAUGHT"


def show(verdicts: list[Verdict]) -> None:
    table = Table("mutant", "caught by", "named", "s", box=None, pad_edge=False)
    for verdict in verdicts:
        red = [check for check in verdict.mutant.caught_by if check in verdict.ids]
        missed = [check for check in verdict.mutant.caught_by if check not in verdict.ids]
        catchers = ", ".join(red) + (f"  MISSED {', '.join(missed)}" if missed else "")
        table.add_row(
            verdict.mutant.name,
            verdict.error or catchers or f"not visible: {verdict.mutant.reason}",
            "yes" if verdict.named else f"no: {verdict.diagnosis}",
            f"{verdict.seconds:.1f}",
        )
    Console(width=None if sys.stdout.isatty() else 140, highlight=False, markup=False).print(table)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("--only", default="*", metavar="GLOB", help="for example trust.*")
    parser.add_argument("--whole", action="store_true", help="the whole suite against each")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    # Those that share a running stack one after the other.
    mutants = sorted(load_all(options.only or "*"), key=lambda one: not one.edits_dynamic_alone)
    verdicts, alarms, skipped = [], 0, 0
    for runtime in ("native", "docker"):
        its = [mutant for mutant in mutants if mutant.runtime == runtime]
        if not its:
            continue
        if runtime == "docker" and not engine_answers():
            skipped = len(its)
            print(f"docker  skipped: no Docker engine answers ({skipped} mutants about containers)")
            continue
        untouched, more = run(runtime, its, options.whole)
        alarms += len(untouched.red) + bool(untouched.error)
        verdicts += more
    show(verdicts)
    results = [{"name": one.mutant.name, "status": "passed" if one.named else "failed"} for one in verdicts]
    write(BUILD / "mutants.json", json.dumps(results))
    if options.whole:
        record(verdicts)
        page = ROOT / "docs" / "mutants.md"
        write(page, markdown(verdicts, page.read_text()))
    visible = [one for one in verdicts if one.mutant.visible]
    catches, names = sum(one.caught for one in visible), sum(one.named for one in visible)
    print(
        f"{len(verdicts)} mutants, {len(verdicts) - len(visible)} not visible, {catches} caught, "
        f"{names} named, "
        f"{alarms} false alarms{f', {skipped} skipped' if skipped else ''}"
    )
    return 0 if verdicts and all(one.named for one in verdicts) and not alarms else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
