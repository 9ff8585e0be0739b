"""Where a reader opens the source of a check."""

import re

# The pages whose headings checks name.
PAGES = {
    "Behind a Proxy": "https://fastapi.tiangolo.com/advanced/behind-a-proxy/",
    "Compose file reference": "https://docs.docker.com/reference/compose-file/",
    "Content Security Policy Level 3": "https://www.w3.org/TR/CSP3/",
    "Docker": "https://docs.docker.com/engine/network/packet-filtering-firewalls/",
    "OWASP API Security Top 10 2023": "https://owasp.org/API-Security/editions/2023/en/0x11-t10/",
    "OWASP HTTP Headers Cheat Sheet": (
        "https://cheatsheetseries.owasp.org/cheatsheets/HTTP_Headers_Cheat_Sheet.html"
    ),
    "Schemathesis": "https://schemathesis.readthedocs.io/",
    "Traefik": "https://doc.traefik.io/traefik/",
    "W3C Trace Context": "https://www.w3.org/TR/trace-context/",
    "nginx": "https://nginx.org/en/docs/",
}
# What has an address by its form.
FORMS = {
    r"([\w.-]+/[\w.-]+)#(\d+)": r"https://github.com/\1/issues/\2",
    r"(CVE-\d{4}-\d{4,})": r"https://www.cve.org/CVERecord?id=\1",
    r"CWE-(\d+)": r"https://cwe.mitre.org/data/definitions/\1.html",
    r"RFC (\d+) › ([\d.]+).*": r"https://www.rfc-editor.org/rfc/rfc\1#section-\2",
}
# Between issues and advisories; a heading may have a comma.
COMMA = re.compile(r"(?<=\d), (?=[\w.-]+/[\w.-]+#|CVE-)")


def single(source: str) -> list[str]:
    """Return each of the sources that one line names."""
    return [one for part in source.split("; ") for one in COMMA.split(part)]


def address(source: str) -> str:
    """Return where one source is; empty for a file of this repository and what has no known address."""
    for form, there in FORMS.items():
        if match := re.fullmatch(form, source):
            return match.expand(there)
    return PAGES.get(source.partition(" › ")[0], "")


def addresses(source: str) -> list[str]:
    """Return the address of each source that a line names, once."""
    return list(dict.fromkeys(filter(None, map(address, single(source)))))
