"""A FastAPI application behind a proxy that strips a path prefix: run it, check it, explain it."""

__version__ = "0.1.0"
