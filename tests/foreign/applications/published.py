"""Datasette, from PyPI: its links have the prefix by a setting of its own, and the scheme of the request."""

import os

from datasette.app import Datasette

app = Datasette([], memory=True, settings={"base_url": f"{os.environ['BASE_URL']}/"}).app()
