"""Certificates for DOMAIN: what can be known before a certificate authority is asked (its rate
limits count failures), and whether it then gave one."""

import json
import re
import secrets
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from .paths import PLACES
from .settings import StackSettings

STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"
CERTIFICATE_SECONDS = 60
RENEW_BEFORE = timedelta(days=30)  # Traefik's, as long as certificatesDuration is not set
EVERY = timedelta(days=1)  # how often it looks, and after a failure the next time
UNEXPLAINED = "nothing in Traefik's log says why"


def check(settings: StackSettings, running: bool) -> None:
    """Raise SystemExit when DOMAIN does not lead here; `running`: our Traefik has port 80 already."""
    domain = settings.domain
    if not settings.acme_ca:
        first = f"make up ACME_CA={STAGING}"
        print(
            "the certificate comes from Let's Encrypt, which allows few failures; to try first: "
            f"{PLACES.named(first)}"
        )
    try:
        addresses = sorted({str(info[4][0]) for info in socket.getaddrinfo(domain, 80)})
    except OSError as error:
        raise SystemExit(
            f"DOMAIN={domain}: the name does not resolve ({error}); point its A "
            "record at this machine, then make up again"
        ) from None
    if six := [address for address in addresses if ":" in address]:
        print(
            f"warning: DOMAIN={domain} has the AAAA record {six[0]}, and Docker publishes only IPv4 here: "
            "remove the record"
        )
    if not running and not _answers_here(settings):
        text = ", ".join(addresses)
        line = (
            f"DOMAIN={domain}: port 80 of {text} does not lead to this machine, and there the "
            "certificate authority checks the domain; open it in the firewall, or correct the record"
        )
        if not settings.acme_ca:
            raise SystemExit(
                f"{line}. Behind a NAT that this machine cannot see through, name the "
                "authority, and only this check is left out: "
                "ACME_CA=https://acme-v02.api.letsencrypt.org/directory"
            )
        print(f"warning: {line}")


def _answers_here(settings: StackSettings) -> bool:
    """Whether a request to DOMAIN's port 80 arrives at BIND_ADDRESS."""
    import http.server  # a tenth of a second of every command's start, with what else is imported so

    token = secrets.token_hex(16).encode()

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(token)

        def log_message(self, *_args: object) -> None:
            pass

    port = settings.http_port
    try:
        server = http.server.HTTPServer((settings.bind_address, port), Answer)
    except OSError:
        return True  # ports.refuse_taken says more about it
    threading.Thread(target=server.serve_forever, daemon=True).start()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        # Port 80 whatever HTTP_PORT is: that is where the authority asks.
        return bool(opener.open(f"http://{settings.domain}/", timeout=5).read(64) == token)
    except OSError:
        return False
    finally:
        server.shutdown()
        server.server_close()


def wait(settings: StackSettings, log: Callable[[], str]) -> None:
    """Return once Traefik serves a certificate for DOMAIN. Raise SystemExit with the authority's
    words when none comes; the stack stays up, for Traefik tries again by itself."""
    deadline = time.monotonic() + CERTIFICATE_SECONDS
    while not served(settings):
        if time.monotonic() > deadline or (error := refused(log())):
            error = refused(log()) or UNEXPLAINED
            raise SystemExit(
                f"DOMAIN={settings.domain}: no certificate yet: {error}\nthe stack stays up; "
                f"to try without Let's Encrypt's rate limits: make up ACME_CA={STAGING}"
            )
        time.sleep(0.5)


@dataclass(frozen=True)
class Certificate:
    """What Traefik serves for DOMAIN."""

    starts: datetime
    ends: datetime

    @property
    def due(self) -> datetime:
        """From when on it is to be renewed."""
        return self.ends - min(RENEW_BEFORE, (self.ends - self.starts) / 3)

    @property
    def text(self) -> str:
        return f"ends {self.ends:%Y-%m-%d}, is renewed from {self.due:%Y-%m-%d} on"

    def late(self, error: str | None, now: datetime) -> str | None:
        """One line when it was to be renewed and was not: Traefik had an `error`, or a day for it."""
        if now < self.due or (not error and now < min(self.due + EVERY, self.ends)):
            return None
        ends = "ended" if now >= self.ends else "ends"
        reason = error or "make logs FOLLOW=0 | grep acme may say why"
        return f"due since {self.due:%Y-%m-%d}, {ends} {self.ends:%Y-%m-%d %H:%M} UTC: {reason}"


def served(settings: StackSettings) -> Certificate | None:
    """Without verification: a staging certificate is a certificate too. No other is ever served,
    since sniStrict refuses the handshake then."""
    from cryptography import x509

    context = ssl._create_unverified_context()
    host = "127.0.0.1" if settings.bind_address == "0.0.0.0" else settings.bind_address
    try:
        with socket.create_connection((host, settings.https_port), timeout=5) as plain:
            with context.wrap_socket(plain, server_hostname=settings.domain) as secure:
                certificate = x509.load_der_x509_certificate(secure.getpeercert(True) or b"")
    except (OSError, ValueError):
        return None
    return Certificate(certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def state(settings: StackSettings, log: str) -> tuple[str, bool]:
    """Return what `make ps` says of the certificate, and whether all is well."""
    certificate = served(settings)
    if not certificate:
        return f"certificate NOT THERE   {refused(log) or UNEXPLAINED}", False
    if late := certificate.late(refused(log, certificate.due), datetime.now(UTC)):
        # Without -f, Compose prefers a compose.yaml that lies beside it.
        again = "docker compose -f docker-compose.yml restart traefik"
        return f"certificate NOT RENEWED   {late}; to try again: {again}", False
    return f"certificate {certificate.text}", True


def refused(log: str, since: datetime | None = None) -> str | None:
    """Return the last error of `log` (Traefik's) about a certificate, if it came after `since`."""
    reason = None
    for line in log.splitlines():
        start = line.find('{"level":"error"')
        if start >= 0 and re.search("acme", line, re.IGNORECASE):
            try:
                entry = json.loads(line[start:])
                if since and datetime.fromisoformat(entry["time"]) < since:
                    continue
            except (ValueError, KeyError):
                continue
            reason = entry.get("error") or entry.get("message")
    return reason
