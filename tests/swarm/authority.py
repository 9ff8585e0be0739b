"""A certificate authority that asks DNS: Caddy's acme_server, BIND with a zone that lego may change."""

import shutil
from pathlib import Path

import trustme

from behindproxy.stack.paths import VENV
from tests.checkout import wait_for

from .nodes import Switch

DOMAIN = "api.example.test"
NEEDS = ("named", "lego")
BIND_CONFIG = """options {{
  directory "{folder}";
  listen-on port 5353 {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  session-keyfile none;
  recursion no;
  dnssec-validation no;
}};
controls {{ }};
zone "example.test" {{ type master; file "zone"; allow-update {{ 127.0.0.1; }}; }};
"""
ZONE = """$TTL 60
@ IN SOA ns.example.test. root.example.test. 1 60 60 60 60
@ IN NS ns.example.test.
ns IN A 127.0.0.1
"""
CADDYFILE = """{{
  admin off
  auto_https disable_redirects
  skip_install_trust
  persist_config off
  storage file_system {folder}/caddy
  pki {{
    ca local {{
      root {{
        cert {folder}/ca.pem
        key {folder}/ca-key.pem
      }}
    }}
  }}
}}
https://localhost:14000 {{
  tls {folder}/cert.pem {folder}/key.pem
  acme_server {{
    ca local
    resolvers 127.0.0.1:5353
  }}
}}
"""


def lacking() -> str:
    """Why there can be none here; empty where there can."""
    path = "/usr/sbin:/usr/bin:/usr/local/bin"
    missing = [name for name in NEEDS if not shutil.which(name, path=path)]
    if not (VENV / "bin" / "caddy").exists():
        missing.append("caddy (src/behindproxy/make/environment.sh proxies)")
    return f"not installed: {', '.join(missing)}" if missing else ""


class Authority:
    """On the switch's loopback. `lego` is its client there."""

    def __init__(self, switch: Switch, folder: Path) -> None:
        self.switch, self.folder = switch, folder
        folder.mkdir()
        ca = trustme.CA(key_type=trustme.KeyType.ECDSA)
        leaf = ca.issue_cert("localhost")
        for name, blob in {
            "ca.pem": ca.cert_pem,
            "ca-key.pem": ca.private_key_pem,
            "cert.pem": leaf.cert_chain_pems[0],
            "key.pem": leaf.private_key_pem,
        }.items():
            blob.write_to_path(folder / name)
        for name, text in {"named.conf": BIND_CONFIG, "zone": ZONE, "Caddyfile": CADDYFILE}.items():
            (folder / name).write_text(text.format(folder=folder))
        switch.start("named", "-g", "-c", str(folder / "named.conf"), port=5353)
        caddy = str(VENV / "bin" / "caddy")
        switch.start(caddy, "run", "--config", str(folder / "Caddyfile"), port=14000)
        wait_for(
            lambda: (
                "newNonce"
                in switch.run(
                    "curl",
                    "-s",
                    "--cacert",
                    str(folder / "ca.pem"),
                    "https://localhost:14000/acme/local/directory",
                ).stdout
            ),
            20,
        )
        self.certificate = folder / "lego" / "certificates" / f"{DOMAIN}.crt"
        self.key = self.certificate.with_suffix(".key")

    def lego(self, *action: str) -> None:
        """What docs/scaling.md has somebody run, with this authority and this zone."""
        process = self.switch.run(
            "lego",
            "--server",
            "https://localhost:14000/acme/local/directory",
            "--accept-tos",
            "--email",
            "ops@example.test",
            "--domains",
            DOMAIN,
            "--path",
            str(self.folder / "lego"),
            "--dns",
            "rfc2136",
            "--dns.resolvers",
            "127.0.0.1:5353",
            "--dns.disable-cp",
            *action,
            LEGO_CA_CERTIFICATES=str(self.folder / "ca.pem"),
            RFC2136_NAMESERVER="127.0.0.1:5353",
        )
        assert process.returncode == 0, process.stdout + process.stderr
