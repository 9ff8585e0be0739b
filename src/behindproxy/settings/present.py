"""`behindproxy settings`: the present values, and where each comes from."""

import os
import sys

from behindproxy.stack.paths import PLACES
from behindproxy.stack.settings import (
    StackSettings,
    SwarmSettings,
    given,
    own_keys,
    read_as,
    warnings,
    written,
)
from behindproxy.urls import hidden

from . import pages
from .table import TABLE

PAGES = {"env": lambda: PLACES.named(pages.env()), "md": pages.markdown}


def run(form: str, swarm: bool) -> int:
    """Print the settings in a format. Return 1 where `up` would refuse them."""
    if form in PAGES:
        print(PAGES[form](), end="")
        return 0
    present = given(os.environ)
    file = written(os.environ)
    # These two programs look there by themselves, in this order.
    for row in TABLE.values():
        for origin, values in (("environment", os.environ), (".env", file)):
            if not row.validated and values.get(row.name) and row.name not in present:
                present[row.name] = (values[row.name], origin)
    domain = present.get("DOMAIN", ("",))[0]
    lines = []
    for row in TABLE.values():
        value, origin = present.get(row.name) or row.effective(bool(domain), swarm)
        lines.append((f"{row.name}={hidden(value.replace('${DOMAIN}', domain))}", origin))
    width = max(len(text) for text, _ in lines)
    for text, origin in lines:
        print(f"{text:<{width}}  {origin}")
    own = own_keys(os.environ)
    if own:
        print(f"the application's own, values not shown: {', '.join(sorted(own))}")
    for warning in warnings(os.environ):
        print(PLACES.named(warning))
    try:
        read_as(SwarmSettings if swarm else StackSettings)
    except SystemExit as refusal:
        print(PLACES.named(hidden(str(refusal))), file=sys.stderr)
        return 1
    return 0
