"""What is written from the table: `.env.example` and docs/settings.md."""

import textwrap
from collections.abc import Iterator

from .table import SCOPES, SECTIONS, TABLE, Setting

WIDTH = 110
HEAD = """\
# Copy the lines that you change to .env, then `make up`. Every key is optional, and these are the defaults of
# development (with DOMAIN some are others: docs/production.md); a line with a # before its key is an example.
# `make KEY=value …` and the environment override .env. Any other key belongs to the application:
# `make up` passes it only to the application (except COMPOSE_…, DOCKER_…, GF_… and the like).
"""
PAGE = """\
# Settings

Every key is optional and belongs in `.env`, in Compose's syntax ([.env.example](../.env.example)). The
environment and `make KEY=value` override that file. Run `make up` again to apply a change. Any other key
belongs to the application. `behindproxy settings` prints the current values and where each comes from; in a
clone the command is `PYTHONPATH=src build/venv/bin/python -m behindproxy settings`.

`make docs` writes this page from the fields of src/behindproxy_serve/settings.py and
src/behindproxy/stack/settings.py. The column *for* says what reads a key:
"""


def env() -> str:
    """Return the text of `.env.example`."""
    return HEAD + "".join("\n" + "".join(map(_entry, rows)) for rows in _sections().values())


def _entry(row: Setting) -> str:
    # What Compose and Traefik read themselves has no default that could be written in every case.
    line = f"{row.name}={row.default}" if row.validated else f"#{row.name}={row.example}"
    text = row.sentence if not line.endswith("=") else f"{row.sentence} For example {row.example}"
    comment = textwrap.wrap(text, WIDTH - len("# "), break_on_hyphens=False, break_long_words=False)
    return "".join(f"# {words}\n" for words in comment) + f"{line}\n"


def markdown() -> str:
    """Return the text of docs/settings.md."""
    return "\n".join([PAGE, *(f"- {words}" for words in SCOPES.values()), *_tables(), ""])


def _tables() -> Iterator[str]:
    for section, rows in _sections().items():
        yield from ("", f"## {SECTIONS[section]}", "")
        yield from ("| key | default | for | example | meaning |", "|---|---|---|---|---|")
        for row in rows:
            cells = (f"`{row.name}`", _defaults(row), row.scope, f"`{row.example}`", row.sentence)
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _defaults(row: Setting) -> str:
    parts = [_shown(row.default)]
    if row.production != row.default:
        parts.append(f"with `DOMAIN` {_shown(row.production)}")
    if row.swarm != row.default:
        parts.append(f"in a swarm {_shown(row.swarm)}")
    return "; ".join(parts)


def _shown(value: str) -> str:
    return f"`{value}`" if value else "–"


def _sections() -> dict[str, list[Setting]]:
    return {name: [row for row in TABLE.values() if row.section == name] for name in SECTIONS}
