"""The copy of the checkout that mutants are applied to, one at a time, and what `verify` says of it."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from behindproxy.stack import render
from tests.checkout import ROOT, Checkout, wait_for
from tests.packages import install

from .mutant import Mutant

# Asked of every mutant beside the checks that it names: what a person would notice first.
ALWAYS = ("app.root_path",)
RELOAD_SECONDS = 10
STARTUP = "src/sitecustomize.py"  # on the path of whatever Python the copy starts


@dataclass
class Verdict:
    """What came of one mutant. `red` holds `id@entrypoint` of each red check."""

    mutant: Mutant
    red: set[str] = field(default_factory=set)
    wrong: set[str] = field(default_factory=set)  # ids that failed, and did not merely not ask
    diagnosis: str = ""  # the diagnosis, or the line with which `up` refused
    seconds: float = 0.0
    error: str = ""

    @property
    def ids(self) -> set[str]:
        return {place.partition("@")[0] for place in self.red}

    @property
    def caught(self) -> bool:
        return not self.error and set(self.mutant.caught_by) <= self.ids

    @property
    def named(self) -> bool:
        """Whether the diagnosis has its words; of one that is not visible nothing may be red."""
        if not self.mutant.visible:
            return self.caught and not self.red
        text = self.diagnosis.lower()
        return self.caught and all(word.lower() in text for word in self.mutant.named)


class Bed:
    def __init__(self, runtime: str, number: int = 0):
        self.checkout = Checkout(ROOT / "build" / "mutants" / f"{runtime}-{number}", runtime)
        self.checkout.environ |= {"SUBNET": "172.30.96", "FAST": "1"}
        self.checkout.fill()
        self.serves_untouched = False  # what runs has no mutant in it

    def close(self) -> None:
        self.checkout.make("clean")
        shutil.rmtree(self.checkout.path, ignore_errors=True)

    def untouched(self) -> Verdict:
        """The stack as it is: every red check is a false alarm."""
        nothing = Mutant(
            name="untouched", title="nothing", story="", source="", caught_by=["nothing"], named=["nothing"]
        )
        return self._verdict(nothing, checks=None)

    def run(self, mutant: Mutant, whole: bool) -> Verdict:
        """Applies it, to the running stack where that is enough, asks, and puts every file back."""
        files = {name: (ROOT / name).read_text() for name in mutant.files}
        startup = self.checkout.path / STARTUP
        shared = mutant.edits_dynamic_alone and mutant.runtime == "native"

        def break_it() -> None:
            mutant.apply(self.checkout.path)
            if text := mutant.startup(self.checkout.path):
                startup.write_text(text)

        def put_back() -> None:
            startup.unlink(missing_ok=True)
            for name, text in files.items():
                render.write(self.checkout.path / name, text)

        try:
            if shared and not self.serves_untouched:
                self._restart({})
            self.serves_untouched = shared
            self._edit(break_it)
            self._install(mutant.packages)
            return self._verdict(mutant, None if whole else near(mutant), running=shared)
        except (ValueError, OSError, subprocess.TimeoutExpired) as error:
            self.serves_untouched = False
            return Verdict(mutant, error=str(error))
        finally:
            self._edit(put_back)

    def _edit(self, change: Callable[[], None]) -> None:
        """Makes the change, and waits until Traefik has taken it in where it runs with untouched files."""
        reloads = self._reloads() if self.serves_untouched else 0
        change()
        if self.serves_untouched:
            self._wait_for_reload(reloads)

    def _restart(self, settings: dict[str, str]) -> tuple[int, str]:
        self.serves_untouched = False
        self.checkout.run("down")
        return self.checkout.run("up", **settings)

    def _reloads(self) -> int:
        """How often Traefik has taken its routes in since it started."""
        url = f"http://127.0.0.1:{self.checkout.ops}/metrics"
        with urlopen(url, timeout=5) as answer:
            match = re.search(rb"(?m)^traefik_config_reloads_total (\S+)", answer.read())
        return int(float(match[1])) if match else 0

    def _wait_for_reload(self, before: int) -> None:
        """Raises ValueError when Traefik does not take the edit in."""
        try:
            wait_for(lambda: self._reloads() > before, RELOAD_SECONDS)
        except AssertionError:
            self.serves_untouched = False
            raise ValueError(f"Traefik did not reload within {RELOAD_SECONDS} s") from None

    def _install(self, packages: str) -> None:
        """Raises ValueError when they cannot be had."""
        if packages:
            install(ROOT / packages, self.checkout.path / "build" / Path(packages).stem)

    def _verdict(self, mutant: Mutant, checks: str | None, running: bool = False) -> Verdict:
        verdict, start = Verdict(mutant), time.monotonic()
        code, output = (0, "") if running else self._restart(mutant.settings)
        if code:
            verdict.red.add("up@all")
            lines = [line for line in output.splitlines() if line and not line.startswith("make")]
            verdict.diagnosis = "\n".join(lines[-1:])
        else:
            report = self.checkout.path / "build" / "verify" / "report.json"
            report.unlink(missing_ok=True)
            choice = {"CHECKS": checks} if checks else {}
            _, output = self.checkout.run("verify", **mutant.settings, **mutant.verify, **choice)
            if not report.exists():
                verdict.error = output.strip().splitlines()[-1] if output else "verify said nothing"
            else:
                results = json.loads(report.read_text())["checks"]
                verdict.red = {
                    f"{one['id']}@{one['entrypoint']}"
                    for one in results
                    if one["status"] in ("failed", "error")
                }
                verdict.wrong = {one["id"] for one in results if one["status"] == "failed"}
                lines = output.splitlines()
                verdict.diagnosis = "\n".join(line for line in lines if line.startswith("diagnosis:"))
        verdict.seconds = time.monotonic() - start
        return verdict


def near(mutant: Mutant) -> str:
    """For CHECKS: the groups of the checks it names, and ALWAYS; empty, so all, where none may go red."""
    if not mutant.visible:
        return ""
    return ",".join([*(f"{group}.*" for group in sorted(mutant.groups)), *ALWAYS])
