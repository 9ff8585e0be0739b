"""Why an address gave the response that it gave."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from . import access_log, hosts
from .addresses import in_url
from .checks import parts as of_parts
from .checks import process
from .facts import Answer, Facts
from .findings import cause
from .step import Step
from .writer import itself, words, writer

TLS_PAGE = re.compile(r"HTTP request (was sent )?to (an )?HTTPS (server|port)|plain HTTP to an SSL-enabled")
# What a proxy's limits are called, in its own configuration.
LIMITS = {
    "nginx": "proxy_connect_timeout and proxy_read_timeout",
    "HAProxy": "timeout connect and timeout server",
    "Caddy": "dial_timeout and response_header_timeout",
    "Traefik": "dialTimeout and responseHeaderTimeout of its serversTransport",
    "Envoy": "connect_timeout of its cluster and timeout of its route",
}


def loop(facts: Facts, answer: Answer) -> Iterator[Step]:
    schemes = {urlsplit(url).scheme for url in (answer.url, *answer.hops)}
    if answer.hops[-1:] == (answer.url,):
        yield cause("url.redirect_loop", case="itself")
    else:
        yield cause("url.redirect_loop", case="schemes" if schemes == {"http", "https"} else "")


def http(facts: Facts, answer: Answer) -> Iterator[Step]:
    if downgraded(answer) and (answer.status < 400 or TLS_PAGE.search(answer.body)):
        yield cause("url.downgraded")
        return
    if answer.status < 400:
        return
    if refusing := list(hosts.refused(facts, answer)):
        yield from refusing
        return
    explain = {400: _bad_request, 404: _not_found, 502: _gateway, 503: _gateway, 504: _gateway}
    if answer.status == 500 and writer(facts, answer) == "Traefik":
        yield from _gateway(facts, answer)  # as where it speaks https to a server that does not
    else:
        yield from explain.get(answer.status, _other)(facts, answer)


def downgraded(answer: Answer) -> bool:
    """Whether redirects led from https to http."""
    first = answer.hops[0] if answer.hops else answer.url
    return urlsplit(first).scheme == "https" and urlsplit(answer.url).scheme == "http"


def _other(facts: Facts, answer: Answer) -> Iterator[Step]:
    server, here = writer(facts, answer) or "the server", bool(facts.stack_at(answer.port))
    if answer.status == 401:
        yield cause("url.not_allowed", server=server)
    elif answer.status == 403:
        yield cause("url.not_allowed", case="forbidden", server=server)
    elif answer.status == 405:
        yield cause("url.method", allowed=answer.headers.get("allow", ""))
    elif answer.status == 429:
        seconds = answer.headers.get("retry-after", "some")
        yield cause("url.too_many", case="stack" if here else "", seconds=seconds)
    elif answer.status >= 500:
        yield _failed(facts, answer)
    else:
        body = words(answer)
        yield cause("url.refused_by_application", server=server, status=answer.status, body=body)


def _failed(facts: Facts, answer: Answer) -> Step:
    return cause(
        "url.application_failed",
        case="stack" if facts.stack_at(answer.port) else "",
        server=writer(facts, answer) or "the server",
        status=answer.status,
        body=words(answer),
    )


def _bad_request(facts: Facts, answer: Answer) -> Iterator[Step]:
    path, passing = urlsplit(answer.url).path, access_log.allowed_characters(facts.settings)
    refused, contained = access_log.encoded(path, passing), ", ".join(access_log.encoded(path))
    without = facts.elsewhere.get("not encoded")
    proxied = facts.stack_at(answer.port) in ("http", "https")
    # The application's response has an id here; elsewhere an empty one may be the application's.
    empty = not answer.body and not writer(facts, answer) and "content-type" not in answer.headers
    if TLS_PAGE.search(answer.body):
        https_url = answer.url.replace("http:", "https:", 1)
        yield cause("url.speaks_tls", port=answer.port, https_url=https_url)
    elif empty and refused and proxied:
        characters = ",".join([*passing, *refused])
        yield cause("url.encoded", characters=", ".join(refused), listed=characters)
    elif empty and contained and without and without.outcome == "http" and without.status != 400:
        yield cause("url.encoded", case="elsewhere", characters=contained, status=without.status)
    elif empty and proxied:
        yield cause("url.bad_request", path=path)
    else:
        yield from _other(facts, answer)


def _not_found(facts: Facts, answer: Answer) -> Iterator[Step]:
    settings, parts, here = facts.settings, urlsplit(answer.url), facts.stack_at(answer.port)
    prefix, base = settings.api_prefix, f"{parts.scheme}://{parts.netloc}"
    for name, case in (("without prefix", "direct"), ("with prefix", "missing")):
        if other := _answering(facts, name):
            yield _other_path(here, case, prefix, parts.path, other)
            return
    by_name = facts.elsewhere.get("localhost")
    unknown = bool(parts.hostname) and parts.hostname not in (*settings.hosts, "localhost")
    if parts.scheme == "http" and (here == "https" or _answering(facts, "https")):
        https_url = answer.url.replace("http:", "https:", 1)
        yield cause("url.speaks_tls", port=answer.port, https_url=https_url)
    elif here and writer(facts, answer) == "Traefik":
        if unknown and by_name and by_name.outcome == "http" and writer(facts, by_name) != "Traefik":
            names = ",".join([*settings.hosts, in_url(str(parts.hostname))])
            yield cause("url.host", host=parts.hostname, hosts=names)
        elif not parts.path.startswith(prefix):
            url = f"{base}{prefix}/app"
            yield cause("url.prefix", case="router", path=parts.path, prefix=prefix, url=url)
        else:
            yield cause("url.no_route", case="router", routes_error=facts.routes_error)
    elif not here and parts.hostname != "localhost" and (differs := _of_localhost(facts, answer)):
        yield cause("url.host", case="elsewhere", host=parts.hostname, answer=differs)
    elif writer(facts, answer) == "Traefik":
        yield cause("url.no_route", case="elsewhere", path=parts.path)
    elif '"detail":"Not Found"' in answer.body and (here or itself(facts, answer)):
        inside = prefix if here and parts.path.startswith(prefix + "/") else ""
        docs_url = f"{base}{inside}/docs"
        yield cause("url.no_such_path", case="fastapi", path=parts.path, docs_url=docs_url)
    else:
        yield cause("url.no_such_path", server=writer(facts, answer) or "the server", path=parts.path)


def _of_localhost(facts: Facts, answer: Answer) -> str:
    """Return what comes for localhost, where it is another response, or another's."""
    by_name = facts.elsewhere.get("localhost")
    if not by_name or by_name.outcome != "http":
        return ""
    name = writer(facts, by_name)
    if (by_name.status, name) == (answer.status, writer(facts, answer)):
        return ""
    return f"{by_name.status} from {name}" if name else str(by_name.status)


def _answering(facts: Facts, name: str) -> Answer | None:
    """Return the response to this variant of the URL, where it is a good one."""
    other = facts.elsewhere.get(name)
    return other if other and other.outcome == "http" and other.status < 400 else None


def _other_path(here: str, case: str, prefix: str, path: str, other: Answer) -> Step:
    if not here:
        elsewhere = urlsplit(other.url).path
        return cause("url.prefix", case="elsewhere", path=path, found=elsewhere, url=other.url)
    if case == "direct":
        return cause("url.prefix", case="direct", prefix=prefix, url=other.url)
    return cause("url.prefix", case="missing", prefix=prefix, url=other.url)


def _gateway(facts: Facts, answer: Answer) -> Iterator[Step]:
    """502, 503 or 504: the application's own, or of a proxy that has no response from it."""
    here, by = facts.stack_at(answer.port), writer(facts, answer)
    if by == "the application" or here == "direct" or (here and answer.status == 500):
        yield _failed(facts, answer)
    elif here:
        causes = [step for step in of_parts(facts) if step.finding]
        yield from causes or _no_application(facts, answer)
    elif waiting := list(connecting(facts, answer)):
        yield from waiting
    elif not by:
        yield cause("url.gateway", case="unknown", status=answer.status)
    elif answer.status == 504:
        limits = LIMITS.get(by, "its limits")
        yield cause("url.gateway", case="504", server=by, seconds=f"{answer.seconds:.1f}", limits=limits)
    else:
        yield cause("url.gateway", server=by, status=answer.status)


def connecting(facts: Facts, answer: Answer) -> Iterator[Step]:
    """Where what listens here gets no connection."""
    for listener in facts.at(answer.port):
        if facts.connecting and listener.takes(answer.address):
            upstream = ", ".join(facts.connecting)
            yield cause("url.gateway", case="connecting", process=process(listener), upstream=upstream)
            return


def _no_application(facts: Facts, answer: Answer) -> Iterator[Step]:
    """In this stack: by what Traefik's access log says of this request."""
    path = urlsplit(answer.url).path
    logged = [one for one in facts.requests if one.path.partition("?")[0] == path]
    last = next((one for one in reversed(logged) if one.status == answer.status), None)
    which = access_log.limit(last, facts.settings) if last else ""
    limit = access_log.answer_seconds(facts.settings)
    if last and which == "answer" and access_log.near(last.wait_seconds, limit):
        yield cause(
            "url.answer_limit", path=path, seconds=f"{last.wait_seconds:.1f}", limit=limit, more=limit * 2
        )
    elif last and which == "answer":
        yield cause("url.answer_limit", case="edited", path=path, seconds=f"{last.wait_seconds:.1f}")
    elif last and which == "server":
        yield cause("url.server_ended", case="stack", path=path, seconds=f"{last.wait_seconds:.1f}")
    elif answer.status == 504 and not which:
        yield cause("url.no_application", case="504", seconds=f"{answer.seconds:.1f}", limit=limit)
    else:
        yield cause("url.no_application", case="503" if answer.status == 503 else "502")
