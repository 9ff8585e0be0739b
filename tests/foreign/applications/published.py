"""Datasette, from PyPI: its links have the prefix by a setting of its own, and the scheme of the request."""

import os
import sys

# Not what Datasette installs. Where it is there, each 404 is printed with all its variables: a second of CPU.
sys.modules["rich"] = None  # type: ignore[assignment]

from datasette.app import Datasette  # noqa: E402

app = Datasette([], memory=True, settings={"base_url": f"{os.environ['BASE_URL']}/"}).app()
