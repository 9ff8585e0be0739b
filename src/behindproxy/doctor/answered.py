"""Why an address gave the answer that it gave."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from .addresses import in_url
from .asking import who
from .checks import parts as of_parts
from .facts import Answer, Facts
from .findings import cause
from .step import Step


def loop(facts: Facts, answer: Answer) -> Iterator[Step]:
    schemes = {urlsplit(url).scheme for url in (answer.url, *answer.hops)}
    yield cause("url.redirect_loop", case="schemes" if schemes == {"http", "https"} else "")


def http(facts: Facts, answer: Answer) -> Iterator[Step]:
    if answer.status < 400:
        if (
            answer.hops
            and urlsplit(answer.hops[0]).scheme == "https"
            and urlsplit(answer.url).scheme == "http"
        ):
            yield cause("url.downgraded")
        return
    explain = {404: _not_found, 502: _no_application, 503: _no_application, 504: _too_slow}.get(answer.status)
    if explain:
        yield from explain(facts, answer)
    elif answer.status == 400 and "host" in answer.body.lower():
        yield cause("url.host_refused", host=urlsplit(answer.url).netloc)
    elif answer.status == 400 and "HTTPS" in answer.body:
        https_url = answer.url.replace("http:", "https:", 1)
        yield cause("url.speaks_tls", port=answer.port, https_url=https_url)
    elif answer.status in (401, 403):
        yield cause("url.not_allowed", server=who(answer) or "the server")
    elif answer.status == 405:
        yield cause("url.method")
    elif answer.status == 429:
        yield cause("url.too_many", seconds=answer.headers.get("retry-after", "some"))
    elif answer.status >= 500:
        yield cause("url.application_failed", status=answer.status)
    else:
        yield cause("url.refused_by_application", status=answer.status, body=answer.body[:120])


def _not_found(facts: Facts, answer: Answer) -> Iterator[Step]:
    settings, parts = facts.settings, urlsplit(answer.url)
    by_name = facts.elsewhere.get("localhost")
    prefix, base = settings.api_prefix, f"{parts.scheme}://{parts.netloc}"
    if other := _answering(facts, "without prefix"):
        yield cause("url.prefix", case="direct", prefix=prefix, url=other.url)
    elif other := _answering(facts, "with prefix"):
        yield cause("url.prefix", case="missing", prefix=prefix, url=other.url)
    elif who(answer) == "Traefik":
        known = by_name and by_name.outcome == "http" and who(by_name) != "Traefik"
        if known and parts.hostname and parts.hostname not in settings.hosts:
            hosts = ",".join([*settings.hosts, in_url(parts.hostname)])
            yield cause("url.host", host=parts.hostname, hosts=hosts)
        elif not parts.path.startswith(prefix):
            yield cause(
                "url.prefix", case="router", path=parts.path, prefix=prefix, url=f"{base}{prefix}/app"
            )
        else:
            yield cause("url.no_route", case="router", routes_error=facts.routes_error)
    else:
        inside = prefix if parts.path.startswith(prefix + "/") else ""
        yield cause(
            "url.no_such_path",
            server=who(answer) or "the server",
            path=parts.path,
            docs_url=f"{base}{inside}/docs",
        )


def _answering(facts: Facts, name: str) -> Answer | None:
    """The answer to this variant of the URL, where it is a good one."""
    other = facts.elsewhere.get(name)
    return other if other and other.outcome == "http" and other.status < 400 else None


def _no_application(facts: Facts, answer: Answer) -> Iterator[Step]:
    if facts.target_ours and facts.runtime:
        causes = [step for step in of_parts(facts) if step.finding]
        if causes:
            yield from causes
            return
    yield cause("url.no_application", case="502" if answer.status == 502 else "503")


def _too_slow(facts: Facts, answer: Answer) -> Iterator[Step]:
    yield cause("url.too_slow")
