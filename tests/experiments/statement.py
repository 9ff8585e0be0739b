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
    page: str = PAGE

    @property
    def source(self) -> str:
        return f"{self.page} › {self.heading}"


def statement(heading: str, sentence: str, instead: str = "", page: str = PAGE) -> Callable:
    def mark(function: Callable) -> Callable:
        function.statement = Statement(heading, sentence, instead, page)
        return function

    return mark


def stated(package: str = __package__) -> dict[str, Statement]:
    """Every statement by the name of its test, in the order of the package's files."""
    folder = Path(import_module(package).__file__).parent
    names = sorted(path.stem for path in folder.glob("test_*.py"))
    modules = [import_module(f"{package}.{name}") for name in names]
    members = [member for module in modules for member in vars(module).items()]
    return {name: one.statement for name, one in members if hasattr(one, "statement")}
