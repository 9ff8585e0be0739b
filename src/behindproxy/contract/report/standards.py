"""What the checks are called elsewhere: CWE, and the requirement of OWASP ASVS 5.0, by a check's id."""

TRUSTED_HEADERS = "CWE-290", "4.1.3"
BOUNDARIES = "CWE-444", "4.2.1"
SPELLINGS = "CWE-41", ""
COOKIES = "CWE-614", "3.3.1"
LEAKS = "CWE-200", "13.4.6"

_BOTH = {
    "trust.proxy_cannot_spoof": TRUSTED_HEADERS,
    "trust.direct_cannot_spoof": TRUSTED_HEADERS,
    "trust.websocket_cannot_spoof": TRUSTED_HEADERS,
    "trust.redirect_not_steered": TRUSTED_HEADERS,
    "trust.docs_ignore_spoofing": TRUSTED_HEADERS,
    "trust.one_value_each": TRUSTED_HEADERS,
    "trust.scrubbed_headers": TRUSTED_HEADERS,
    "trust.connection_trick": ("CWE-348", "4.1.3"),
    "trust.trailers": ("CWE-348", "4.1.3"),
    "trust.load_balancer_limits": TRUSTED_HEADERS,
    "container.neighbour": TRUSTED_HEADERS,
    "container.trusted_address": TRUSTED_HEADERS,
    "container.unprivileged": ("CWE-250", "13.2.2"),
    "container.no_socket": ("CWE-250", "13.2.2"),
    "container.published": ("CWE-1327", ""),
    "host.foreign": ("CWE-644", "4.1.3"),
    "host.absolute_form": ("CWE-644", "4.1.3"),
    "host.malformed": ("CWE-644", ""),
    "host.one": ("CWE-644", ""),
    "host.with_a_path": ("CWE-444", "4.2.1"),
    "exposure.request_smuggling": BOUNDARIES,
    "exposure.hidden_request": BOUNDARIES,
    "exposure.h2c": BOUNDARIES,
    "exposure.operations": ("CWE-419", "13.4.5"),
    "exposure.methods": ("CWE-650", "13.4.4"),
    "exposure.no_versions": LEAKS,
    "exposure.no_internal_address": ("CWE-200", ""),
    "prefix.boundary": SPELLINGS,
    "prefix.boundary_websocket": SPELLINGS,
    "prefix.unprefixed_not_public": ("CWE-425", ""),
    "path.another_spelling": SPELLINGS,
    "path.encoded_characters": ("CWE-177", ""),
    "path.dot_segments": ("CWE-22", ""),
    "path.protected_route": ("CWE-288", ""),
    "path.protected_methods": ("CWE-650", "4.1.4"),
    "path.no_open_redirect": ("CWE-601", "3.7.2"),
    "path.no_header_injection": ("CWE-113", "4.2.4"),
    "static.no_traversal": ("CWE-22", ""),
    "app.doubled_prefix": SPELLINGS,
    "application.cookies": ("CWE-668", "3.5.4"),
    "application.cookies_secure": COOKIES,
    "headers.security": ("CWE-693", "3.4.4"),
    "docs.content_security_policy": ("CWE-693", "3.4.3"),
    "docs.hidden": ("CWE-200", "13.4.6"),
    "limits.body": ("CWE-770", ""),
    "limits.header_block": ("CWE-770", ""),
    "limits.websocket": ("CWE-770", ""),
    "limits.websocket_compression": ("CWE-409", ""),
    "logs.no_query": ("CWE-532", "16.2.5"),
    "tls.certificate": ("CWE-295", "12.2.2"),
}
CWE = {id: cwe for id, (cwe, _) in _BOTH.items()}
ASVS = {id: asvs for id, (_, asvs) in _BOTH.items() if asvs}
