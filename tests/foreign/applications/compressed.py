"""The board, with every response compressed by the application: event streams it leaves alone."""

import board
from starlette.middleware.gzip import GZipMiddleware

app = board.app
app.add_middleware(GZipMiddleware, minimum_size=100)
