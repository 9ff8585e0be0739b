"""Configuration as data: a file of it is read, changed where a path leads, and written again."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import tomli_w
import yaml
from pydantic import BaseModel, ConfigDict, model_validator

from behindproxy.stack.render import write

from .template import render

CHANGES = ("set", "delete", "append", "prepend", "remove")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Edit(Strict):
    """One change at `path`: keys with dots between them, where `*` is every key."""

    file: str
    path: str
    set: Any = None  # the value there, new or not
    delete: bool = False
    append: Any = None  # at the end of the list there
    prepend: Any = None
    remove: Any = None  # from the list there

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        if len(self.model_fields_set & {*CHANGES}) != 1:
            raise ValueError(f"{self.path}: needs one of {', '.join(CHANGES)}")
        return self

    def apply(self, document: dict[str, Any]) -> None:
        """Raises ValueError where there is nothing at the path, or nothing to change."""
        *parents, key = self.path.split(".")
        before = json.dumps(document)
        tables = _tables(document, parents, new="set" in self.model_fields_set)
        if "set" not in self.model_fields_set:
            tables = [table for table in tables if key in table]
        for table in tables:
            self._change(table, key)
        if json.dumps(document) == before:
            raise ValueError(f"{self.file} has nothing to change at {self.path}")

    def _change(self, table: dict[str, Any], key: str) -> None:
        match self.model_dump(exclude_unset=True, include={*CHANGES}):
            case {"set": value}:
                table[key] = value
            case {"delete": True}:
                del table[key]
            case {"append": value}:
                table[key] = [*table[key], value]
            case {"prepend": value}:
                table[key] = [value, *table[key]]
            case {"remove": value}:
                table[key] = [one for one in table[key] if one != value]


def _tables(document: Any, keys: list[str], new: bool) -> list[dict[str, Any]]:
    """The tables to which `keys` lead, made where they are `new`."""
    tables = [document]
    for key in keys:
        if new and key != "*":
            for table in tables:
                table.setdefault(key, {})
        inner = [value for table in tables for name, value in table.items() if key in ("*", name)]
        tables = [value for value in inner if isinstance(value, dict)]
    return tables


def read(text: str, name: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """The document in `text`, the templates in it done. Raises ValueError where it does not parse."""
    if name.endswith(".toml"):
        return tomllib.loads(render(text, environ))
    # An anchor's services share objects: copied, a change of one is none of the others'.
    document: dict[str, Any] = json.loads(json.dumps(yaml.safe_load(text)))
    return document


def written(document: dict[str, Any], name: str) -> str:
    return tomli_w.dumps(document) if name.endswith(".toml") else yaml.safe_dump(document, sort_keys=False)


def apply(edits: list[Edit], root: Path, environ: Mapping[str, str]) -> None:
    """Raises ValueError where one does not fit."""
    for name in dict.fromkeys(edit.file for edit in edits):
        path = root / name
        document = read(path.read_text(), name, environ)
        for edit in edits:
            if edit.file == name:
                edit.apply(document)
        write(path, written(document, name))
