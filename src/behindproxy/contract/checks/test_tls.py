"""The certificate of the https entrypoint, which every other check there relies on."""

import ssl

from ..engine import connecting
from ..engine.check import check
from ..engine.entrypoint import Entrypoint
from ..engine.expect import Expect, Unexpected


@check(
    "tls.certificate",
    title="The certificate is trusted and is for this host",
    entrypoints=("https",),
    level="broken",
    source="Behind a Proxy › Redirects with HTTPS",
    statement="A client that verifies certificates accepts the one served for this host.",
    fix=(
        "Name the authority that signed it (--ca), or serve a certificate for this host from a public "
        "authority."
    ),
)
def test_the_certificate_is_trusted(entrypoint: Entrypoint, expect: Expect) -> None:
    address = entrypoint.address
    entrypoint.request_text = f"TLS handshake with {address.host}:{address.port}"
    with connecting.to(address.host, address.port, 10) as plain:
        try:
            with entrypoint.target.context.wrap_socket(plain, server_hostname=address.host) as secured:
                version = secured.version()
        except ssl.SSLError as error:
            reason = getattr(error, "verify_message", "") or str(error)
            raise Unexpected("certificate", reason, "trusted") from error
    expect.that(
        version in ("TLSv1.2", "TLSv1.3"), "TLS version", observed=version, expected="TLSv1.2 or TLSv1.3"
    )
