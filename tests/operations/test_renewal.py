"""A certificate that is due when Traefik starts, with an authority that validates once."""

import os
import socket
import ssl
import subprocess
import tomllib

import pytest
import tomli_w
import trustme
from cryptography import x509

from behindproxy.stack import render
from behindproxy.stack.paths import VENV
from behindproxy.stack.settings import StackSettings
from tests.checkout import free_block, wait_for

from .authority import Authority

DOMAIN = "api.example.test"
STARTS = 4  # Without the order that is tested here, about every second one fails.


class Proxy:
    """Traefik in `folder`, with what production renders but for ports and paths."""

    def __init__(self, folder, challenge: str) -> None:
        self.folder = folder
        self.http, self.https, self.ops = range(first := free_block(3), first + 3)
        self.authority = Authority(DOMAIN, self.http, hours=12)
        settings = StackSettings(
            domain=DOMAIN,
            acme_email="ops@example.test",
            acme_ca=f"{self.authority.url}/directory",
            acme_challenge=challenge,
            public_hosts=DOMAIN,
            ops_port=self.ops,
        )
        config = tomllib.loads(render.static(settings, native=True))
        for name, port in (("http", self.http), ("https", self.https)):
            config["entryPoints"][name]["address"] = f"127.0.0.1:{port}"
        config["certificatesResolvers"]["acme"]["acme"]["storage"] = str(folder / "acme.json")
        self.authority.ca_pem.write_to_path(folder / "ca.pem")
        own = trustme.CA().issue_cert("localhost")  # as src/behindproxy/stack/certificate.py makes one
        (folder / "tls").mkdir()
        own.cert_chain_pems[0].write_to_path(folder / "tls" / "cert.pem")
        own.private_key_pem.write_to_path(folder / "tls" / "key.pem")
        (folder / "traefik.toml").write_text(tomli_w.dumps(config))
        self.environ = {
            **os.environ,
            **settings.environ(),
            "APP_SERVERS": "http://127.0.0.1:1",
            "STATIC_DIR": str(folder),
            "LEGO_CA_CERTIFICATES": str(folder / "ca.pem"),
        }

    def start(self) -> None:
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [VENV / "bin" / "traefik", f"--configFile={self.folder}/traefik.toml"],
                env=self.environ,
                stdout=log,
                stderr=log,
            )

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()

    def served(self) -> int:
        """The serial number of the authority's certificate that is served; 0: none."""
        context = ssl._create_unverified_context()
        try:
            with socket.create_connection(("127.0.0.1", self.https), timeout=5) as plain:
                with context.wrap_socket(plain, server_hostname=DOMAIN) as secure:
                    serial = x509.load_der_x509_certificate(secure.getpeercert(True)).serial_number
        except OSError:
            return 0
        return serial if serial in self.authority.issued else 0


@pytest.fixture
def proxy(tmp_path):
    if not (VENV / "bin" / "traefik").exists():
        pytest.skip("no traefik: src/behindproxy/make/environment.sh stack")
    own = Proxy(tmp_path, "http")
    own.start()
    yield own
    own.stop()
    own.authority.close()


def test_a_certificate_that_is_due_is_renewed_at_startup_even_if_the_authority_validates_only_once(proxy):
    wait_for(proxy.served, 60)
    for number in range(1, STARTS + 1):
        before = proxy.served()
        proxy.stop()
        proxy.start()
        wait_for(lambda count=number: len(proxy.authority.verdicts) > count, 60)
        assert proxy.authority.verdicts == ["valid"] * (number + 1), (proxy.folder / "log").read_text()
        wait_for(lambda serial=before: proxy.served() not in (0, serial), 30)
