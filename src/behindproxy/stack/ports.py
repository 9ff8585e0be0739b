"""Ports that somebody else has."""

import errno
import os
import socket
from collections.abc import Collection

import psutil

from behindproxy_serve.settings import example

from .settings import StackSettings


def refuse_taken(
    settings: StackSettings,
    wanted_ports: dict[str, tuple[str, int]],
    *,
    but: Collection[int] = (),
    by_engine: bool = False,
) -> None:
    """Raise SystemExit, naming the setting and the process, if one of `wanted` (setting: address, port)
    cannot be bound; `by_engine`: a Docker engine is to bind it. `but`: the ports of what runs of this clone,
    of which only the address is looked at."""
    for key, (address, port) in wanted_ports.items():
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            if os.name == "posix":  # as servers do: TIME_WAIT of our own last run is no obstacle
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, 0 if port in but else port))  # 0: any port
            except PermissionError:
                if by_engine:  # below 1024 the engine may what this user may not
                    if free(port):
                        continue
                    raise SystemExit(
                        f"{key}={port}: taken{_holder(port)}; for example {key}={port + 8000}"
                    ) from None
                raise SystemExit(
                    f"{key}={port}: this user may not open it; for example {key}={port + 8000}"
                ) from None
            except OSError as error:
                if error.errno == errno.EADDRNOTAVAIL or "assign" in str(error):
                    raise SystemExit(
                        f"BIND_ADDRESS={address}: this machine has no such address; "
                        f"for example {example('bind_address', StackSettings)}"
                    ) from None
                raise SystemExit(
                    f"{key}={port}: taken{_holder(port)}; for example {key}={_free(port, settings)}"
                ) from None


def lost_address(settings: StackSettings) -> list[str]:
    """Return a line if this machine no longer has BIND_ADDRESS: what is bound there stays, and unreached."""
    address = settings.bind_address
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.bind((address, 0))
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            return [f"BIND_ADDRESS={address}: this machine no longer has it, so nobody connects there"]
    return []


def free(port: int) -> bool:
    """Whether nobody listens at `port` of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _holder(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            at = connection.laddr if connection.status == psutil.CONN_LISTEN else ()
            if at and at.port == port and connection.pid:
                name = psutil.Process(connection.pid).name()
                return f" by {name} (pid {connection.pid})"
    except (psutil.Error, OSError):
        pass  # macOS shows other users' sockets to root alone
    return " by another process"


def _free(port: int, settings: StackSettings) -> int:
    own = {settings.http_port, settings.https_port, settings.direct_port, settings.ops_port}
    for candidate in range(port + 1, min(port + 200, 65535)):
        if candidate not in own and free(candidate):
            return candidate
    return port + 1000
