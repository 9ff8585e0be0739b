"""Serves an ASGI application behind a proxy: the launcher of each server, and the middlewares round it."""

__version__ = "0.1.0"
