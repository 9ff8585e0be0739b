"""Runs the stages of .ci/stages.toml, each in its lane; the lanes run side by side.

A lane is a network namespace with a clone of this checkout: all ports, networks and project names
are free in each, so what one runs does not meet what another runs.
"""

import argparse
import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "build" / "gate"
TABLE = tomllib.loads((ROOT / ".ci" / "stages.toml").read_text())
START = time.monotonic()
INSTALLS = TABLE["installs"]
STOP_ENGINES = ".ci/engine stop 28; .ci/engine stop 20.10"
REASONS = 12
REASON = 300  # characters of what was seen
LOG_LINES = 60
STAGE_SECONDS = 2700
CGROUPS = Path("/sys/fs/cgroup")  # of version 1; elsewhere nobody counts processor time
CONTROLLERS = ("cpuacct", "cpu")
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
# Nothing from the caller's shell may steer the stack.
STEERS = (
    "RUNTIME",
    "DOCKER_",
    "API_",
    "APP_",
    "HTTP_PORT",
    "HTTPS_PORT",
    "DIRECT_",
    "OPS_PORT",
    "PROXY_URL",
    "TLS_URL",
    "CA_FILE",
    "FAST",
    "PROBE",
    "CHECKS",
    "SUBNET",
    "STRIP_",
    "COMPOSE_",
    "PYTEST_",
    "PYTHONDONTWRITE",  # of this machine: each of a thousand commands would compile its modules
)
printing = threading.Lock()


@dataclass(frozen=True)
class Stage:
    """One row of the table; .ci/stages.toml says what each field means."""

    name: str
    lane: str
    run: str = ""
    pytest: str = ""
    proof: str = "exit"
    when: str = "landing"
    needs: tuple[str, ...] = ()
    skips: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)

    @property
    def counts_tests(self) -> bool:
        return bool(self.pytest) or self.proof == "pytest"

    @property
    def tests(self) -> str:
        """What pytest is given: the arguments, or those in `run` (none for `make test`)."""
        return self.pytest or " ".join(word for word in self.run.split() if word.startswith("tests/"))

    def allows(self, one: str, reason: str) -> bool:
        """Whether the test or check `one` may be skipped for `reason`."""
        return any(
            fnmatch.fnmatchcase(one, pattern) and words in reason
            for name in self.skips
            for pattern, words in TABLE["skips"][name].items()
        )


@dataclass
class Result:
    stage: Stage
    problems: list[str]
    seconds: float
    processor: float = 0  # seconds of processor time, its containers' too
    passed: int = 0
    skipped: int = 0


def say(text: str) -> None:
    with printing:
        print(f"[{time.monotonic() - START:5.0f} s] {text}", flush=True)


def stages(names: list[str], night: bool = False) -> list[Stage]:
    """The rows named, and those that they need; without names those of a landing, or with the night's all."""
    lists = ("needs", "skips")
    rows = {
        row["name"]: Stage(**{k: tuple(v) if k in lists else v for k, v in row.items()})
        for row in TABLE["stage"]
    }
    if unknown := [name for name in names if name not in rows]:
        raise SystemExit(f".ci/run {unknown[0]}: no such stage; there are {', '.join(rows)}")
    times = ("landing", "night") if night else ("landing",)
    chosen_names = set()
    queue = names or [name for name, stage in rows.items() if stage.when in times]
    while queue:
        name = queue.pop()
        chosen_names.add(name)
        queue += [need for need in rows[name].needs if need not in chosen_names]
    return [stage for name, stage in rows.items() if name in chosen_names]


class Lane:
    """A network namespace with loopback and a way out, and a clone of this checkout."""

    def __init__(self, name: str, number: int) -> None:
        self.name, self.path = name, HOME / name
        self.engine = ""  # the commands that lead to the Docker engine that runs in this lane
        self.device, self.network = f"ci-lane{number}", f"10.213.{number}"
        folders = [CGROUPS / controller / f"ci-{name}" for controller in CONTROLLERS]
        self.cgroups = folders if all(folder.parent.is_dir() for folder in folders) else []
        self.holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", "sleep", "infinity"],
            stdin=subprocess.DEVNULL,
        )

    def make(self) -> None:
        for folder in self.cgroups:
            folder.mkdir(exist_ok=True)
        self._clone()
        self._connect()
        self.must(STOP_ENGINES)  # one of a run that was killed is in that run's namespace

    def _clone(self) -> None:
        """One environment serves every lane: the README's commands make it in the lane INSTALLS, where a
        later run finds it again."""
        environment, stored = self.path / "build" / "venv", HOME / "venv"
        if self.name == INSTALLS and environment.exists():
            environment.rename(stored)
        shutil.rmtree(self.path, ignore_errors=True)
        must("git", "clone", "--quiet", str(ROOT), str(self.path))
        environment.parent.mkdir()
        if self.name != INSTALLS:
            environment.symlink_to(HOME / INSTALLS / "build" / "venv")
        elif stored.exists():
            stored.rename(environment)

    def _connect(self) -> None:
        here = os.stat("/proc/self/ns/net").st_ino
        while os.stat(f"/proc/{self.holder.pid}/ns/net").st_ino == here:
            time.sleep(0.01)
        self._unroute()
        must(
            "ip",
            "link",
            "add",
            self.device,
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "netns",
            str(self.holder.pid),
        )
        must("ip", "address", "add", f"{self.network}.1/30", "dev", self.device)
        must("ip", "link", "set", self.device, "up")
        self.must(
            f"ip link set lo up && ip address add {self.network}.2/30 dev eth0 && ip link set eth0 up && "
            f"ip route add default via {self.network}.1"
        )
        for rule in self._rules():
            must("iptables", *(part.format("-I") for part in rule))
        # `ip netns` of one lane would list the other's.
        self.must("mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns")
        # systemd-resolved's stub listens on a loopback address that is not this namespace's.
        if "nameserver 127." in Path("/etc/resolv.conf").read_text():
            self.must("mount --bind /run/systemd/resolve/resolv.conf /etc/resolv.conf")

    def _rules(self) -> list[list[str]]:
        network = f"{self.network}.0/30"
        return [
            ["-t", "nat", "{}", "POSTROUTING", "-s", network, "!", "-d", network, "-j", "MASQUERADE"],
            ["{}", "FORWARD", "-s", network, "-j", "ACCEPT"],
            ["{}", "FORWARD", "-d", network, "-j", "ACCEPT"],
        ]

    def _unroute(self) -> None:
        """Also what a killed run left."""
        subprocess.run(["ip", "link", "delete", self.device], capture_output=True)
        for rule in self._rules():
            while not subprocess.run(
                ["iptables", *(part.format("-D") for part in rule)], capture_output=True
            ).returncode:
                pass

    def processor(self) -> float:
        """Return the seconds of processor time that it has taken; 0 where nobody counts."""
        try:
            return int((self.cgroups[0] / "cpuacct.usage").read_text()) / 1e9
        except (IndexError, OSError):
            return 0

    def command(self, text: str) -> list[str]:
        """`text` as a command of this lane's shell, in its clone, with its engine."""
        joins = "".join(f"echo $$ >{folder}/cgroup.procs\n" for folder in self.cgroups)
        inner = f"{joins}cd {shlex.quote(str(self.path))}\n{self.engine}\n{text}"
        return [
            "nsenter",
            f"--target={self.holder.pid}",
            "--net",
            "--mount",
            "--",
            "bash",
            "-euo",
            "pipefail",
            "-c",
            inner,
        ]

    def output(self, text: str) -> str:
        process = subprocess.run(self.command(text), capture_output=True, text=True, env=environment(self))
        if process.returncode:
            raise RuntimeError(f"{text}: {process.stderr.strip()}")
        return process.stdout

    must = output

    def processes(self) -> dict[int, str]:
        """Every process in the namespace, without what keeps the lane and its engine."""
        mine, lines = os.stat(f"/proc/{self.holder.pid}/ns/net").st_ino, {}
        if mine == os.stat("/proc/self/ns/net").st_ino:
            return {}  # the holder has not got its own yet
        for entry in Path("/proc").iterdir():
            try:
                if not entry.name.isdigit() or os.stat(entry / "ns/net").st_ino != mine:
                    continue
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            except OSError:
                continue
            if int(entry.name) != self.holder.pid and line:
                lines[int(entry.name)] = line
        return lines

    def left(self, before: dict[int, str]) -> list[str]:
        """What a stage left behind; it is removed, so that the next one is judged by itself."""
        own = ("dockerd", "containerd", "containerd-shim-runc-v2", "docker-proxy")
        problems = []
        for pid, line in self.processes().items():
            if pid in before or "/engine enter " in line or os.path.basename(line.split(" ")[0]) in own:
                continue
            problems.append(f"a process is left: {line[:150]}")
            os.kill(pid, signal.SIGKILL)
        if self.engine:
            if containers := self.output("docker ps -aq").split():
                problems.append(f"containers are left: {self.output('docker ps -a')}")
                self.output(f"docker rm -fv {' '.join(containers)}")
            if networks := self.output("docker network ls -q --filter type=custom").split():
                problems.append(f"networks are left: {self.output('docker network ls')}")
                self.output(f"docker network rm {' '.join(networks)}")
        if spaces := self.output("ip netns list"):
            problems.append(f"network namespaces are left: {spaces}")
        if changed := self.output("git status --porcelain"):
            problems.append(f"the checkout changed: {changed}")
            self.output("git reset --quiet --hard && git clean -qfd")
        return problems

    def members(self) -> set[int]:
        """Return every process of the lane's cgroups, those of nested namespaces among them."""
        pids: set[int] = set()
        for folder in (inner for outer in self.cgroups for inner in (outer, *outer.glob("**/"))):
            try:
                pids.update(map(int, (folder / "cgroup.procs").read_text().split()))
            except OSError:
                pass
        return pids

    def close(self) -> None:
        for pid in self.processes().keys() | self.members():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.holder.kill()
        self.holder.wait()
        self._unroute()
        for folder in (inner for outer in self.cgroups for inner in (*outer.glob("*/"), outer)):
            try:
                folder.rmdir()
            except OSError:  # not made, or something is ending yet
                pass


def must(*command: str) -> str:
    process = subprocess.run(command, capture_output=True, text=True)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: {process.stderr.strip()}")
    return process.stdout


def environment(lane: Lane, stage: Stage | None = None) -> dict[str, str]:
    return (
        {k: v for k, v in os.environ.items() if not k.startswith(STEERS)}
        | {"CI_ENGINE_STATE": f"/run/ci-engine-{lane.name}"}
        | ({"CI_CGROUP": f"/{lane.cgroups[0].name}"} if lane.cgroups else {})
        | {k: os.path.expandvars(v) for k, v in TABLE["lanes"].get(lane.name, {}).items()}
        | ({k: absolute(lane, v) for k, v in stage.env.items()} if stage else {})
    )


def absolute(lane: Lane, value: str) -> str:
    return str(lane.path / value) if value.startswith("build/") else value


def reasons(log: Path) -> list[str]:
    """Return what in a stage's log says why: pytest's lines of an error, and the names of red checks."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    telling = [line.strip()[:300] for line in lines if re.match(r"E  +\S|.*(✗ |diagnosis:)", line)]
    return list(dict.fromkeys(telling))[:REASONS]


class Gate:
    def __init__(self, stages: list[Stage]) -> None:
        self.stages = stages
        self.results: dict[str, Result] = {}
        self.changed = threading.Condition()
        self.closing = False
        self.children: set[subprocess.Popen] = set()
        self.forwarded = FORWARDING.read_text()  # put back at the end
        FORWARDING.write_text("1")  # or no lane would reach a mirror
        names = list(dict.fromkeys(stage.lane for stage in stages))
        self.lanes = [Lane(name, number) for number, name in enumerate(names, 1)]

    def run(self) -> int:
        for lane in self.lanes:
            lane.make()
        threads = [threading.Thread(target=self._lane, args=(lane,), daemon=True) for lane in self.lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self._summary()

    def _lane(self, lane: Lane) -> None:
        for stage in (stage for stage in self.stages if stage.lane == lane.name):
            with self.changed:
                while not self.closing and not self.results.keys() >= set(stage.needs):
                    self.changed.wait()
                if self.closing:
                    return
            began = time.monotonic()
            if broken := [need for need in stage.needs if self.results[need].problems]:
                result = Result(stage, [f"not run: it needs {broken[0]}"], 0)
            else:
                try:
                    result = self._stage(lane, stage)
                except Exception as error:  # the others go on, whatever it was
                    result = Result(stage, [f"{type(error).__name__}: {error}"], time.monotonic() - began)
            with self.changed:
                self.results[stage.name] = result
                self.changed.notify_all()
            try:
                self._report(result)
            except OSError as error:  # a full disk, or nobody who reads
                result.problems.append(f"its report could not be written: {error}")

    def _stage(self, lane: Lane, stage: Stage) -> Result:
        say(f"{stage.name}: {stage.lane}")
        began, before, processor_before = time.monotonic(), lane.processes(), lane.processor()
        record = HOME / f"{stage.name}.json"
        record.unlink(missing_ok=True)
        for path in proofs(lane):
            path.unlink(missing_ok=True)
        extra = {}
        command = stage.run
        if stage.pytest:
            command = f"build/venv/bin/python -m pytest -q -rs --durations=12 {stage.pytest}"
        if stage.counts_tests:
            extra = {
                "GATE_RECORD": str(record),
                "PYTEST_ADDOPTS": "-p record",
                "PYTHONPATH": str(ROOT / ".ci"),
            }
        with (HOME / f"{stage.name}.log").open("w") as log:
            process = subprocess.Popen(
                lane.command(command),
                env=environment(lane, stage) | extra,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self.children.add(process)
            problems = []
            try:
                if code := process.wait(STAGE_SECONDS):
                    problems.append(f"exit status {code}")
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                problems.append(f"did not end within {STAGE_SECONDS} s")
            self.children.discard(process)
        if stage.proof == "engine" and not problems:
            lane.engine = (HOME / f"{stage.name}.log").read_text().split("---\n")[-1]
        elif stage.proof == "engine-stop":
            lane.engine = ""
        statuses, more = judge(lane, stage, record)
        problems += more + lane.left(before)
        skipped = sum(status == "skipped" for status in statuses.values())
        passed = sum(status == "passed" for status in statuses.values())
        seconds = time.monotonic() - began
        return Result(stage, problems, seconds, lane.processor() - processor_before, passed, skipped)

    def _report(self, result: Result) -> None:
        counts = f", {result.passed} passed, {result.skipped} skipped" if result.passed else ""
        if not result.problems:
            say(f"{result.stage.name}: {result.seconds:.0f} s, {result.processor:.0f} of processor{counts}")
            return
        log = HOME / f"{result.stage.name}.log"
        lines = log.read_text(errors="replace").splitlines()[-LOG_LINES:] if log.exists() else []
        say(
            "\n".join(
                [
                    f"{result.stage.name}: FAILED after {result.seconds:.0f} s{counts}; the end of its log",
                    *(f"  | {line[:300]}" for line in lines),
                    *(f"  ! {one}" for one in result.problems),
                ]
            )
        )

    def _summary(self) -> int:
        print()
        for stage in self.stages:  # one without a result did not run, whatever ended its lane
            self.results.setdefault(stage.name, Result(stage, ["did not run"], 0))
        for result in self.results.values():
            state = "FAILED" if result.problems else "ok"
            print(
                f"{result.stage.name:<27} {result.stage.lane:<11}{result.seconds:5.0f} s  "
                f"{result.processor:5.0f} s of processor  "
                f"{result.passed:5} passed {result.skipped:4} skipped  {state}"
            )
        whole = sum(result.processor for result in self.results.values())
        print(f"{'the whole':<39}{time.monotonic() - START:5.0f} s  {whole:5.0f} s of processor")
        failed = [result for result in self.results.values() if result.problems]
        for result in failed:
            print(f"FAILED {result.stage.name}: {'; '.join(result.problems)[:500]}")
            for line in reasons(HOME / f"{result.stage.name}.log"):
                print(f"  | {line}")
        passed = sum(result.passed for result in self.results.values())
        skipped = sum(result.skipped for result in self.results.values())
        print(f"{passed} passed, {len(failed)} failed, {skipped} skipped")
        return 1 if failed else 0

    def close(self) -> None:
        with self.changed:
            self.closing = True
            self.changed.notify_all()
        for process in list(self.children):
            try:
                os.killpg(process.pid, signal.SIGINT)  # on which pytest ends what its fixtures started
                process.wait(60)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass
        for lane in self.lanes:
            if lane.engine:
                subprocess.run(lane.command(STOP_ENGINES), env=environment(lane), capture_output=True)
            lane.close()
        FORWARDING.write_text(self.forwarded)


def proofs(lane: Lane) -> list[Path]:
    return [lane.path / "build" / "verify" / "report.json", lane.path / "build" / "mutants.json"]


def judge(lane: Lane, stage: Stage, record: Path) -> tuple[dict[str, str], list[str]]:
    """The status of each test or check that was planned, and what is wrong with them."""
    verify, mutants = proofs(lane)
    reasons: dict[str, str] = {}
    if stage.counts_tests:
        path = record
    elif stage.proof in ("verify", "mutants"):
        path = verify if stage.proof == "verify" else mutants
    else:
        return {}, []
    if not path.exists():
        return {}, [f"no record of what ran: {path.name}"]
    report = json.loads(path.read_text())
    if stage.counts_tests:
        statuses = {one: report["outcomes"].get(one, ["did not run"])[0] for one in report["collected"]}
        reasons = {one: reason for one, (_, reason) in report["outcomes"].items()}
    elif stage.proof == "verify":
        statuses = {f"{one['id']}@{one['entrypoint']}": one["status"] for one in report["checks"]}
        reasons = {f"{one['id']}@{one['entrypoint']}": one["observed"] for one in report["checks"]}
    else:
        statuses = {one["name"]: one["status"] for one in report}
    problems = [
        f"{one}: {status} {' '.join(reasons.get(one, '').split())[:REASON]}".rstrip()
        for one, status in statuses.items()
        if status not in ("passed", "skipped")
    ]
    problems += [
        f"{one}: skipped, and must run here: {reasons.get(one, '')}"
        for one, status in statuses.items()
        if status == "skipped" and not stage.allows(one, reasons.get(one, ""))
    ]
    if "passed" not in statuses.values():
        problems.append("nothing passed")
    return statuses, problems


def show(stages: list[Stage]) -> int:
    """Prints `stage<TAB>id` of everything that the stages run, without running it."""
    python = ROOT / "build" / "venv" / "bin" / "python"
    subprocess.run(["src/behindproxy/make/environment.sh", "verify"], cwd=ROOT, check=True, stdout=sys.stderr)
    checks = json.loads(
        subprocess.run(
            [
                python,
                "-m",
                "pytest",
                "-c",
                os.devnull,
                "--rootdir",
                ROOT,
                "src/behindproxy/contract",
                "--list-checks",
                "-p",
                "no:cacheprovider",
            ],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    )
    for stage in stages:
        environ = {**os.environ, **stage.env}
        ids = [stage.name]
        if stage.counts_tests:
            process = subprocess.run(
                [python, "-m", "pytest", "--collect-only", "-q", *shlex.split(stage.tests)],
                cwd=ROOT,
                env=environ,
                capture_output=True,
                text=True,
            )
            if process.returncode:
                raise SystemExit(f"{stage.name}: {process.stdout[-800:]}{process.stderr[-800:]}")
            ids = [line for line in process.stdout.splitlines() if "::" in line]
        elif stage.proof == "verify":
            ids = [f"{one['id']}@{entrypoint}" for one in checks for entrypoint in one["entrypoints"]]
        elif stage.proof == "mutants":
            load = "from tests.mutants.mutant import load_all"
            code = f"import sys; {load}; print(*(m.name for m in load_all(sys.argv[1])))"
            ids = subprocess.run(
                [python, "-c", code, stage.env["ONLY"]], cwd=ROOT, check=True, capture_output=True, text=True
            ).stdout.split()
        for one in ids:
            print(f"{stage.name}\t{one}")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog=".ci/run", description="The stages of .ci/stages.toml.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="some stages, and what they need")
    parser.add_argument("--all", action="store_true", help="the stages of the night too")
    parser.add_argument("--list", action="store_true", help="the id of every test and check, and its stage")
    options = parser.parse_args()
    chosen_stages = stages(options.names, options.all)
    if options.list:
        return show(chosen_stages)
    if os.geteuid():
        raise SystemExit(".ci/run: lanes are network namespaces, which need root: sudo .ci/run")
    if dirty := must("git", "-C", str(ROOT), "status", "--porcelain"):
        print(f"not committed, so not part of this run: {dirty.splitlines()[0][3:]}")
    HOME.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("CI_ENGINE_DIR", "/var/tmp/ci-engine")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    # A shell starts a background job with it ignored, and what a test interrupts must not inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    gate = Gate(chosen_stages)
    try:
        return gate.run()
    finally:
        gate.close()


if __name__ == "__main__":
    sys.exit(main())
