"""What is asked of `behindproxy new`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Request:
    folder: str  # as it was typed
    module: str = ""
    prefix: str = ""
    overwrite: bool = False
