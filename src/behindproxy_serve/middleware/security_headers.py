"""What a browser is told where the application says nothing of it."""

from collections.abc import Container, Iterable

Pairs = Iterable[tuple[bytes, bytes]]

ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    # A page of another origin may show it in no frame; one of this origin could read it anyway.
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    # For its own pages, and not for what they frame.
    (b"permissions-policy", b"camera=(self), geolocation=(self), microphone=(self)"),
)
TRANSPORT = ((b"strict-transport-security", b"max-age=31536000"),)


def lacking(headers: Pairs, names: Container[bytes], policy: Pairs) -> list[tuple[bytes, bytes]]:
    """Return those of `policy` that a response lacks, by the lower-case `names` of its headers.

    They are added here and not in Traefik, whose headers middleware overwrites what the application set.
    """
    missing = [pair for pair in policy if pair[0] not in names]
    if b"content-security-policy" in names and framing(headers):
        missing = [pair for pair in missing if pair[0] != b"x-frame-options"]
    return missing


def framing(headers: Pairs) -> bool:
    """Return whether a Content-Security-Policy says who may frame the page."""
    return any(
        name.lower() == b"content-security-policy" and b"frame-ancestors" in value.lower()
        for name, value in headers
    )
