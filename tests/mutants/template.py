"""Go's templates as Traefik's file provider has them: what traefik/dynamic/ says under some settings.

Only what the files use is known here; anything else is refused by name.
"""

import json
import re
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

ACTION = re.compile(r"(\s+(?=\{\{-\s))?\{\{(?:-\s)?(.*?)(?:\s-\}\}\s*|\}\})", re.DOTALL)
TOKEN = re.compile(r'\s*("(?:\\.|[^"\\])*"|`[^`]*`|\$\w*|:=|\d+|\w+|[.=|(),])')
BLOCKS = ("if", "with", "range")


class Block(NamedTuple):
    kind: str  # one of BLOCKS, or "" for an action by itself
    words: list[str]
    body: list[Any]
    otherwise: list[Any]


def _fail(reason: str) -> None:
    raise ValueError(reason)


def _and(*values: Any) -> Any:
    return next((value for value in values if not value), values[-1])


def _or(*values: Any) -> Any:
    return next((value for value in values if value), values[-1])


def _printf(form: str, *values: Any) -> str:
    rest = iter(values)
    return re.sub("%[sq]", lambda m: (json.dumps if m[0] == "%q" else str)(next(rest)), form)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "and": _and,
    "append": lambda values, value: [*values, value],
    "eq": lambda one, other: one == other,
    "fail": _fail,
    "first": lambda values: values[0],
    "has": lambda value, values: value in values,
    "join": lambda by, values: by.join(values),
    "list": lambda *values: list(values),
    "mul": lambda *values: int(values[0]) * int(values[1]),
    "ne": lambda one, other: one != other,
    "not": lambda value: not value,
    "or": _or,
    "printf": _printf,
    "regexQuoteMeta": lambda text: re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", text),
    "regexMatch": lambda pattern, text: bool(re.search(pattern, text)),
    "replace": lambda old, new, text: text.replace(old, new),
    "splitList": lambda by, text: text.split(by),
    "trim": lambda text: text.strip(),
    "trimAll": lambda characters, text: text.strip(characters),
}


def render(text: str, environ: Mapping[str, str]) -> str:
    """Return `text` with its actions done. Raises ValueError where one is unknown, or fails."""
    pieces = _pieces(text)
    return _run(_parse(pieces, top=True)[0], ChainMap({"$": None, ".": None}), environ)


def _pieces(text: str) -> Iterator[str | list[str]]:
    """Yield the text between actions, and the words of each action."""
    end = 0
    for match in ACTION.finditer(text):
        yield text[end : match.start()]
        yield _words(match[2])
        end = match.end()
    yield text[end:]


def _words(action: str) -> list[str]:
    words, end = [], 0
    action = action.strip()
    while end < len(action):
        if not (match := TOKEN.match(action, end)):
            raise ValueError(f"a template has {action[end:]!r}, which is unknown here")
        words.append(match[1])
        end = match.end()
    return words


def _parse(pieces: Iterator[str | list[str]], top: bool = False) -> tuple[list[Any], str]:
    """Return what stands up to the matching end or else, and which of the two it is."""
    body: list[Any] = []
    for piece in pieces:
        if isinstance(piece, str):
            body.append(piece)
        elif piece in (["end"], ["else"]):
            return body, piece[0]
        elif piece[0] in BLOCKS:
            inner, how = _parse(pieces)
            body.append(Block(piece[0], piece[1:], inner, _parse(pieces)[0] if how == "else" else []))
        else:
            body.append(Block("", piece, [], []))
    if not top:
        raise ValueError("a block of a template has no end")
    return body, ""


def _run(body: list[Any], scope: ChainMap[str, Any], environ: Mapping[str, str]) -> str:
    out = []
    for piece in body:
        if isinstance(piece, str):
            out.append(piece)
            continue
        names, declares, words = _declared(piece.words)
        value = _pipeline(words, scope, environ)
        if piece.kind == "range":
            for number, one in enumerate(value):
                inner = scope.new_child({".": one, **dict(zip(names[::-1], (one, number), strict=False))})
                out.append(_run(piece.body, inner, environ))
        elif piece.kind:
            dot = {".": value} if piece.kind == "with" and value else {}
            inner = scope.new_child(dot | dict.fromkeys(names, value))
            out.append(_run(piece.body if value else piece.otherwise, inner, environ))
        elif names:
            holder = scope.maps[0] if declares else next(one for one in scope.maps if names[0] in one)
            holder[names[0]] = value
        elif value is not None:
            out.append(str(value).lower() if isinstance(value, bool) else str(value))
    return "".join(out)


def _declared(words: list[str]) -> tuple[list[str], bool, list[str]]:
    """Return the variables before := or =, whether they are new, and what follows."""
    for sign in (":=", "="):
        if sign in words:
            at = words.index(sign)
            return [word for word in words[:at] if word != ","], sign == ":=", words[at + 1 :]
    return [], False, words


def _pipeline(words: list[str], scope: Mapping[str, Any], environ: Mapping[str, str]) -> Any:
    """Return the value of `words`; each command of a pipeline gets the one before as its last argument."""
    functions = {**FUNCTIONS, "env": lambda name: environ.get(name, "")}
    stack: list[tuple[list[Any], list[Any]]] = [([], [])]  # the arguments, and what was piped into them

    def call() -> Any:
        arguments, piped = stack.pop()
        head, rest = arguments[0], [*arguments[1:], *piped]
        return head(*rest) if callable(head) else head

    for word in words:
        if word == "(":
            stack.append(([], []))
        elif word == ")":
            value = call()
            stack[-1][0].append(value)
        elif word == "|":
            stack.append(([], [call()]))
        elif word[0] in '"`':
            stack[-1][0].append(json.loads(word) if word[0] == '"' else word[1:-1])
        elif word.isdigit():
            stack[-1][0].append(int(word))
        elif word in functions or word in scope:
            stack[-1][0].append(functions[word] if word in functions else scope[word])
        else:
            raise ValueError(f"a template has {word!r}, which is unknown here")
    return call()
