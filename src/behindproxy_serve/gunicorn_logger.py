"""Gunicorn's `--logger-class`: its own option for a logging file sets the root logger too, and then an
application's basicConfig() does nothing."""

import json
from logging.config import dictConfig
from typing import Any

from gunicorn import glogging

from .server import LOGGING

AFTER_RESPONSE = "Exception after response complete"


class Logger(glogging.Logger):  # type: ignore[misc]
    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        dictConfig(json.loads(LOGGING.read_text()))

    def debug(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Write of an error after the response as the other servers do: Starlette answers 500 before it
        raises, and Gunicorn takes that for a client that has left."""
        if isinstance(msg, str) and msg.startswith(AFTER_RESPONSE):
            self.exception("Error in ASGI application")
        else:
            super().debug(msg, *args, **kwargs)
