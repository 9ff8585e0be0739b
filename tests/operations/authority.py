"""An ACME authority (RFC 8555) that validates a challenge once, when it is told to, as Let's Encrypt does.

Caddy's leaves a challenge that failed pending. Signatures of requests are not verified: the client is ours.
"""

import http.client
import json
import re
import ssl
import threading
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

TOKEN = "token-{}-of-this-authority"


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Authority:
    """For `domain`, which it reaches at `port` of 127.0.0.1; `verdicts` has what each validation saw."""

    def __init__(self, domain: str, port: int, hours: int) -> None:
        self.domain, self.port, self.hours = domain, port, hours
        self.verdicts: list[str] = []
        self.issued: list[int] = []
        self.chain = b""
        ca = trustme.CA(key_type=trustme.KeyType.ECDSA)
        self.ca_pem = ca.cert_pem
        self.root = x509.load_pem_x509_certificate(ca.cert_pem.bytes())
        self.key = serialization.load_pem_private_key(ca.private_key_pem.bytes(), None)
        handler = type("Bound", (Handler,), {"authority": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert("127.0.0.1").configure_cert(context)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def order(self, number: int, status: str) -> dict:
        return {
            "status": status,
            "identifiers": [{"type": "dns", "value": self.domain}],
            "authorizations": [f"{self.url}/authz/{number}"],
            "finalize": f"{self.url}/finalize/{number}",
            **({"certificate": f"{self.url}/certificate/{number}"} if status == "valid" else {}),
        }

    def challenge(self, number: int) -> dict:
        verdict = self.verdicts[number] if number < len(self.verdicts) else "pending"
        status = verdict if verdict in ("valid", "pending") else "invalid"
        problem = {"type": "urn:ietf:params:acme:error:unauthorized", "detail": verdict}
        return {
            "type": "http-01",
            "url": f"{self.url}/challenge/{number}",
            "status": status,
            "token": TOKEN.format(number),
            **({"error": problem} if status == "invalid" else {}),
        }

    def validate(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        path = f"/.well-known/acme-challenge/{TOKEN.format(number)}"
        try:
            connection.request("GET", path, headers={"Host": self.domain})
            answer = connection.getresponse()
            right = answer.status == 200 and answer.read().startswith(TOKEN.format(number).encode())
            self.verdicts.append("valid" if right else f"{path}: {answer.status}")
        except OSError as error:
            self.verdicts.append(f"{path}: {error}")
        finally:
            connection.close()

    def issue(self, csr: x509.CertificateSigningRequest) -> None:
        serial, now = x509.random_serial_number(), datetime.now(UTC)
        names = x509.SubjectAlternativeName([x509.DNSName(self.domain)])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.root.subject)
            .public_key(csr.public_key())
            .serial_number(serial)
            .not_valid_before(now)
            .not_valid_after(now + timedelta(hours=self.hours))
            .add_extension(names, critical=True)
            .sign(self.key, hashes.SHA256())
        )
        self.chain = b"".join(
            one.public_bytes(serialization.Encoding.PEM) for one in (certificate, self.root)
        )
        self.issued.append(serial)


class Handler(BaseHTTPRequestHandler):
    authority: ClassVar[Authority]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = self.authority.url
        self.answer(
            200,
            {
                "newNonce": f"{url}/nonce",
                "newAccount": f"{url}/account",
                "newOrder": f"{url}/order",
                "revokeCert": f"{url}/revoke",
                "keyChange": f"{url}/key",
            },
        )

    def do_HEAD(self) -> None:
        self.answer(200, {})

    def do_POST(self) -> None:
        ours = self.authority
        posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        payload = json.loads(decoded(posted["payload"]) or b"null")
        name, number = re.fullmatch(r"/(\w+)/?(\d*)", self.path).groups()
        number = int(number or len(ours.verdicts))
        if name == "account":
            self.answer(201, {"status": "valid"}, Location=f"{ours.url}/account/1")
        elif name == "order":
            self.answer(201, ours.order(number, "pending"), Location=f"{ours.url}/order/{number}")
        elif name == "authz":
            challenge = ours.challenge(number)
            self.answer(
                200,
                {
                    "status": challenge["status"],
                    "challenges": [challenge],
                    "identifier": {"type": "dns", "value": ours.domain},
                },
            )
        elif name == "challenge":
            if number == len(ours.verdicts):
                ours.validate(number)
            self.answer(200, ours.challenge(number), Link=f'<{ours.url}/authz/{number}>;rel="up"')
        elif name == "finalize":
            ours.issue(x509.load_der_x509_csr(decoded(payload["csr"])))
            self.answer(200, ours.order(number, "valid"), Location=f"{ours.url}/order/{number}")
        else:
            self.answer(200, ours.chain)

    def answer(self, status: int, body: dict | bytes, **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = "application/pem-certificate-chain" if isinstance(body, bytes) else "application/json"
        self.send_response(status)
        for key, value in {
            "Replay-Nonce": "once",
            "Content-Type": kind,
            "Content-Length": str(len(content)),
            **headers,
        }.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_args: object) -> None:
        pass
