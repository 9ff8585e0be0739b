"""What may be sent to an application that is not the demonstration: nothing that could change it.

Every client of the suite shows each request here before it is sent, so a check that forgot to say
`unsafe=True` is an error and no request.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote_plus

MARKER = ("x-demonstration", "fastapi-behind-traefik")  # app/marker.py sets it
SAFE = ("GET", "HEAD", "OPTIONS")
# Headers and keys of a query that tell some frameworks to treat the request as another method.
OVERRIDES = {"-method", "x-http-method", "x-http-method-override", "x-method-override"}
BODIES = {"content-length", "transfer-encoding"}
# GET changes nothing where an application keeps to HTTP; not all do. A link, or a path of a schema, that is
# called like something done is not requested.
CAREFUL = re.compile(
    r"log-?out|sign-?out|delete|remove|unsubscribe|reset|shutdown|restart|purge|revoke|truncate|activate|deploy|migrate"
    r"|(?<![a-z])(?:run|toggle|send|rm|flush|disable|enable|archive|wipe|cancel|approve|reject|trigger|ban|stop|kill"
    r"|drop|clear|execute|exec|reload|rebuild|sync|import|pay|buy|transfer|confirm|publish|invite)(?![a-z])",
    re.IGNORECASE,
)
REASON = (
    "what answers here is not the demonstration: without --unsafe (make: UNSAFE=1) it gets GET, HEAD "
    "and OPTIONS only"
)
# One request, its head whole and nothing behind it: what proxy and server cannot read differently.
PLAIN = re.compile(r"([^ \r\n]+) ([^ \r\n]+) HTTP/1\.[01]\r\n((?:[^\s:]+:[^\r\n]*\r\n)*)\r\n")


class Refused(RuntimeError):
    """A request that was not sent, since it could change something of a third party's."""


def is_marked(headers: Mapping[str, str]) -> bool:
    name, value = MARKER
    return value in headers.get(name, "").split(", ")


def overrides(name: str) -> bool:
    """Whether a header or a key of the query is read as the method by some framework."""
    return re.sub(r"[_.]", "-", name.strip().lower()) in OVERRIDES


def harm(method: str, target: str, headers: Iterable[tuple[str, str]]) -> str:
    """Return what in a request could change something; empty where nothing does."""
    if method not in SAFE:
        return f"method {method}"
    keys = re.split("[&;]", target.partition("?")[2])
    if any(overrides(unquote_plus(key.partition("=")[0])) for key in keys):
        return "a method in the query"
    for name, value in headers:
        if name.strip().lower() in BODIES and value.strip() != "0":
            return f"a body under {method}"
        if overrides(name):
            return f"a method in {name}"
    return ""


def harm_in(data: str) -> str:
    """As `harm`, of a request byte for byte."""
    plain = PLAIN.fullmatch(data)
    if not plain:
        return "a request that can be read in two ways"
    method, target, lines = plain.groups()
    pairs = [line.partition(":")[::2] for line in lines.splitlines()]
    if any(name.lower() in BODIES for name, _ in pairs):
        return "the length of a body, byte for byte"
    return harm(method, target, pairs)
