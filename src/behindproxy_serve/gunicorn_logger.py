"""Gunicorn's `--logger-class`: its own option for a logging file sets the root logger too, and then an
application's basicConfig() does nothing."""

import json
from logging.config import dictConfig
from typing import Any

from gunicorn import glogging

from .server import LOGGING


class Logger(glogging.Logger):  # type: ignore[misc]
    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        dictConfig(json.loads(LOGGING.read_text()))
