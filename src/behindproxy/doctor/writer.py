"""Who wrote a response: its body says it first, because a proxy puts its name on what it passes on, too."""

import re

from .facts import Answer, Facts

# Words of the pages that proxies make themselves.
PAGES = {
    "<center>nginx": "nginx",
    "<center>openresty": "openresty",
    "No server is available to handle this request": "HAProxy",
    "The server didn't respond in time": "HAProxy",
    "The server returned an invalid or incomplete response": "HAProxy",
    "<address>Apache": "Apache",
    "upstream connect error or disconnect/reset before headers": "Envoy",
    "upstream request timeout": "Envoy",
    "no healthy upstream": "Envoy",
}
# Traefik's name no server and are Go's plain text.
TRAEFIK = {
    "404 page not found\n",
    "Bad Gateway",
    "Gateway Timeout",
    "Internal Server Error",
    "Service Unavailable",
    "no available server\n",
    "Too Many Requests",
}
PROXIES = ("nginx", "openresty", "caddy", "haproxy", "traefik", "apache", "envoy", "istio", "cloudflare")
SERVERS = ("uvicorn", "hypercorn", "gunicorn", "granian", "daphne", "werkzeug", "waitress")
# The programs by which a process is known as a proxy, or as one that forwards a port.
PROGRAMS = ("nginx", "caddy", "haproxy", "traefik", "apache2", "httpd", "envoy", "squid", "varnishd")
FORWARDERS = ("ssh", "docker", "com.docker", "rootless", "slirp", "pasta", "socat", "kubectl", "code")
MAX_CHARACTERS = 120  # of a response


def who(answer: Answer) -> str:
    """Who wrote it: `Traefik`, `the application`, or another server's name; empty: not to be told.

    FastAPI's errors are JSON with a `detail`, Starlette's (of what is mounted) `Not Found` without an end
    of line; this stack's application has an X-Request-ID in each response.
    """
    if answer.outcome != "http":
        return ""
    if page := next((name for words, name in PAGES.items() if words in answer.body), ""):
        return page
    server = answer.headers.get("server", "")
    if server.lower().startswith(SERVERS):
        return "the application"
    if server.startswith("Caddy") and not answer.body and "via" not in answer.headers:
        return "Caddy"
    proxy = server.lower().startswith(PROXIES)
    if server and not proxy:
        return server
    kind = answer.headers.get("content-type", "")
    if "json" in kind or "x-request-id" in answer.headers or answer.body == "Not Found":
        return "the application"
    own = {"server", "x-powered-by", "etag"} & answer.headers.keys()  # Traefik writes none of them itself
    plain = not own and kind in ("", "text/plain; charset=utf-8")
    return "Traefik" if plain and answer.body in TRAEFIK else ""


def writer(facts: Facts, answer: Answer) -> str:
    """Return the same for a response to the URL, where the process that listens there may be known."""
    name, proxies = who(answer), {"", "Traefik", *PAGES.values()}
    return "the application" if name in proxies and itself(facts, answer) else name


def itself(facts: Facts, answer: Answer) -> bool:
    """Whether the process that listens there is known, and neither a proxy nor one that forwards a port."""
    if not facts.target_ours or answer.outcome != "http":
        return False
    taking = [one for one in facts.at(answer.port) if one.takes(answer.address) and one.program]
    return bool(taking) and not any(one.program.startswith(PROGRAMS + FORWARDERS) for one in taking)


def words(answer: Answer) -> str:
    """Return the beginning of what the response says, without the tags of a page."""
    page = re.sub(r"(?s)<(style|script)\b.*?(</\1>|$)|<[^>]*>", " ", answer.body)
    text = page if "html" in answer.headers.get("content-type", "") else answer.body
    return " ".join(text.split())[:MAX_CHARACTERS]
