"""Why an address gave the answer that it gave."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from .addresses import in_url
from .asking import who
from .checks import parts as of_parts
from .facts import Answer, Facts
from .step import Step, notice, wrong


def loop(facts: Facts, answer: Answer) -> Iterator[Step]:
    schemes = {urlsplit(url).scheme for url in (answer.url, *answer.hops)}
    if schemes == {"http", "https"}:
        cause = "one sends to https and the other back to http"
    else:
        cause = "proxy and application each want another path, as with a slash at its end"
    yield wrong("url.redirect_loop", "cause", f"the redirects go in a circle: {cause}",
                "the application must believe X-Forwarded-Proto of its proxy (TRUSTED_PROXIES), and only one of both may redirect")  # fmt: skip


def http(facts: Facts, answer: Answer) -> Iterator[Step]:
    if answer.status < 400:
        if (
            answer.hops
            and urlsplit(answer.hops[0]).scheme == "https"
            and urlsplit(answer.url).scheme == "http"
        ):
            yield wrong("url.downgraded", "cause", "a redirect leads from https to http: the application does not believe "
                        "its proxy's X-Forwarded-Proto", "TRUSTED_PROXIES, and --forwarded-allow-ips of the server")  # fmt: skip
        return
    explain = {404: _not_found, 502: _no_application, 503: _no_application, 504: _too_slow}.get(
        answer.status
    )
    if explain:
        yield from explain(facts, answer)
    elif answer.status == 400 and "host" in answer.body.lower():
        yield wrong("url.host_refused", "cause", f"the application does not know the host {urlsplit(answer.url).netloc}",
                    "its TrustedHostMiddleware or PUBLIC_HOSTS must have it")  # fmt: skip
    elif answer.status == 400 and "HTTPS" in answer.body:
        yield wrong(
            "url.speaks_tls",
            "cause",
            f"{answer.port} speaks TLS",
            answer.url.replace("http:", "https:", 1),
        )
    elif answer.status in (401, 403):
        yield wrong(
            "url.not_allowed",
            "cause",
            f"{who(answer) or 'the server'} asks who you are",
            "send credentials",
        )
    elif answer.status == 405:
        yield notice("url.method", "cause", "the path is there, for another method than GET",
                     "curl -X with its method; the docs page names it")  # fmt: skip
    elif answer.status == 429:
        yield wrong("url.too_many", "cause", "too many requests from here", f"RATE_LIMIT; again in "
                    f"{answer.headers.get('retry-after', 'some')} s")  # fmt: skip
    elif answer.status >= 500:
        yield wrong("url.application_failed", "cause", f"the application answered {answer.status}", "its log has the "
                    "traceback: make logs FOLLOW=0")  # fmt: skip
    else:
        yield wrong("url.refused_by_application", "cause", f"the application answered {answer.status}", "see its answer: "
                    f"{answer.body[:120]}")  # fmt: skip


def _not_found(facts: Facts, answer: Answer) -> Iterator[Step]:
    settings, parts = facts.settings, urlsplit(answer.url)
    by_name = facts.elsewhere.get("localhost")
    for name in ("without prefix", "with prefix"):
        other = facts.elsewhere.get(name)
        if other and other.outcome == "http" and other.status < 400:
            if name == "without prefix":
                text = f"this door has no prefix: it is the application itself, where {settings.api_prefix} is root_path alone"
            else:
                text = f"the path has no {settings.api_prefix}, and Traefik routes nothing else"
            yield wrong("url.prefix", "cause", text, other.url)
            return
    if who(answer) == "Traefik":
        known = by_name and by_name.outcome == "http" and who(by_name) != "Traefik"
        if known and parts.hostname and parts.hostname not in settings.hosts:
            hosts = ",".join([*settings.hosts, in_url(parts.hostname)])
            yield wrong("url.host", "cause", f"Traefik knows no host {parts.hostname}; with localhost it answers",
                        f"PUBLIC_HOSTS={hosts} in .env, then make up")  # fmt: skip
        elif not parts.path.startswith(settings.api_prefix):
            yield wrong("url.prefix", "cause", f"no router takes {parts.path}: every path begins with {settings.api_prefix}",
                        f"{parts.scheme}://{parts.netloc}{settings.api_prefix}/app")  # fmt: skip
        else:
            yield wrong("url.no_route", "cause", "no router of Traefik takes this host and path"
                        + (f"; its last edit was refused: {facts.routes_error}" if facts.routes_error else ""),
                        "make ps; the rule in traefik/routes.toml")  # fmt: skip
    else:
        prefix = settings.api_prefix if parts.path.startswith(settings.api_prefix + "/") else ""
        yield wrong("url.no_such_path", "cause", f"{who(answer) or 'the server'} was reached, and has no path {parts.path}",
                    f"{parts.scheme}://{parts.netloc}{prefix}/docs lists a FastAPI application's paths")  # fmt: skip


def _no_application(facts: Facts, answer: Answer) -> Iterator[Step]:
    if facts.target_ours and facts.runtime:
        causes = [step for step in of_parts(facts) if step.finding]
        if causes:
            yield from causes
            return
    word = {502: "cannot connect to the application", 503: "has no application that is ready"}[
        answer.status
    ]
    yield wrong("url.no_application", "cause", f"the proxy answers, and {word}: it is down, starting, draining, or "
                "listens on 127.0.0.1 of its own container", "make ps; make logs FOLLOW=0")  # fmt: skip


def _too_slow(facts: Facts, answer: Answer) -> Iterator[Step]:
    yield wrong("url.too_slow", "cause", "the application took longer than the proxy waits (responseHeaderTimeout)",
                "make logs FOLLOW=0 shows what it does; the limit is in traefik/routes.toml")  # fmt: skip
