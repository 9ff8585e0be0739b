"""What an experiment says of a sentence of the document; docs/claims.md lists them."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

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


def stated() -> dict[str, Statement]:
    """Every statement by the name of its test, in the order of the files."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("test_*.py"))
    modules = [import_module(f"{__package__}.{name}") for name in names]
    members = [member for module in modules for member in vars(module).items()]
    return {name: one.statement for name, one in members if hasattr(one, "statement")}
