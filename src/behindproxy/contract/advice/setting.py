"""For which deployment a change is named."""

from dataclasses import dataclass

from .places import Places


@dataclass(frozen=True)
class Setting:
    """The proxy and the server by name, empty where they are not known; `ours` is this repository's stack."""

    proxy: str = ""
    server: str = ""
    ours: bool = False
    prefix: str = ""
    hosts: tuple[str, ...] = ()
    places: Places = Places()  # of this repository's stack, in a copy of it
