"""What `behindproxy new` and `behindproxy update` are called with."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Request:
    folder: str  # as it was typed
    module: str = ""
    prefix: str = ""
    parts: tuple[str, ...] = ()  # of PARTS, beside the deployment itself
    only_update: bool = False
    index: bool | None = None  # whether the tool comes from an index; None: as it is


# What a copy has only where it is named: --with.
PARTS = ("swarm", "observability", "kubernetes")
