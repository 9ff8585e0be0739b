"""A certificate authority of this clone's own, and the certificate that Traefik serves in
development. Nothing is installed in the system: `CA_FILE` names it to whoever wants to verify."""

import os
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .paths import CA_FILE, STATIC
from .settings import StackSettings

LOCAL = {"localhost", "127.0.0.1", "::1"}  # whatever PUBLIC_HOSTS says, this machine may ask
DAYS = 397  # browsers refuse longer ones


def ensure(settings: StackSettings, key_mode: int = 0o644) -> None:
    """Make what is missing, covers other names than PUBLIC_HOSTS now has, or ends within a month.

    `key_mode`: in a container Traefik has another user id. The key is good for nothing but this clone's
    names, under a CA that only this clone trusts.
    """
    import trustme

    # Never DOMAIN: Traefik wants none from the authority for a name that its own certificate has.
    hosts = () if settings.domain else settings.hosts
    names = sorted({host.strip("[]") for host in hosts if host != "*"} | LOCAL)
    cert, key = STATIC / "tls" / "cert.pem", STATIC / "tls" / "key.pem"
    ca_key = CA_FILE.with_name("ca-key.pem")
    if not _is_pair(CA_FILE, ca_key):
        if CA_FILE.exists() and ca_key.exists():
            print(f"{CA_FILE.name} was damaged, or not of its key: a new one is made; trust that one instead")
        ca = trustme.CA(organization_name="local development CA of this clone")
        cert.unlink(missing_ok=True)
        _write(CA_FILE, ca.cert_pem.bytes())
        _write(ca_key, ca.private_key_pem.bytes(), mode=0o600)
    if _is_pair(cert, key) and _fits(cert, names):
        if stat.S_IMODE(key.stat().st_mode) != key_mode:
            key.chmod(key_mode)
        return
    ca = trustme.CA.from_pem(CA_FILE.read_bytes(), ca_key.read_bytes())
    leaf = ca.issue_cert(*names, not_after=datetime.now(UTC) + timedelta(days=DAYS))
    _write(cert, b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    _write(key, leaf.private_key_pem.bytes(), key_mode)


def _is_pair(cert: Path, key: Path) -> bool:
    """Whether both are there and belong together: a power cut may leave a file empty, or an older one."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if not (cert.exists() and key.exists()):
        return False
    try:
        public = x509.load_pem_x509_certificate(cert.read_bytes()).public_key()
        return public == load_pem_private_key(key.read_bytes(), None).public_key()
    except ValueError:
        return False


def _fits(path: Path, names: list[str]) -> bool:
    from cryptography import x509

    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    own = {*san.get_values_for_type(x509.DNSName)}
    own |= {str(address) for address in san.get_values_for_type(x509.IPAddress)}
    rest = certificate.not_valid_after_utc - datetime.now(UTC)
    return own == set(names) and rest > timedelta(days=30)


def _write(path: Path, blob: bytes, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(blob)
    os.chmod(part, mode)
    os.replace(part, path)


def context() -> ssl.SSLContext:
    """For a client that verifies against this clone's CA."""
    return ssl.create_default_context(cafile=str(CA_FILE))
