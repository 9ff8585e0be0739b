"""What replaces an object of the code: each function takes the original and returns what is used instead.

In a mutant `[[replace]]` names the object and the function. A mutant's copy has this file as
src/sitecustomize.py, which every Python there reads first: make's, the server's, and its workers'.
It needs nothing but the standard library, for it is read before anything else is there.
"""

import importlib.machinery
import sys
from functools import partial


def value(original, is_now):
    return is_now


def installed_in(original, folder):
    """A program of build/venv/bin: the one that `packages` brought into another folder of build/."""
    return original.parents[2] / folder / "bin" / original.name


def left_out(original):
    """A middleware: what it should stand before is served without it."""
    return lambda app, *_: app


def options(original, changed=None, without=()):
    """behindproxy_serve/server.py's line(): a server's options, some with another value, some gone."""

    def line(*words, options):
        merged = {**options, **(changed or {})}
        return original(*words, options={name: merged[name] for name in merged if name not in without})

    return line


def module(original, name):
    """behindproxy_serve/server.py's command(): another module is run in place of the server."""
    return lambda settings: [sys.executable, "-m", name, str(settings.app_port)]


def not_at(original, path):
    """behindproxy_serve/order.py's RootPath: one page is served without a root path."""

    def but_not_there(app, prefix, stripped):
        without, elsewhere = original(app, "", stripped), original(app, prefix, stripped)

        async def either(scope, receive, send):
            await (without if scope.get("path") == path else elsewhere)(scope, receive, send)

        return either

    return but_not_there


def address_alone(original, trusted):
    """behindproxy_serve/order.py's ProxyToken: whoever has the address `trusted` is trusted."""
    from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

    return lambda app, trusting, token: ProxyHeadersMiddleware(app, trusted)


def trusting(original):
    """behindproxy_serve/order.py's ProxyToken: the token is not compared."""
    return lambda app, trusting, token: trusting


def with_trusted_ips(original, addresses):
    """behindproxy/stack/render.py's static(): Traefik gets another list."""

    def static(settings, native):
        import tomllib

        import tomli_w

        config = tomllib.loads(original(settings, native))
        for name in ("http", "https"):
            config["entryPoints"][name]["forwardedHeaders"] = {"trustedIPs": addresses}
        return tomli_w.dumps(config)

    return static


def plain_lines(original):
    """behindproxy_serve/middleware/lines.py's Lines.add(): lines for a person."""
    import json

    return lambda lines, line: original(lines, '{request_id} {client} "{path}"\n'.format(**json.loads(line)))


def buffered_lines(original):
    """The same, with a buffer that is written once it is full."""

    def add(lines, line):
        lines.buffer += line.encode()
        if len(lines.buffer) > 65_536:
            lines.write()

    return add


def install(changes, packages):
    """`changes` holds `(module:attribute, function, its arguments)`; each is made when its module is."""
    sys.path[:0] = packages
    by_module = {}
    for name, function, options_ in changes:
        module, _, attributes = name.partition(":")
        by_module.setdefault(module, []).append((attributes, partial(globals()[function], **options_)))
    if by_module:
        sys.meta_path.insert(0, Replacing(by_module))


class Replacing:
    """Finds the modules that are changed, and changes them when they have run."""

    def __init__(self, by_module):
        self.by_module = by_module

    def find_spec(self, name, path=None, target=None):
        if name not in self.by_module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is None:
            return None
        run = spec.loader.exec_module

        def run_and_replace(module):
            run(module)
            for attributes, function in self.by_module[name]:
                replace(module, attributes, function)

        spec.loader.exec_module = run_and_replace
        return spec


def replace(module, attributes, function):
    """Raises AttributeError where there is no such object."""
    *places, last = attributes.split(".")
    for place in places:
        module = getattr(module, place)
    setattr(module, last, function(getattr(module, last)))
