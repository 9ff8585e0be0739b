"""`behindproxy-serve openapi`: the schema of an application that does not serve it."""

import json
import os
import sys

from .load import load


def run(arguments: list[str]) -> int:
    """Print the OpenAPI schema of `MODULE:ATTRIBUTE`, by default that of APP_MODULE, as JSON; return 0, or 2
    with one line where there is none."""
    name = arguments[0] if arguments else os.environ.get("APP_MODULE", "")
    if len(arguments) > 1 or ":" not in name:
        return _fail(f"openapi {' '.join(arguments)}: name the application, for example openapi app.main:app")
    sys.path.insert(0, os.getcwd())  # as a server finds it
    try:
        application = load(name)
    except Exception as error:  # whatever its import raises
        return _fail(f"openapi {name}: could not be loaded: {type(error).__name__}: {error}")
    schema = getattr(application, "openapi", None)
    if not callable(schema):
        return _fail(
            f"openapi {name}: is a {type(application).__name__}, which has no schema: name the FastAPI object"
        )
    print(json.dumps(schema(), indent=2, ensure_ascii=False))
    return 0


def _fail(line: str) -> int:
    print(" ".join(line.split()), file=sys.stderr)
    return 2
