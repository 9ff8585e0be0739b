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
    target: Any = import_module(module)
    for attribute in attributes.split("."):
        target = getattr(target, attribute)
    if is_factory(target):
        target = target()
        if inspect.iscoroutine(target):
            target.close()
            raise TypeError(f"{attributes} is asynchronous; a factory is a plain function")
    if inspect.isclass(target) or not callable(target):
        what = "a class" if inspect.isclass(target) else type(target).__name__
        raise TypeError(f"{attributes} is {what}, and no ASGI application")
    return cast(ASGIApp, target)


def is_factory(target: Any) -> bool:
    if not inspect.isroutine(target) or (inspect.iscoroutinefunction(target) and takes(target, 3)):
        return False
    return takes(target, 0)


def takes(function: Any, arguments: int) -> bool:
    try:
        inspect.signature(function).bind(*range(arguments))
    except (TypeError, ValueError):
        return False
    return True
