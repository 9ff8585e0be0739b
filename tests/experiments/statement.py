"""What an experiment says of a sentence of the document; docs/claims.md lists them."""

from collections.abc import Callable
from dataclasses import dataclass

PAGE = "Behind a Proxy"


@dataclass(frozen=True)
class Statement:
    heading: str
    sentence: str
    # What is so in the versions pinned here; empty where the sentence holds.
    instead: str = ""

    @property
    def source(self) -> str:
        return f"{PAGE} › {self.heading}"


def statement(heading: str, sentence: str, instead: str = "") -> Callable:
    def mark(function: Callable) -> Callable:
        function.statement = Statement(heading, sentence, instead)
        return function

    return mark


def stated(module) -> dict[str, Statement]:
    """The statements of a test module, by the test's name, in its order."""
    return {name: one.statement for name, one in vars(module).items() if hasattr(one, "statement")}
