"""Send a request as a client would, and say what came of it in one word."""

import contextlib
import errno
import http.client
import socket
import ssl
import threading
import time
from dataclasses import replace
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from .facts import Answer

SECONDS = 1.0  # for a connection, and again for the response where no other time is given
WHOLE_SECONDS = 1.5  # then no redirect is followed, and no further address of a name tried
REDIRECTS = 5
BODY_BYTES = 4096


def resolve(host: str) -> list[str]:
    """Return the addresses of `host`, in the order in which a client tries them. Raise OSError."""
    host = host.strip("[]")
    try:
        return [str(ip_address(host))]
    except ValueError:
        return _look_up(host)


def _look_up(host: str) -> list[str]:
    """In a thread of its own: a name server that is silent holds getaddrinfo for ten seconds and more."""
    results: list[Any] = []

    def ask_for_it() -> None:
        try:
            results.append(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
        except OSError as error:
            results.append(error)
        except UnicodeError:
            results.append(OSError("it is no host name"))

    asking = threading.Thread(target=ask_for_it, daemon=True)
    asking.start()
    asking.join(WHOLE_SECONDS)
    if not results:
        raise OSError("the name server does not answer")
    if isinstance(results[0], OSError):
        raise results[0]
    return list(dict.fromkeys(address[4][0].split("%")[0] for address in results[0]))


def ask(
    url: str,
    *,
    address: str = "",
    port: int = 0,
    ca_file: str = "",
    follow: bool = False,
    seconds: float = SECONDS,
) -> Answer:
    """One GET of `url`, at `address` and `port` where given, else where its host leads; `follow`:
    redirects too. A name with several addresses: the last one's response, or the first that connects.
    `seconds` are for the response to begin."""
    hops: list[str] = []
    deadline = time.monotonic() + max(WHOLE_SECONDS, seconds)
    while True:
        remaining = max(SECONDS, deadline - time.monotonic())
        answer = _try_each(url, address, port, ca_file, min(seconds, remaining))
        if not (
            follow
            and answer.outcome == "http"
            and answer.status in (301, 302, 303, 307, 308)
            and "location" in answer.headers
            and time.monotonic() < deadline
        ):
            break
        try:
            following = urljoin(url, answer.headers["location"])
            is_usable = urlsplit(following).scheme in ("http", "https") and urlsplit(following).port != 0
        except ValueError:  # a port above 65535, a bracket that stays open
            is_usable = False
        if not is_usable:
            break
        hops.append(url)
        url = following
        if url in hops or len(hops) > REDIRECTS:
            answer = Answer(url, answer.address, answer.port, "loop", answer.status, answer.headers)
            break
        address, port = "", 0
    return replace(answer, hops=tuple(hops))


def _try_each(url: str, address: str, port: int, ca_file: str, seconds: float) -> Answer:
    parts = urlsplit(url)
    port = port or parts.port or (443 if parts.scheme == "https" else 80)
    try:
        candidates = [address] if address else resolve(parts.hostname or "")
    except OSError as error:
        return Answer(url, "", port, "no_name", detail=error.strerror or str(error))
    deadline = time.monotonic() + WHOLE_SECONDS
    without: list[str] = []
    for candidate in candidates:
        answer = _once(url, candidate, port, ca_file, seconds)
        if answer.outcome not in ("refused", "unreachable", "timed_out") or time.monotonic() > deadline:
            break
        if not ip_address(candidate).is_loopback:  # localhost: most servers listen on one of its two
            without.append(f"{candidate} ({answer.text})")
    return replace(answer, without=tuple(without))


def _once(url: str, address: str, port: int, ca_file: str, seconds: float) -> Answer:
    start = time.monotonic()

    def came(outcome: str, detail: str = "") -> Answer:
        return Answer(url, address, port, outcome, detail=detail, seconds=time.monotonic() - start)

    parts = urlsplit(url)
    try:
        connection = socket.create_connection((address, port), timeout=SECONDS)
    except TimeoutError:
        return came("timed_out")
    except ConnectionRefusedError:
        return came("refused")
    except OSError as error:
        if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EACCES):
            return came("unreachable", error.strerror or "")
        return came("reset", str(error))
    try:
        connection.settimeout(seconds)
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=ca_file or None)
            connection = context.wrap_socket(connection, server_hostname=parts.hostname)
        response = _response(connection, parts)
        answer = came("http")
        headers = {name.lower(): value for name, value in response.getheaders()}
        body = _beginning(connection, response)
        return replace(answer, status=response.status, headers=headers, body=body)
    except ssl.SSLCertVerificationError as error:
        return came("certificate", error.verify_message)
    except ssl.SSLError as error:
        return came("not_tls", error.reason or str(error))
    except TimeoutError:
        return came("silent")
    except http.client.RemoteDisconnected:
        return came("closed")
    except ConnectionError:
        return came("reset")
    except (http.client.HTTPException, ValueError) as error:
        return came("not_http", repr(error)[:80])
    finally:
        connection.close()


def _response(connection: socket.socket, parts: SplitResult) -> http.client.HTTPResponse:
    client = http.client.HTTPConnection(parts.hostname or "", parts.port)
    client.sock = connection
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    client.request("GET", path, headers={"Accept": "*/*", "Connection": "close", "User-Agent": "doctor"})
    return client.getresponse()


def _beginning(connection: socket.socket, response: http.client.HTTPResponse) -> str:
    """Return the body's first bytes, or what of them comes within SECONDS: a stream's headers are an
    answer."""
    body, deadline = b"", time.monotonic() + SECONDS
    with contextlib.suppress(OSError, http.client.HTTPException):
        while len(body) < BODY_BYTES and (remaining := deadline - time.monotonic()) > 0:
            connection.settimeout(remaining)
            if not (more := response.read1(BODY_BYTES - len(body))):
                break
            body += more
    return body.decode(errors="replace")


def speaks_tls(address: str, port: int) -> bool:
    """Whether a TLS handshake gets a response there, with whatever certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection((address, port), timeout=SECONDS) as connection:
            context.wrap_socket(connection).close()
    except OSError:
        return False
    return True
