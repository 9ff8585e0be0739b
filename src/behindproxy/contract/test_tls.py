"""The certificate of the TLS door, which every other check there relies on."""

import socket
import ssl

from .check import check
from .door import Door
from .expect import Expect, Wrong
from .recorder import CERTIFICATE_HINT


@check(
    "tls.certificate",
    title="The certificate is trusted and has the name",
    doors=("tls",),
    kind="operation",
    source="Behind a Proxy › Redirects with HTTPS",
    statement="A client that verifies certificates accepts the one served for this host.",
    hint=CERTIFICATE_HINT,
    broken_by=("certificate of another authority",),
)
def test_the_certificate_is_trusted(door: Door, expect: Expect) -> None:
    address = door.address
    door.request_text = f"TLS handshake with {address.host}:{address.port}"
    with socket.create_connection((address.host, address.port), timeout=10) as plain:
        try:
            with door.target.context.wrap_socket(plain, server_hostname=address.host) as secured:
                version = secured.version()
        except ssl.SSLError as error:
            reason = getattr(error, "verify_message", "") or str(error)
            raise Wrong("certificate", reason, "trusted") from error
    expect.that(
        version in ("TLSv1.2", "TLSv1.3"), "TLS version", observed=version, expected="TLSv1.2 or TLSv1.3"
    )
