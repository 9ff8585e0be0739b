"""Reads `.env` in Compose's dialect, so that every runtime sees what `docker compose` sees.

The rules are compose-go's: comments, `export`, `=` or `:`, single quotes literal, escapes in double
quotes, and `$KEY`, `${KEY}`, `${KEY:-default}`, `${KEY-default}`, `${KEY:+other}`, `${KEY:?error}`
outside single quotes, looked up in the environment first and then in the lines above.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

KEY = re.compile(r"(?:export\s+)?([A-Za-z_][\w.-]*)[ \t]*([=:]|(?=\n|$))")
VARIABLE = re.compile(
    r"\\\$|\$\$|\$(?:(?P<plain>[A-Za-z_]\w*)"
    r"|\{(?P<name>[A-Za-z_]\w*)(?:(?P<mark>:?[-+?])(?P<word>(?:[^{}]|\{[^}]*\})*))?\})"
)
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}


class DotenvError(ValueError):
    """Its text names the line, what is wrong and what works."""


@dataclass(frozen=True)
class Unset:
    """A variable in a value that nothing sets: Compose, and so this, leaves it out."""

    line: int
    key: str
    variable: str  # as it is written


def content_of(path: Path) -> str:
    """Return what the file says. Raise DotenvError where it cannot be read as UTF-8 text."""
    if not path.is_file():  # a named pipe would be waited for
        raise DotenvError(
            f"{path.name} is no file; write lines of KEY=value into one, for example HTTP_PORT=9999"
        )
    try:
        content = path.read_bytes()
        return content.decode()
    except OSError as error:
        raise DotenvError(
            f"{path.name} cannot be read: {error.strerror}; for example chmod u+r {path.name}"
        ) from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DotenvError(
            f"{path.name} line {line}: byte {content[error.start]:#04x} is not UTF-8; save the file as UTF-8"
        ) from None


def parse(text: str, environ: Mapping[str, str], unset: list[Unset] | None = None) -> dict[str, str]:
    """Return the keys and values of a `.env` file's `text`; what nothing sets is added to `unset`.

    Raise DotenvError."""
    values: dict[str, str] = {}
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    before, nul, _ = text.partition("\0")
    if nul:
        raise DotenvError(f".env line {before.count(chr(10)) + 1}: it has a NUL byte; remove it")
    position = 0
    while position < len(text):
        line = text.count("\n", 0, position) + 1
        if skipped := re.compile(r"[ \t\n]+|#[^\n]*").match(text, position):
            position = skipped.end()
            continue
        key = KEY.match(text, position)
        if not key:
            # Not the line itself, which may be part of a secret.
            raise DotenvError(f".env line {line}: it is not KEY=value, for example HTTP_PORT=9999")
        position = key.end()
        if not key[2]:  # a bare KEY passes the environment's value on
            if key[1] in environ:
                values[key[1]] = environ[key[1]]
            continue
        variables: list[str] = []
        value, position = _value(text, position, line, {**values, **environ}, variables)
        values[key[1]] = value
        if unset is not None:
            unset += [Unset(line, key[1], variable) for variable in variables]
    return values


def _value(
    text: str, position: int, line: int, values: Mapping[str, str], unset: list[str]
) -> tuple[str, int]:
    while text[position : position + 1] in (" ", "\t"):
        position += 1
    quote = text[position : position + 1]
    if quote in ("'", '"'):
        body = re.compile(rf"{quote}((?:\\.|[^\\{quote}])*){quote}[ \t]*(#[^\n]*)?(?=\n|$)", re.DOTALL)
        match = body.match(text, position)
        if not match:
            raise DotenvError(f".env line {line}: the {quote} is never closed, or text follows it")
        if quote == "'":
            return match[1].replace("\\'", "'"), match.end()
        raw = re.sub(r"\\(.)", lambda m: m[0] if m[1] == "$" else ESCAPES.get(m[1], m[0]), match[1])
        return expand(raw, values, line, unset), match.end()
    end = text.find("\n", position)
    end = len(text) if end < 0 else end
    raw = re.split(r"(?:^|\s)#", text[position:end], maxsplit=1)[0].strip()
    return expand(raw, values, line, unset), end


def expand(value: str, values: Mapping[str, str], line: int, unset: list[str]) -> str:
    def replace(match: re.Match[str]) -> str:
        if match[0] in ("\\$", "$$"):
            return "$"
        name, mark = match["plain"] or match["name"], match["mark"] or ""
        present = name in values and (values[name] != "" or not mark.startswith(":"))
        if mark.endswith("+"):
            return expand(match["word"], values, line, unset) if present else ""
        if present:
            return values[name]
        if mark.endswith("?"):
            raise DotenvError(f".env line {line}: {name} is required: {match['word']}")
        if mark:
            return expand(match["word"], values, line, unset)
        unset.append(match[0])
        return ""

    return VARIABLE.sub(replace, value)
