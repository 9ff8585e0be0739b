"""docker-compose.prod.yml with a real ACME authority: Caddy's acme_server, in a container beside Traefik.

DOMAIN is a name that exists only in /etc/hosts of the mount namespace in which each command runs.
"""

import json
import shutil
import socket
import ssl
import subprocess
import time
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import trustme

from behindproxy.stack.docker import compose
from behindproxy.stack.paths import VENV
from tests.checkout import MAKE_SECONDS, ROOT, docker, wait_for

from .conftest import Operated

DOMAIN = "api.example.test"
VOLUME, IMAGE = "production_acme:/acme", "production-app"
OVERRIDE = """services:
  traefik:
    depends_on: {acme-ca: {condition: service_healthy}}
    environment: {LEGO_CA_CERTIFICATES: /authority/ca.pem}
    volumes: ["./build/authority:/authority:ro"]
    networks: {edge: {aliases: [api.example.test]}}
  acme-ca:
    image: ${COMPOSE_PROJECT_NAME}-app
    entrypoint: [/caddy, run, --config, /authority/Caddyfile]
    user: "0:0"
    environment: {XDG_DATA_HOME: /data}
    tmpfs: [/tmp]
    volumes: ["./build/authority:/authority:ro", "./build/caddy:/caddy:ro", "./build/data:/data"]
    networks: [edge]
    healthcheck:
      test: [CMD, python, -c, "import socket; socket.create_connection(('127.0.0.1', 443), 2)"]
      interval: 1s
      retries: 30
"""
CADDYFILE = """{
  admin off
  auto_https disable_redirects
  skip_install_trust
  pki {
    ca local {
      root {
        cert /authority/ca.pem
        key /authority/ca-key.pem
      }
      intermediate_lifetime 3000h
    }
  }
}
https://acme-ca {
  tls /authority/cert.pem /authority/key.pem
  acme_server {
    ca local
    lifetime LIFETIME
    DENY
  }
}
"""
FRONT = {
    "DOMAIN": DOMAIN,
    "ACME_EMAIL": "ops@example.test",
    "BIND_ADDRESS": "127.0.0.1",
    "SUBNET": "172.30.95",
    "ACME_CA": "https://acme-ca/acme/local/directory",
}


class Production(Operated):
    def make(self, target: str, hosts: str = "127.0.0.1", **settings: object) -> tuple[int, str]:
        """`make`, where DOMAIN is `hosts` (nothing: where it has no address)."""
        file = self.path / "build" / "hosts"
        line = f"{hosts} {DOMAIN}\n" if hosts else ""
        file.write_text(f"127.0.0.1 localhost\n{line}")
        values = [f"{key}={value}" for key, value in {**FRONT, **settings}.items() if value]
        process = subprocess.run(
            [
                "unshare",
                "--mount",
                "sh",
                "-c",
                'mount --bind "$0" /etc/hosts && exec "$@"',
                str(file),
                "make",
                "--no-print-directory",
                target,
                *values,
            ],
            cwd=self.path,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=MAKE_SECONDS,
        )
        return process.returncode, process.stdout + process.stderr

    def certificate(self) -> str:
        """The serial number of what is served, verified."""
        context = ssl.create_default_context(cafile=str(self.path / "build/authority/ca.pem"))
        with socket.create_connection(("127.0.0.1", 443), timeout=5) as plain:
            with context.wrap_socket(plain, server_hostname=DOMAIN) as secure:
                return secure.getpeercert()["serialNumber"]

    def authority(self, lifetime: str, *, refusing: bool = False) -> None:
        """What the authority is from its next start on."""
        deny = f"deny {{\n      domains {DOMAIN}\n    }}" if refusing else ""
        text = CADDYFILE.replace("LIFETIME", lifetime).replace("DENY", deny)
        (self.path / "build/authority/Caddyfile").write_text(text)

    def restart_authority(self) -> None:
        docker("restart", "-t", "2", self.container("acme-ca"))
        ask = (
            "import ssl, urllib.request as u; c = ssl._create_unverified_context(); "
            "u.urlopen('https://acme-ca/acme/local/directory', timeout=3, context=c)"
        )

        def answers() -> bool:
            argv = ["docker", "exec", self.container("acme-ca"), "python", "-c", ask]
            return subprocess.run(argv, capture_output=True).returncode == 0

        wait_for(answers, 30)

    def restart_traefik(self) -> float:
        """Restarts it; returns the time from which its log is new."""
        began = time.time()
        docker("restart", self.container("traefik"))
        wait_for(self.answers_at_443, 30)
        return began

    def answers_at_443(self) -> bool:
        try:
            return bool(self.certificate())
        except OSError:
            return False

    def errors_since(self, began: float) -> str:
        return docker("logs", "--since", str(int(began)), self.container("traefik"))


@pytest.fixture(scope="module")
def production():
    checkout = Production(ROOT / "build" / "production", "docker")
    if subprocess.run(["docker", "version"], capture_output=True).returncode:
        pytest.skip("no Docker engine answers: production is containers")
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        pytest.skip("not root: a name of its own needs a mount namespace")
    caddy = VENV / "bin" / "caddy"
    if not caddy.exists():
        pytest.skip("no caddy: src/behindproxy/make/environment.sh proxies")
    for port in (80, 443):
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                pytest.skip(f"port {port} of 127.0.0.1 is taken")
    for key in ("HTTP_PORT", "HTTPS_PORT"):
        del checkout.environ[key]
    checkout.fill()
    folder = checkout.path / "build" / "authority"
    folder.mkdir()
    shutil.copy2(caddy, checkout.path / "build" / "caddy")
    ca = trustme.CA(key_type=trustme.KeyType.ECDSA)
    leaf = ca.issue_cert("acme-ca")
    for name, blob in {
        "ca.pem": ca.cert_pem,
        "ca-key.pem": ca.private_key_pem,
        "cert.pem": leaf.cert_chain_pems[0],
        "key.pem": leaf.private_key_pem,
    }.items():
        blob.write_to_path(folder / name)
        (folder / name).chmod(0o644)
    checkout.authority("12h")
    (checkout.path / "docker-compose.override.yml").write_text(OVERRIDE)
    yield checkout
    checkout.make("down")
    volumes = docker("volume", "ls", "-q", "--filter", "label=com.docker.compose.project=production")
    if volumes:
        docker("volume", "rm", *volumes.split())
    checkout.make("clean")
    shutil.rmtree(checkout.path, ignore_errors=True)


def test_a_domain_that_does_not_lead_here_is_refused_before_the_authority_is_contacted(production):
    code, output = production.make("up", hosts="")
    assert code != 0 and "the name does not resolve" in output, output
    # 127.0.0.9 is another address of this machine, and nothing listens there.
    code, output = production.make("up", hosts="127.0.0.9", ACME_CA="")
    assert code != 0 and "port 80 of 127.0.0.9 does not lead to this machine" in output, output
    assert "make up ACME_CA=https://acme-staging" in output
    code, output = production.make("up", ACME_EMAIL="")
    assert code != 0 and "ACME_EMAIL" in output and ".env" in output
    assert production.nothing_left()
    for missing in ("DOMAIN", "ACME_EMAIL"):
        # Of several that are missing, Compose names any.
        values = {"STATIC_DIR": "./build/traefik", **FRONT}
        del values[missing]
        files = [f"--file=docker-compose{part}.yml" for part in ("", ".replicas", ".prod")]
        plain = subprocess.run(
            [*compose(), *files, "config", "-q"],
            cwd=production.path,
            env={**production.environ, **values},
            capture_output=True,
            text=True,
        )
        assert plain.returncode != 0 and f"set {missing} in .env, for example" in plain.stderr


def test_the_refusal_of_an_authority_is_quoted_and_the_stack_stays_up(production):
    production.authority("12h", refusing=True)
    code, output = production.make("up")
    assert code != 0 and "no certificate yet" in output and "rejectedIdentifier" in output, output
    assert "acme-staging" in output
    code, output = production.make("ps")
    assert code != 0 and "certificate NOT THERE" in output and "routes   taken" in output, output
    code, output = production.make("down")
    assert code == 0 and "stopped" in output
    production.authority("12h")


@pytest.fixture(scope="module")
def issued(production):
    code, output = production.make("up")
    assert code == 0, output
    assert f"https://{DOMAIN}/api/v1/app" in output
    return production


def test_the_suite_passes_on_the_domain_with_the_certificate_verified(issued):
    code, output = issued.make("verify", CA_FILE="build/authority/ca.pem", FAST=1)
    assert code == 0, output
    report = json.loads((issued.path / "build/verify/report.json").read_text())
    assert report["target"]["https_url"] == f"https://{DOMAIN}/api/v1"
    assert report["summary"]["passed"] > 40, report["summary"]


def test_http_redirects_keep_path_and_query_and_tls_is_modern(issued):
    def ask(*arguments: str) -> str:
        return subprocess.run(
            [
                "curl",
                "-q",
                "-s",
                "-i",
                "--noproxy",
                "*",
                "--resolve",
                f"{DOMAIN}:80:127.0.0.1",
                "--resolve",
                f"{DOMAIN}:443:127.0.0.1",
                "--cacert",
                str(issued.path / "build/authority/ca.pem"),
                *arguments,
            ],
            capture_output=True,
            text=True,
            timeout=20,
        ).stdout

    for method, status in (("GET", "301"), ("POST", "308")):
        answer = ask("-X", method, f"http://{DOMAIN}/api/v1/items/?a=b%20c&d")
        assert f" {status} " in answer.splitlines()[0]
        assert f"location: https://{DOMAIN}/api/v1/items/?a=b%20c&d\n" in answer.lower().replace("\r", "")
    answer = ask(f"https://{DOMAIN}/api/v1/app").lower()
    assert answer.startswith("http/2 200")
    assert "strict-transport-security: max-age=31536000" in answer
    assert "alt-svc" not in answer  # no HTTP/3
    for path in ("_probe/x", "docs", "redoc", "openapi.json", "docs/oauth2-redirect", "sub/docs"):
        assert " 404" in ask(f"https://{DOMAIN}/api/v1/{path}").splitlines()[0], path
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for name, options in (
        ("another.example", {}),
        ("localhost", {}),
        (DOMAIN, {"maximum_version": ssl.TLSVersion.TLSv1_1, "minimum_version": ssl.TLSVersion.TLSv1}),
    ):
        for key, value in options.items():
            setattr(context, key, value)
        with socket.create_connection(("127.0.0.1", 443), timeout=5) as plain, pytest.raises(ssl.SSLError):
            context.wrap_socket(plain, server_hostname=name)


def test_the_containers_are_limited_and_have_no_direct_entrypoint(issued):
    for service in ("traefik", "app", "app-2"):
        one = json.loads(docker("inspect", issued.container(service)))[0]
        host = one["HostConfig"]
        assert host["RestartPolicy"]["Name"] == "always"
        assert host["Memory"] and host["PidsLimit"] == 256
        assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "5"}
        published = [port for port, hosts in one["NetworkSettings"]["Ports"].items() if hosts]
        assert published == (["443/tcp", "80/tcp"] if service == "traefik" else []), published


def test_a_restart_and_a_renewal_keep_the_site_up_and_a_failed_renewal_is_reported(issued):
    first = issued.certificate()
    # The certificate ends in 12 hours, so each start of Traefik wants a new one.
    issued.authority("12h", refusing=True)
    issued.restart_authority()
    began = issued.restart_traefik()
    wait_for(lambda: "Error renewing ACME certificate" in issued.errors_since(began), 60)
    assert issued.certificate() == first

    issued.authority("2200h")
    issued.restart_authority()
    began = issued.restart_traefik()
    try:
        wait_for(lambda: issued.certificate() != first, 60)
    except AssertionError:
        pytest.fail(
            "\n".join(line for line in issued.errors_since(began).splitlines() if '"level":"error"' in line)
        )
    renewed = issued.certificate()

    # That one is good for three months: a start asks nobody.
    docker("stop", "-t", "2", issued.container("acme-ca"))
    issued.restart_traefik()
    time.sleep(3)
    assert issued.certificate() == renewed
    docker("start", issued.container("acme-ca"))

    assert issued.make("down")[0] == 0
    code, output = issued.make("up")
    assert code == 0, output
    assert issued.certificate() == renewed, "down lost the certificate"


def put_back(folder: Path) -> None:
    """acme.json of `folder`, as docs/production.md says."""
    mounts = ["-v", VOLUME, "-v", f"{folder}:/from:ro"]
    install = "install -o 65532 -g 65532 -m 600 /from/acme.json /acme/acme.json"
    docker("run", "--rm", "--user", "0:0", *mounts, IMAGE, *install.split())


def aged(ca: trustme.CA, ends: datetime) -> tuple[bytes, bytes]:
    """A certificate of `ca` for DOMAIN, of 90 days, and its key."""
    leaf = ca.issue_cert(DOMAIN, not_before=ends - timedelta(days=90), not_after=ends)
    return b"".join(one.bytes() for one in leaf.cert_chain_pems), leaf.private_key_pem.bytes()


def test_a_certificate_that_is_due_and_not_renewed_is_reported_with_its_fix(issued, tmp_path):
    issued.authority("2200h", refusing=True)
    issued.restart_authority()
    docker("cp", f"{issued.container('traefik')}:/acme/acme.json", str(tmp_path))
    store = json.loads((tmp_path / "acme.json").read_text())
    folder = issued.path / "build" / "authority"
    ca = trustme.CA.from_pem((folder / "ca.pem").read_bytes(), (folder / "ca-key.pem").read_bytes())
    ends = datetime.now(UTC) + timedelta(days=10)
    pair = zip(("certificate", "key"), aged(ca, ends), strict=True)
    store["acme"]["Certificates"][0] |= {name: b64encode(pem).decode() for name, pem in pair}
    (tmp_path / "acme.json").write_text(json.dumps(store))
    put_back(tmp_path)
    began = issued.restart_traefik()
    wait_for(lambda: "Error renewing ACME certificate" in issued.errors_since(began), 60)
    old = issued.certificate()

    code, output = issued.make("ps")
    due = f"{ends - timedelta(days=30):%Y-%m-%d}"
    line = next((one for one in output.splitlines() if one.startswith("certificate")), "")
    assert code != 0 and "NOT RENEWED" in line and "rejectedIdentifier" in line, output
    assert f"due since {due}" in line and f"ends {ends:%Y-%m-%d}" in line
    command = "docker compose -f docker-compose.yml restart traefik"
    assert command in line
    text = " ".join(issued.make("doctor")[1].split())
    assert f"Traefik has not renewed the certificate: due since {due}" in text, text
    assert f"→ run {command}" in text, text

    issued.authority("2200h")
    issued.restart_authority()
    environ = issued.environ  # this copy has a project name of its own
    subprocess.run(command.split(), cwd=issued.path, env=environ, check=True, capture_output=True)
    wait_for(lambda: issued.answers_at_443() and issued.certificate() != old, 60)
    code, output = issued.make("ps")
    assert code == 0 and "certificate ends " in output and "NOT" not in output, output


def test_the_certificates_can_be_saved_and_restored(issued, tmp_path):
    """docs/production.md, Back up."""
    before = issued.certificate()
    docker("cp", f"{issued.container('traefik')}:/acme/acme.json", str(tmp_path))
    docker("run", "--rm", "--user", "65532:65532", "-v", VOLUME, IMAGE, "rm", "/acme/acme.json")
    put_back(tmp_path)
    docker("stop", "-t", "2", issued.container("acme-ca"))
    issued.restart_traefik()
    assert issued.certificate() == before
    docker("start", issued.container("acme-ca"))


def test_a_deploy_works_in_production(issued):
    (issued.path / "app/static/version.txt").write_text("deployed\n")
    code, output = issued.make("deploy")
    assert code == 0, output
    context = ssl.create_default_context(cafile=str(issued.path / "build/authority/ca.pem"))
    with httpx.Client(verify=context, trust_env=False) as client:
        # The name stands in no /etc/hosts here.
        request = client.build_request(
            "GET",
            "https://127.0.0.1/api/v1/static/version.txt",
            headers={"Host": DOMAIN},
            extensions={"sni_hostname": DOMAIN},
        )
        assert client.send(request).text == "deployed\n"
    one = json.loads(docker("inspect", issued.container("app-2")))[0]
    assert one["HostConfig"]["Memory"] == 512 * 1024 * 1024


def test_the_tls_alpn_challenge_gets_a_certificate(issued):
    """On port 443, for who cannot open port 80."""
    assert issued.make("down")[0] == 0
    docker("volume", "rm", "production_acme")
    code, output = issued.make("up", ACME_CHALLENGE="tls-alpn")
    assert code == 0, output
    assert issued.certificate()
    assert "tlsChallenge" in (issued.path / "build/traefik/traefik.toml").read_text()
