"""deploy/kubernetes against the schemas that Kubernetes and Traefik publish, and against what the
compose file's Traefik has. npm brings the schemas, as types (which refuse a key they do not know)
and as validators (which know patterns and ranges)."""

import json
import re
import shutil
import socket
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from behindproxy.stack.paths import DYNAMIC, ROOT, VENV
from behindproxy.stack.settings import StackSettings
from tests.mutants.template import render

DEFAULTS = StackSettings().environ()
MANIFESTS = ROOT / "deploy" / "kubernetes"
HERE = Path(__file__).parent
FOLDER = ROOT / "build" / "kubernetes"
CONSTRUCTED = 'import {{ {kind} }} from "{package}/{api}/{kind}";\nnew {kind}({value}).validate();\n'
TSC = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--moduleResolution", "nodenext"]


def documents() -> list[dict]:
    return [
        document
        for name in ("app.yaml", "routes.yaml")
        for document in yaml.safe_load_all((MANIFESTS / name).read_text())
    ]


def one(kind: str, name: str = "app") -> dict:
    return next(d for d in documents() if d["kind"] == kind and d["metadata"]["name"] == name)


@pytest.fixture(scope="module")
def installed():
    if not shutil.which("npm"):
        pytest.skip("no npm, which brings the published schemas")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy2(HERE / name, FOLDER)
    process = subprocess.run(
        ["npm", "ci", "--silent", "--no-fund", "--no-audit"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return FOLDER


MISTAKES = {
    "sniStrict": "sniStrickt",
    "prefixes: [/api/v1]": "prefixes: /api/v1",
    "kind: Rule": "kind: Role",
    "initialInterval: 100ms": "initialInterval: soon",
    "containerPort: 8000": "containerPort: http",
    "readinessProbe": "readynessProbe",
    "runAsUser: 65532": 'runAsUser: "65532"',
    "policyTypes: [Ingress]": "policyTypes: Ingress",
}


def mistaken(find: str) -> dict:
    """The object that MISTAKES spoils."""
    text = "\n---\n".join((MANIFESTS / name).read_text() for name in ("app.yaml", "routes.yaml"))
    assert find in text
    spoilt = yaml.safe_load_all(text.replace(find, MISTAKES[find], 1))
    return next(document for document in spoilt if document and document not in documents())


@pytest.fixture(scope="module")
def complaints(installed) -> dict[str, str]:
    """What the types and the validators say of each object: by kind and name, and by mistake."""
    objects = {f"{d['kind']} {d['metadata']['name']}": d for d in documents()}
    objects |= {find: mistaken(find) for find in MISTAKES}
    paths = {}
    for number, (name, document) in enumerate(objects.items()):
        api = document["apiVersion"]
        package = "@kubernetes-models/traefik" if api.startswith("traefik.io/") else "kubernetes-models"
        value = {key: part for key, part in document.items() if key not in ("apiVersion", "kind")}
        paths[name] = installed / f"object-{number}.ts"
        paths[name].write_text(
            CONSTRUCTED.format(kind=document["kind"], package=package, api=api, value=json.dumps(value))
        )
    compiled = subprocess.run(
        ["node_modules/.bin/tsc", *TSC, *(path.name for path in paths.values())],
        cwd=installed,
        capture_output=True,
        text=True,
        timeout=300,
    ).stdout
    texts = {}
    for name, path in paths.items():
        texts[name] = "".join(line for line in compiled.splitlines(True) if line.startswith(f"{path.name}("))
        script = path.rename(path.with_suffix(".mjs"))  # of TypeScript it has nothing
        process = subprocess.run(
            ["node", script.name], cwd=installed, capture_output=True, text=True, timeout=60
        )
        texts[name] += process.stderr if process.returncode else ""
    assert compiled.count("error TS") == "".join(texts.values()).count("error TS"), compiled
    return texts


def test_every_object_fits_the_published_schemas(complaints):
    good = {name: text for name, text in complaints.items() if name not in MISTAKES}
    assert len(good) == len(documents()) > 10
    assert not any(good.values()), good


@pytest.mark.parametrize("find", MISTAKES)
def test_a_mistake_is_seen(complaints, find):
    assert complaints[find]


def test_the_chart_s_arguments_are_taken_by_traefik():
    values = yaml.safe_load((MANIFESTS / "traefik-values.yaml").read_text())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    chart = [
        f"--entryPoints.{name}.address=127.0.0.1:{port + i}" for i, name in enumerate(("web", "websecure"))
    ]

    def starts(*more: str) -> bool:
        try:
            process = subprocess.run(
                [VENV / "bin" / "traefik", *chart, *values["additionalArguments"], *more],
                capture_output=True,
                text=True,
                timeout=2,
            )
        except subprocess.TimeoutExpired:
            return True  # it went on serving
        assert "field not found" in process.stdout + process.stderr
        return False

    assert starts()
    assert not starts("--entryPoints.websecure.http.aliasHeaderStrategy=delete")


def test_they_say_what_the_files_in_traefik_say():
    middlewares = (DYNAMIC / "middlewares.toml").read_text()
    own = tomllib.loads(render(middlewares, DEFAULTS))["http"]["middlewares"]
    for name in ("scrub-headers", "encoded-characters"):
        assert one("Middleware", name)["spec"] == own[name]
    for name in ("front", "app"):
        chain = [other["name"] for other in one("Middleware", name)["spec"]["chain"]["middlewares"]]
        assert chain == own[name]["chain"]["middlewares"]
    retry = re.search(r"\[http\.middlewares\.retry\.retry\]\n(.*?)\n\n", middlewares, re.DOTALL)[1]
    assert one("Middleware", "retry")["spec"]["retry"] == tomllib.loads(retry)
    timeouts = middlewares.partition("[http.serversTransports.app.forwardingTimeouts]\n")[2]
    timeouts = render(timeouts, DEFAULTS)
    assert one("ServersTransport")["spec"]["forwardingTimeouts"] == tomllib.loads(timeouts)
    ciphers = re.search(r"cipherSuites = (\[.*?\])", (DYNAMIC / "tls.toml").read_text(), re.DOTALL)[1]
    assert one("TLSOption")["spec"]["cipherSuites"] == tomllib.loads(f"c = {ciphers}")["c"]

    static = tomllib.loads((ROOT / "traefik" / "traefik.toml").read_text())
    https = static["entryPoints"]["https"]
    arguments = yaml.safe_load((MANIFESTS / "traefik-values.yaml").read_text())["additionalArguments"]
    for key in ("aliasHeadersStrategy", "maxHeaderBytes"):
        assert f"--entryPoints.websecure.http.{key}={https['http'][key]}" in arguments
    streams = https["http2"]["maxConcurrentStreams"]
    assert f"--entryPoints.websecure.http2.maxConcurrentStreams={streams}" in arguments


def test_the_times_are_the_settings_defaults():
    arguments = yaml.safe_load((MANIFESTS / "traefik-values.yaml").read_text())["additionalArguments"]
    transport = "--entryPoints.websecure.transport"
    assert f"{transport}.respondingTimeouts.readTimeout={DEFAULTS['REQUEST_SECONDS']}s" in arguments
    assert f"{transport}.lifeCycle.graceTimeOut={DEFAULTS['DRAIN_SECONDS']}s" in arguments
    (container,) = one("Deployment")["spec"]["template"]["spec"]["containers"]
    startup = container["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] == int(DEFAULTS["START_SECONDS"])
    assert {"name": "DRAIN_SECONDS", "value": DEFAULTS["DRAIN_SECONDS"]} in container["env"]


def test_the_prefix_is_the_same_everywhere():
    env = {
        v["name"]: v["value"] for v in one("Deployment")["spec"]["template"]["spec"]["containers"][0]["env"]
    }
    prefix = env["API_PREFIX"]
    assert one("Middleware", "strip-prefix")["spec"]["stripPrefix"]["prefixes"] == [prefix]
    match = one("IngressRoute")["spec"]["routes"][0]["match"]
    assert f"(Path(`{prefix}`) || PathPrefix(`{prefix}/`))" in match


def test_only_traefik_may_reach_the_server():
    policy = one("NetworkPolicy")["spec"]
    assert policy["podSelector"]["matchLabels"] == one("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert [(len(rule["from"]), rule["ports"]) for rule in policy["ingress"]] == [(1, [{"port": 8000}])]
