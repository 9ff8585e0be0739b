"""Which proxy is in front and which server behind it, as responses show; empty where they do not."""

import re
import uuid
from typing import TYPE_CHECKING

import httpx

from .expect import Expect

if TYPE_CHECKING:
    from .entrypoint import Entrypoint
    from .target import Target

PROXIES = ("traefik", "nginx", "caddy", "haproxy", "kubernetes")
SERVERS = ("uvicorn", "fastapi", "gunicorn", "hypercorn")
PRODUCT = re.compile(
    r"nginx|caddy|haproxy|traefik|envoy|uvicorn|gunicorn|hypercorn|granian|daphne", re.IGNORECASE
)
# How each refuses by itself, in words of its own.
PAGES = {
    "traefik": re.compile(r"\A(404 page not found|Bad Gateway|Gateway Timeout|no available server)\s*\Z"),
    "nginx": re.compile(r"<center>nginx"),
    "haproxy": re.compile(r"<html><body><h1>(503 Service Unavailable|400 Bad request|403 Forbidden)</h1>\s"),
    "kubernetes": re.compile(r"default backend - 404"),
}


def proxy_of(target: "Target") -> str:
    """Return the name of the proxy; empty where nothing shows it."""
    if target.ours:
        return "traefik"
    names = [name for name in ("https", "http") if name in target.addresses.keys() - target.dead.keys()]
    for name in names:
        entrypoint = target.open(name, Expect())
        for path in (f"/{uuid.uuid4().hex}", entrypoint.path("/")):
            try:
                answer = entrypoint.ask("GET", path)
            except (httpx.HTTPError, RuntimeError):
                continue
            product = PRODUCT.search(f"{answer.headers.get('via', '')} {answer.headers.get('server', '')}")
            if product and product[0].lower() in PROXIES:
                return product[0].lower()
            if product and product[0].lower() == "envoy":
                return ""
            for proxy, page in PAGES.items():
                if page.search(answer.text) and "json" not in answer.headers.get("content-type", ""):
                    return proxy
        if refused := _refusal(entrypoint):
            return refused
    return ""


def _refusal(entrypoint: "Entrypoint") -> str:
    """How the proxy answers a request without a host, which each must refuse (RFC 9112, section 3.2)."""
    try:
        answers = entrypoint.raw("GET / HTTP/1.1\r\n\r\n")
    except (OSError, ValueError, RuntimeError):
        return ""
    text = answers[0].text if answers else ""
    return next((name for name, page in PAGES.items() if page.search(text)), "")


def server_of(target: "Target") -> str:
    """Return the name of the application server; empty where nothing shows it."""
    names = [
        name for name in ("direct", "https", "http") if name in target.addresses.keys() - target.dead.keys()
    ]
    for name in names:
        try:
            answer = target.open(name, Expect()).get("/")
        except (httpx.HTTPError, RuntimeError):
            continue
        product = PRODUCT.search(answer.headers.get("server", ""))
        if product and product[0].lower() in SERVERS:
            return product[0].lower()
    return ""
