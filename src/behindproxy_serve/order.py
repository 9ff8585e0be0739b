"""The middlewares round an application, the outermost first.

The order is the security property: each relies on what stands before it. tests/unit/test_order.py
has it for every server.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from starlette.types import ASGIApp

from .middleware.aliases import Aliases
from .middleware.any_asgi import AnyASGI
from .middleware.bare_prefix import BarePrefix
from .middleware.body_first import BodyFirst
from .middleware.body_limit import BodyLimit
from .middleware.docs import Docs
from .middleware.entry import Entry
from .middleware.forwarded import Forwarded
from .middleware.health import Health
from .middleware.host_guard import HostGuard
from .middleware.leaving import Leaving
from .middleware.observe import Observe
from .middleware.proxy_token import ProxyToken
from .middleware.root_path import RootPath
from .middleware.startup import Startup
from .middleware.whole_body import WholeBody
from .probe import Probe
from .settings import Settings


class Layer(NamedTuple):
    when: Callable[[Settings], bool]
    put: Callable[[ASGIApp, Settings], ASGIApp]  # the middleware round what stands after it


def always(settings: Settings) -> bool:
    return True


def own_options(settings: Settings) -> bool:
    """Return whether the server's own --root-path and --forwarded-allow-ips do what is wanted.

    Gunicorn never reads X-Forwarded-For and makes wss ws; Hypercorn reads neither header. What each
    makes of --root-path is in middleware/root_path.py.
    """
    return settings.app_server in ("uvicorn", "fastapi")


def forwarded(app: ASGIApp, settings: Settings) -> ASGIApp:
    return Forwarded(app, settings.forwarded_allow_ips)


def observed(app: ASGIApp, settings: Settings) -> ASGIApp:
    folder = Path(settings.run_dir) / "metrics"
    return Observe(
        app, settings.api_prefix, folder, settings.app_host, settings.metrics_port, bool(settings.domain)
    )


ORDER = (
    # Outermost, since the servers look at the object itself.
    Layer(lambda s: s.app_server == "fastapi", lambda app, s: AnyASGI(app)),
    Layer(lambda s: s.app_server != "fastapi", lambda app, s: Entry(app)),
    # Client and scheme are right before anything compares, logs or shows them, and nobody sees the token.
    Layer(lambda s: bool(s.proxy_token), lambda app, s: ProxyToken(app, forwarded(app, s), s.proxy_token)),
    Layer(lambda s: not (s.proxy_token or own_options(s)), forwarded),
    # Nothing below sees another spelling of a header that a client may not send.
    Layer(always, lambda app, s: Aliases(app)),
    # So is the path.
    Layer(
        lambda s: not (own_options(s) and s.strip_prefix),
        lambda app, s: RootPath(app, s.api_prefix, s.strip_prefix),
    ),
    # It holds back the end of every response there is, also of those that are made below.
    Layer(lambda s: s.app_server == "hypercorn", lambda app, s: WholeBody(app)),
    # What is made below has the security headers and the request's id, and is logged and counted. No response
    # keeps the process to itself.
    Layer(always, observed),
    # A refusal, too, closes the connection of a container that leaves.
    Layer(lambda s: bool(s.drain_mark), lambda app, s: Leaving(app, s.drain_mark)),
    # Nothing below ever sees a malformed Host.
    Layer(always, lambda app, s: HostGuard(app)),
    # A container that drains says so, whatever the application would.
    Layer(always, lambda app, s: Health(app, s.api_prefix, Path(s.run_dir) / "draining")),
    Layer(always, lambda app, s: BodyLimit(app, s.max_body_bytes)),
    # What it reads ahead of the application counts as well.
    Layer(always, lambda app, s: BodyFirst(app)),
    Layer(lambda s: s.docs != "public", lambda app, s: Docs(app, s.api_prefix, s.docs == "private")),
    # It looks at the application's own response.
    Layer(always, lambda app, s: BarePrefix(app, s.api_prefix)),
    # Of a start alone, and so in no request's way.
    Layer(always, lambda app, s: Startup(app, s.app_module)),
    # Innermost, to show what the application gets.
    Layer(lambda s: s.probe, lambda app, s: Probe(app)),
)
