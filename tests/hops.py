"""`python -m tests.hops`: follows one request through each entrypoint of the running stack, and prints what
was sent and what the application saw; `--write` puts that into docs/how-it-works.md."""

import http.client
import json
import re
import ssl
import sys

from behindproxy.stack import state
from behindproxy.stack.paths import CA_FILE, ROOT
from behindproxy.stack.settings import StackSettings

PATH = ROOT / "docs" / "how-it-works.md"
BLOCK = re.compile(r"(?<=<!-- hops -->\n```text\n).*?(?=```\n<!-- /hops -->)", re.DOTALL)
# A client's inventions, to show what becomes of them.
HEADERS = {
    "User-Agent": "somebody",
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Prefix": "/evil",
    "Forwarded": "for=6.6.6.6;proto=https",
}
FIELDS = ("client", "scheme", "root_path", "path", "raw_path", "url")
VARIES = {"x-forwarded-server": "the proxy's host name", "x-request-id": "made by the application"}


def follow(settings: StackSettings, entrypoint: str) -> list[str]:
    host = f"127.0.0.1:{settings.url(entrypoint).split('/')[2].rpartition(':')[2]}"
    path = ("" if entrypoint == "direct" else settings.api_prefix) + "/_probe/hop"
    connection: http.client.HTTPConnection
    if entrypoint == "https":
        context = ssl.create_default_context(cafile=str(CA_FILE))
        connection = http.client.HTTPSConnection(host, timeout=10, context=context)
    else:
        connection = http.client.HTTPConnection(host, timeout=10)
    connection.request("GET", path, headers=HEADERS)
    answer = connection.getresponse()
    scope = json.loads(answer.read())
    lines = [
        f"the client sends to {'https' if entrypoint == 'https' else 'http'}://{host}",
        f"  GET {path}",
        f"  Host: {host}",
        *(f"  {name}: {value}" for name, value in HEADERS.items()),
        "",
    ]
    headers = sorted((name, VARIES.get(name, value)) for name, value in scope["headers"])
    lines += ["the application gets", *(f"  {name}: {value}" for name, value in headers), "", "and derives"]
    return [*lines, *(f"  {key:<10} {shown(scope[key])}" for key in FIELDS), ""]


def shown(value: object) -> str:
    # The port of a caller is another one each time; of a forwarded address none is known, and that is 0.
    return (
        re.sub(r"^(\S+):[1-9]\d*$", r"\1:PORT", "{}:{}".format(*value))
        if isinstance(value, list)
        else str(value)
    )


def text() -> str:
    running = state.load()
    if not running:
        raise SystemExit("the stack is not running: make up")
    lines = [
        f"=== {entrypoint} ===\n" + "\n".join(follow(running[1], entrypoint))
        for entrypoint in ("http", "https", "direct")
    ]
    result = "\n".join(lines)
    for key, default in (("http_port", "9999"), ("https_port", "9443"), ("direct_port", "8000")):
        result = result.replace(f":{getattr(running[1], key)}", f":{default}")
        result = re.sub(rf"(x-forwarded-port: ){getattr(running[1], key)}\b", rf"\g<1>{default}", result)
    return result


if __name__ == "__main__":
    if "--write" in sys.argv:
        diagram = text()
        PATH.write_text(BLOCK.sub(lambda _: diagram, PATH.read_text()))
    else:
        print(text(), end="")
