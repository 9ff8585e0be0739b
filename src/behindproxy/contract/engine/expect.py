"""Assertions that remember what they expected, whether it was observed or not."""

import json
from collections.abc import Mapping
from typing import Any

import httpx

from .check import Level
from .raw import RawAnswer

SHOWN_CHARACTERS = 1500


class Unexpected(AssertionError):
    """A wrong response. Whatever else is raised means that nothing was checked."""

    def __init__(self, what: str, observed: object, expected: object):
        self.cases: list[str] = []
        if isinstance(observed, dict) and isinstance(expected, dict):
            observed, expected = differing(observed, expected)
            self.cases = [str(case) for case in observed]
        self.observed = f"{what}: {text(observed)}"
        self.expected = f"{what}: {text(expected)}"
        super().__init__(f"expected {self.expected}\nobserved {self.observed}")


def differing(
    observed: Mapping[object, object], expected: Mapping[object, object]
) -> tuple[dict[object, object], dict[object, object]]:
    """Only the entries that disagree: nobody should search for one among twenty."""
    keys = [
        key
        for key in {**expected, **observed}
        if observed.get(key, "missing") != expected.get(key, "missing")
    ]
    return (
        {key: observed.get(key, "missing") for key in keys},
        {key: expected.get(key, "missing") for key in keys},
    )


def text(value: object) -> str:
    if value in ({}, [], None):
        return "nothing"
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        result = "".join(f"\n  {key} -> {text(one)}" for key, one in value.items())
    elif isinstance(value, str):
        result = value
    else:
        try:
            result = json.dumps(value, ensure_ascii=False)
        except TypeError:
            result = repr(value)
    return result if len(result) <= SHOWN_CHARACTERS else result[:SHOWN_CHARACTERS] + " …"


class Expect:
    def __init__(self) -> None:
        self.expectations: list[tuple[str, object]] = []
        self.subject = ""  # the application's path, or whatever else the check took
        self.level: Level | None = None  # where this finding is less grave than the check's
        self.fix = ""  # where this finding has one of its own

    def __call__(self, what: str, observed: object, expected: object) -> None:
        if observed != expected:
            raise Unexpected(what, observed, expected)
        self.expectations.append((what, expected))

    def that(self, holds: bool, what: str, *, observed: object, expected: str) -> None:
        if not holds:
            raise Unexpected(what, observed, expected)
        self.expectations.append((what, expected))

    def json(self, answer: httpx.Response | RawAnswer) -> Any:
        """Return the JSON of a 200. Any other response is wrong, not a bug of the check that reads it."""
        self("status", answer.status_code, 200)
        try:
            return answer.json()
        except ValueError as error:
            raise Unexpected("body", answer.text[:200], "JSON") from error

    def html(self, answer: httpx.Response) -> str:
        self("status", answer.status_code, 200)
        kind = answer.headers.get("content-type", "none")
        self.that(kind.startswith("text/html"), "content type", observed=kind, expected="text/html")
        return answer.text

    @property
    def summary(self) -> str:
        return "\n".join(f"{what}: {text(expected)}" for what, expected in self.expectations)
