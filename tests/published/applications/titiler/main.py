"""TiTiler's own application."""

from titiler.application.main import app

__all__ = ["app"]
