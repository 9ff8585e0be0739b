"""The board, with the prefix in its code: FastAPI(root_path=)."""

import os

import board

app = board.app
app.root_path = os.environ["ROOT_PATH"]
