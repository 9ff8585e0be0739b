"""The application that `module:attribute` names."""

from importlib import import_module
from typing import Any, cast

from starlette.types import ASGIApp


def load(name: str) -> ASGIApp:
    """Return the object that `module:attr` names. Raises ImportError or AttributeError."""
    module, _, attributes = name.partition(":")
    found: Any = import_module(module)
    for attribute in attributes.split("."):
        found = getattr(found, attribute)
    return cast(ASGIApp, found)
