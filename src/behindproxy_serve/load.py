"""The application that `module:attribute` names."""

import inspect
from importlib import import_module
from typing import Any, cast

from starlette.types import ASGIApp


def load(name: str) -> ASGIApp:
    """Return the object that `module:attribute` names, or what it makes where it is a factory: a function
    that needs no argument. An ASGI application takes three.

    Raise ImportError or AttributeError; TypeError where that is no application; whatever the factory raises.
    """
    module, _, attributes = name.partition(":")
    found: Any = import_module(module)
    for attribute in attributes.split("."):
        found = getattr(found, attribute)
    if is_factory(found):
        found = found()
        if inspect.iscoroutine(found):
            found.close()
            raise TypeError(f"{attributes} is asynchronous; a factory is a plain function")
    if inspect.isclass(found) or not callable(found):
        what = "a class" if inspect.isclass(found) else type(found).__name__
        raise TypeError(f"{attributes} is {what}, and no ASGI application")
    return cast(ASGIApp, found)


def is_factory(found: Any) -> bool:
    if not inspect.isroutine(found) or (inspect.iscoroutinefunction(found) and takes(found, 3)):
        return False
    return takes(found, 0)


def takes(function: Any, arguments: int) -> bool:
    try:
        inspect.signature(function).bind(*range(arguments))
    except (TypeError, ValueError):
        return False
    return True
