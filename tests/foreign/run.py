"""Starts each deployment, runs `behindproxy verify` against it as its owner would, and reads the report."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from behindproxy.stack.paths import BUILD, ROOT

from .entry import Entry, fill
from .proxy import proxied, uses
from .serving import (
    APPLICATIONS,
    HOST,
    DidNotStart,
    Missing,
    Ports,
    Servers,
    certificate,
    check,
    group,
    kill_all,
)
from .shows import differs
from .verdict import Verdict, read

HOME = BUILD / "foreign"
VERIFY_SECONDS = 240


def run(
    entries: list[Entry],
    jobs: int = 2,
    keep: bool = False,
    home: Path = HOME,
    tell: Callable[[Verdict], None] = lambda _: None,
) -> list[Verdict]:
    """Judge each entry; `tell` hears each verdict when it is there."""
    shutil.rmtree(home, ignore_errors=True)
    ports, texts = Ports(), certificate(home)
    servers = Servers(entries, ports, home)

    def judge(entry: Entry) -> Verdict:
        verdict = of(entry, servers, ports, texts, home / entry.name)
        tell(verdict)
        return verdict

    pool = ThreadPoolExecutor(max_workers=jobs)
    try:
        verdicts = {one.entry.name: one for one in pool.map(judge, ordered(entries))}
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        kill_all()
        raise
    finally:
        pool.shutdown()
        servers.close()
        if not keep:
            shutil.rmtree(home, ignore_errors=True)
    return [verdicts[entry.name] for entry in entries]


def ordered(entries: list[Entry]) -> list[Entry]:
    """Put those that share a server together, so that it runs no longer than it must."""
    return sorted(entries, key=lambda one: (one.environ, one.application, one.server, one.prefix, one.name))


def of(entry: Entry, servers: Servers, ports: Ports, texts: dict[str, str], home: Path) -> Verdict:
    """Start what the entry is, show that it is so, and judge what `verify` says of it."""
    home.mkdir(parents=True)
    try:
        check(entry)
        with ExitStack() as stack:
            app = stack.enter_context(servers.of(entry))
            beside = stack.enter_context(servers.of(entry.neighbour)) if entry.neighbour else ""
            filled = texts | {
                "HTTP": ports(),
                "TLS": ports(),
                "FREE": ports(),
                "OPS": ports(),
                "APP": app,
                "BESIDE": beside,
                "PREFIX": entry.prefix,
                "HERE": str(home),
                "WWW": str(Path(__file__).with_name("www")),
                "APPLICATIONS": str(APPLICATIONS),
            }
            with proxied(entry, home, filled):
                for fact in entry.shows:
                    if difference := differs(fill(fact, filled), filled):
                        return Verdict(entry, problem=f"it is not so: {difference}")
                return verified(entry, home, filled, "--fast")
    except (Missing, DidNotStart, OSError) as error:
        return Verdict(entry, problem=str(error))


def verified(entry: Entry, home: Path, texts: dict[str, str], *extra: str) -> Verdict:
    urls = {
        scheme: f"{scheme}://localhost:{texts[name]}{entry.prefix}"
        for scheme, name in (("http", "HTTP"), ("https", "TLS"))
        if uses(entry, name)
    }
    command = [sys.executable, "-m", "behindproxy", "verify", next(iter(urls.values()))]
    if len(urls) == 2:
        command += ["--tls-url", urls["https"]]
    if "https" in urls:
        command += ["--ca", texts["CA"]]
    if entry.direct:
        command += ["--direct", f"http://{HOST}:{texts['APP']}"]
    command += ["--report", str(home / "report"), *extra, *fill([*entry.options], texts)]
    own = {"PYTHONPATH": f"{ROOT / 'src'}", "NO_COLOR": "1"}
    began = time.monotonic()
    with (home / "verify.log").open("w+") as output:
        with group(command, home, os.environ | own, output) as process:
            try:
                status = process.wait(VERIFY_SECONDS)
            except subprocess.TimeoutExpired:
                return Verdict(entry, problem=f"verify did not end within {VERIFY_SECONDS} s")
        output.seek(0)
        text = output.read()
    seconds = time.monotonic() - began
    if status not in (0, 1) or not (home / "report" / "report.json").exists():
        lines = text.strip().splitlines()
        return Verdict(entry, seconds, problem=f"exit {status}: {lines[-1] if lines else 'no output'}")
    result = read(home / "report" / "report.json", text)
    lists = tuple(result.red), tuple(result.diagnosis), tuple(result.not_tested)
    return Verdict(entry, seconds, *lists, requests=result.requests, most=result.most)
