"""One of the others, with the probe in front: what the application sees is then in a response."""

import os
from importlib import import_module

from behindproxy_serve.probe import Probe

app = Probe(import_module(os.environ["PROBED"]).app)
