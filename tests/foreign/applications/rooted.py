"""The shop, with the prefix in its code: FastAPI(root_path=)."""

import os

import shop

app = shop.made(root_path=os.environ["ROOT_PATH"])
