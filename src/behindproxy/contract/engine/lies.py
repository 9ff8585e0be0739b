"""What a client may pretend to be, and what of it the application trusted."""

from .entrypoint import Entrypoint
from .seen import Seen, client_host

FAKE_IP = "6.6.6.6"
# Of those that this deployment's proxy deletes, some of each kind.
OURS = (
    "Forwarded",
    "X-Forwarded-Scheme",
    "X-Forwarded-Protocol",
    "X-Forwarded-Ssl",
    "X-Original-Url",
    "X-Rewrite-Url",
    "X-Script-Name",
    "X-Client-Ip",
    "True-Client-Ip",
    "X-Forwarded-User",
    "X-Forwarded-Preferred-Username",
    "X-Auth-Request-User",
    "X-Auth-Request-Email",
    "X-Authentik-Username",
    "Remote-User",
)


def lies(scheme: str) -> dict[str, list[tuple[str, str]]]:
    """Return sets of headers, each a way to pretend to be somebody, somewhere or something else."""
    other = "http" if scheme == "https" else "https"
    usual = [
        ("X-Forwarded-For", FAKE_IP),
        ("X-Forwarded-Proto", other),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Port", "1"),
        ("X-Forwarded-Server", "evil.example"),
        ("X-Forwarded-Prefix", "/evil"),
        ("X-Real-Ip", FAKE_IP),
    ]
    return {
        "X-Forwarded-*": usual,
        "junk": [("X-Forwarded-For", "<script>, unknown, " + "a" * 300), ("X-Forwarded-Proto", "wss")],
        "scheme javascript": [("X-Forwarded-Proto", "javascript")],
        "Forwarded": [("Forwarded", f"for={FAKE_IP};proto={other};host=evil.example")],
        "old names": [
            ("X-Forwarded-Scheme", other),
            ("X-Forwarded-Protocol", "ssl"),
            ("X-Forwarded-Ssl", "on"),
            ("X-Scheme", other),
            ("Front-End-Https", "on"),
            ("X-Client-Ip", FAKE_IP),
            ("True-Client-Ip", FAKE_IP),
            ("CF-Connecting-IP", FAKE_IP),
        ],
        "rewrites": [
            ("X-Original-Url", "/docs"),
            ("X-Rewrite-Url", "/docs"),
            ("X-Script-Name", "/evil"),
            ("Script-Name", "/evil"),
            ("X-Original-Host", "evil.example"),
        ],
        "_ for -": [(name.replace("-", "_"), value) for name, value in usual],
        ". for -": [(name.replace("-", "."), value) for name, value in usual],
        "lower case": [(name.lower(), value) for name, value in usual],
        "twice": [*usual, *usual],
        "a list": [("X-Forwarded-For", f"{FAKE_IP}, 127.0.0.1"), ("X-Forwarded-Proto", f"{other}, {other}")],
    }


View = dict[str, str | int | dict[str, str] | None]


def view(scope: Seen) -> View:
    """Return what no header may change. The client's port is left out: each connection has its own."""
    return {
        "scheme": scope["scheme"],
        "root_path": scope["root_path"],
        "path": scope["path"],
        "raw_path": scope["raw_path"],
        "url": scope["url"],
        "base_url": scope["base_url"],
        "url_for": scope["url_for"],
        "client": client_host(scope),
    }


def trusted(entrypoint: Entrypoint, sets: dict[str, list[tuple[str, str]]]) -> dict[str, View]:
    """Return what each set changed in the application's view."""
    honest = view(entrypoint.probe())

    def changed(name: str) -> View:
        views = view(entrypoint.probe(headers=sets[name]))
        return {key: views[key] for key in honest if views[key] != honest[key]}

    return entrypoint.each(sets, changed)
