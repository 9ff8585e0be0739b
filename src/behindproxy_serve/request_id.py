"""The id of the request that is being answered (middleware/observe.py)."""

from contextvars import ContextVar

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
