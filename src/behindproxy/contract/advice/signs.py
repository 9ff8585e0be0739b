"""The causes that can be recognized from any application's responses, without the probe.

In the order of a request's way, the more particular before the more general.
"""

import re
from collections.abc import Callable

from .cause import ROOT_PATH, Cause, Red, proxys_own_404, public_404


def elsewhere(fits: Callable[[Red], bool]) -> Callable[[Red], bool]:
    """Return a sign that answers without a probe give: of this repository's stack the probe says more."""
    return lambda red: not red.setting.ours and fits(red)


def wrong_servers(red: Red) -> str:
    """Return what stands in the schema's servers in place of the prefix; `nothing` where there is none."""
    return red.seen("openapi.servers").rpartition("server: ")[2].strip().strip('[]"')


def without_prefix(red: Red) -> bool:
    """Addresses lack the prefix, and not since one was put together by hand: the schema, which FastAPI
    writes, lacks it too, or there is none and a redirect of Starlette's does."""
    if red("openapi.servers"):
        return wrong_servers(red) in ("nothing", "")
    has_server = red.passed("openapi.servers")
    prefix = red.setting.prefix
    led = red.seen("redirect.keeps_prefix@http*") + red.seen("redirect.removes_slash@http*")
    return (
        bool(prefix) and not has_server and (red("links.prefix") or (bool(led) and prefix + "/" not in led))
    )


def dead_at_the_bare_prefix_alone(red: Red) -> bool:
    """Whether what a page loads is not there for the page at the bare prefix, and for no other."""
    pages = re.findall(r"(?m)^ +(\S+) ->", red.seen("application.assets"))
    return bool(red.setting.prefix) and pages == [red.setting.prefix]


def names_the_server(red: Red) -> bool:
    """Whether addresses have the deployment's host and a port that is written out, and not the client's: the
    server's own address stands in Host."""
    url = red.seen("links.port").partition(": ")[2]
    return bool(re.search(r"://[^/\s\"]+:\d+", url))


def another_prefix(red: Red) -> bool:
    servers = wrong_servers(red)
    return servers.startswith("/") and not servers.endswith("/") and servers != red.setting.prefix


def steers(red: Red, place: str, *names: str) -> bool:
    """Whether one of these sets of invented headers steers an address at this place."""
    return red.says(f"trust.redirect_not_steered@{place}", *(f"{name} ->" for name in names))


SCHEME = (
    "links.scheme@*",
    "links.port@https",
    "redirect.*@https",
    "http2.*",
    "docs.*@https",
    "openapi.*@https",
    "host.own_port@https",
    "trust.redirect_not_steered@http*",
    "application.cookies_secure@*",
    "application.redirects@https",
)
PREFIX = (
    "links.prefix@*",
    "redirect.*",
    "openapi.*",
    "docs.*",
    "application.*",
    "http2.*",
    "mount.*",
    "static.*",
    "host.own_port@*",
    "app.*",
    "browser.pages@*",
)
HOST = (
    "links.host@*",
    "links.port@*",
    "redirect.*",
    "host.*",
    "http2.*",
    "application.redirects@*",
    "docs.*",
    "app.answers@*",
)

ANSWERS = (
    Cause(
        "host_lost",
        "the proxy does not pass Host on as the client sent it",
        elsewhere(
            lambda red: (
                red("links.host")
                or names_the_server(red)
                or red.says("redirect.keeps_prefix@http*", *red.hosts_elsewhere())
            )
        ),
        (*HOST, "links.prefix@*"),
    ),
    Cause(
        "root_path_not_prepended",
        "root_path is set in the code, or by a server that does not prepend it, and so not prepended to "
        "the stripped path",
        elsewhere(lambda red: red("app.doubled_prefix@http*")),
        (
            "app.doubled_prefix@*",
            "app.direct_path_has_no_prefix@*",
            "docs.direct_is_for_the_proxy@*",
            *PREFIX,
        ),
        line=ROOT_PATH,
    ),
    Cause(
        "own_hosts",
        "the application's own list of hosts refuses the deployment's name (TrustedHostMiddleware, or an MCP "
        "server's)",
        elsewhere(
            lambda red: (
                red.says("app.answers@http*", "400", "421", "403")
                and not red.says("app.answers@http*", "404")
            )
        ),
        ("*@http", "*@https"),
        line=r"TrustedHostMiddleware|allowed_hosts",
    ),
    Cause(
        "not_stripped",
        "the application does not have the paths that arrive, since the proxy does not strip the prefix "
        "or strips a different one, or FastAPI(root_path=) contradicts the server's",
        elsewhere(lambda red: public_404(red) and not proxys_own_404(red)),
        line=ROOT_PATH,
    ),
    Cause(
        "root_path_slash",
        "the server's root path has a trailing slash, or no leading one",
        elsewhere(
            lambda red: (
                wrong_servers(red).endswith("/")
                or bool(red.setting.prefix)
                and (
                    red.says("redirect.*", f"{red.setting.prefix}//")
                    or red.says("links.prefix", f"{red.setting.prefix}//")
                )
            )
        ),
        PREFIX,
    ),
    Cause(
        "prefix_twice",
        "the prefix is added twice, since the proxy rewrites a URL that already has it",
        elsewhere(
            lambda red: (
                bool(red.setting.prefix)
                and (
                    red.says("redirect.*", red.setting.prefix * 2)
                    or red.says("links.prefix", red.setting.prefix * 2)
                    or red.says("application.cookies", red.setting.prefix * 2)
                )
            )
        ),
        (*PREFIX, "application.cookies@*"),
    ),
    Cause(
        "one_path",
        "every path gets the same response, since the proxy sends the server one path for all requests",
        elsewhere(lambda red: red.says("app.not_found_is_the_applications", "one and the same")),
        ("*@http", "*@https"),
    ),
    Cause(
        "root_path_differs",
        "the server has a different prefix than the proxy",
        elsewhere(another_prefix),
        PREFIX,
    ),
    Cause("root_path_unset", "the root path is not set on the server", elsewhere(without_prefix), PREFIX),
    Cause(
        "scheme_not_sent",
        "the proxy does not send X-Forwarded-Proto",
        elsewhere(
            lambda red: (
                red("links.scheme@https")
                and steers(red, "https", "X-Forwarded-*", "junk", "lower case", "a list")
            )
        ),
        SCHEME,
    ),
    Cause(
        "proxy_redirects_itself",
        "a proxy answers the bare prefix with a redirect of its own, to an address that is not the client's",
        elsewhere(
            lambda red: (
                red.says("redirect.start_page", "Location of")
                and (red.spared("redirect.keeps_prefix") or red.spared("links.scheme"))
                and not red("redirect.keeps_prefix")
                and not red("links.*")
            )
        ),
        ("redirect.start_page@*",),
    ),
    Cause(
        "scheme_lost",
        "the server does not trust the proxy, or the proxy does not send X-Forwarded-Proto",
        elsewhere(
            lambda red: (
                (red("links.scheme@https") or red.says("redirect.*@https", "http://"))
                and not red("scope.client")
            )
        ),
        (*SCHEME, "application.client_address@*", "websocket.opens@https"),
    ),
    Cause(
        "scheme_overwritten",
        "X-Forwarded-Proto is overwritten on the way, and is https for http too",
        elsewhere(lambda red: red("links.scheme@http") and not red("links.scheme@https")),
        (
            "links.*@http",
            "redirect.*@http",
            "trust.redirect_not_steered@http",
            "host.own_port@http",
            "application.*@http",
        ),
    ),
    Cause(
        "query_lost",
        "the query is lost on the way",
        elsewhere(lambda red: red("redirect.keeps_query") and not red("redirect.keeps_prefix")),
        ("redirect.keeps_query@*",),
    ),
    Cause(
        "errors_replaced",
        "the proxy replaces the application's error page with its own",
        elsewhere(lambda red: red("app.not_found_is_the_applications") and not red("app.answers")),
        ("app.not_found_is_the_applications@*", "path.same_at_server@*"),
    ),
    Cause(
        "slashes_merged",
        "the proxy decodes a path or merges its slashes before it passes it on",
        elsewhere(lambda red: red("path.same_at_server")),
        ("path.same_at_server@*",),
    ),
    Cause(
        "relative_pages",
        "at the bare prefix, without a trailing slash, a page resolves its relative files one level up",
        elsewhere(dead_at_the_bare_prefix_alone),
        ("application.assets@*", "application.requests@*", "browser.pages@*"),
    ),
    Cause(
        "bare_prefix",
        "the bare prefix is not routed, or not stripped",
        elsewhere(lambda red: red("redirect.start_page") and not red("app.answers@http*")),
        ("redirect.start_page@*", "application.assets@*", "browser.pages@*"),
    ),
    Cause(
        "port_lost",
        "the proxy passes Host on without its port",
        elsewhere(
            lambda red: red("links.port") or red("redirect.keeps_prefix@http*") and red("host.own_port")
        ),
        HOST,
    ),
    Cause(
        "server_trusts_anybody",
        "the server trusts callers other than the proxy",
        elsewhere(lambda red: red("trust.redirect_not_steered@direct")),
        ("trust.*",),
    ),
    Cause(
        "proxy_trusts_clients",
        "the proxy trusts its clients, and passes on forwarding headers as they wrote them",
        elsewhere(
            lambda red: (
                red("trust.redirect_not_steered@http*") or red.says("application.client_address", "invented")
            )
        ),
        ("trust.*@http", "trust.*@https", "application.client_address@*", "scope.*"),
    ),
    Cause(
        "client_address",
        "the server does not trust the proxy, or the proxy does not send X-Forwarded-For, so every "
        "client has the proxy's address",
        elsewhere(lambda red: red("application.client_address") and not red("scope.client")),
        ("application.client_address@*",),
    ),
    Cause(
        "websocket_path",
        "a WebSocket does not get the path, or the server, that other requests get (a server answers 403 "
        "where no route takes it)",
        elsewhere(lambda red: red.says("websocket.opens", "403")),
        ("websocket.*", "mount.sub_websocket@*", "trust.websocket*"),
    ),
    Cause(
        "websockets",
        "Upgrade does not reach the server, so WebSockets do not open",
        elsewhere(lambda red: red("websocket.opens")),
        ("websocket.*", "mount.sub_websocket@*", "trust.websocket*"),
    ),
)

# In the order of a request's way: whether it arrives, and with which path.
