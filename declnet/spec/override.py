"""An override, `--set optimizer.learning_rate=0.05`, and where its parts stand."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from declnet.errors import Diagnostic, KeyPath, Place, SpecError
from declnet.spec.nesting import TOO_DEEP, is_too_deep
from declnet.spec.shown import shown

if TYPE_CHECKING:
    from declnet.spec.positions.index import Positions
    from declnet.spec.positions.spot import Spot

SOURCE = "--set"


@dataclass(frozen=True, eq=False)
class Override:
    """A key and the value that it is to have.

    Attributes:
        key: dotted; numbers count list items.
        value: a TOML value, or what a program gave.
        text: as written, `KEY=VALUE`; what a program gave is written so for messages.
        number: which of all overrides, from 1; messages call it the line.
    """

    key: str
    value: Any
    text: str
    number: int = 1

    @property
    def path(self) -> KeyPath:
        """The key in its parts."""
        return tuple(int(part) if _counts(part) else part for part in self.key.split("."))

    def place(self, start: int, end: int) -> Place:
        """Characters of the text, from 0, as people are told of them."""
        return Place(SOURCE, self.number, start + 1, self.number, end + 1, self.text)

    @property
    def key_place(self) -> Place:
        """Where the key stands."""
        start = self.text.find(self.key)
        return self.place(start, start + len(self.key))

    def _part_place(self, number: int) -> Place:
        """Where the key's parts up to one end, from 1."""
        parts = self.key.split(".")
        start = self.text.find(self.key) + len("".join(f"{each}." for each in parts[: number - 1]))
        return self.place(start, start + len(parts[number - 1])) if number else self.key_place

    @cached_property
    def _value_start(self) -> int:
        _, _, value = self.text.partition("=")
        return len(self.text) - len(value.lstrip())

    @cached_property
    def _positions(self) -> Positions:
        from declnet.spec.positions.index import index_document

        return index_document("_=" + self.text[self._value_start :], "toml")

    def place_of(self, path: KeyPath, focus: str) -> Place | None:
        """Where a path stands: at the override's key, at its value, or inside that."""
        if any(str(one) != str(own) for one, own in zip(path, self.path, strict=False)):
            return None
        if len(path) < len(self.path):
            return self._part_place(len(path))
        if focus == "key" and len(path) == len(self.path):
            return self.key_place
        spot: Spot | None = self._positions.spot(("_", *path[len(self.path) :]))
        if spot is None:
            whole = len(path) == len(self.path)
            return self.place(self._value_start, len(self.text)) if whole else None
        span = spot.key if focus == "key" and spot.key is not None else spot.value
        if span.line > 1:
            return self.place(self._value_start, len(self.text))
        end = span.end_column if span.end_line == 1 else len(self.text) - self._value_start + 3
        shift = self._value_start - 3
        return self.place(span.column + shift, end + shift)


def parse_override(text: str, number: int = 1) -> Override:
    """Splits `KEY=VALUE`; a value that is no TOML value is taken as a plain string.

    Raises:
        SpecError: there is no `=`, or no key before it.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        message = f'"{text}" is no override'
        place = Place(SOURCE, number, 1, number, len(text) + 1, text)
        hint = "write it as KEY=VALUE, e.g. training.epochs=10"
        raise SpecError([Diagnostic(message, hint, (), "E005", place=place)])
    try:
        ((_, parsed),) = tomllib.loads(f"value = {value}").items()
    except (ValueError, RecursionError):  # no TOML value, or more than one
        parsed = value.strip()
    if is_too_deep(parsed):
        place = Place(SOURCE, number, 1, number, len(text) + 1, text)
        raise SpecError([Diagnostic(TOO_DEEP, None, (), "E004", place=place)])
    return Override(key.strip(), parsed, text, number)


def override_of(key: str, value: Any, number: int = 1) -> Override:
    """The override that a program gives as a key and a value."""
    text = f'"{value}"' if isinstance(value, str) else shown(value)
    return Override(key, value, f"{key}={text}", number)


def _counts(part: str) -> bool:
    """Whether a part of a key is a position in a list; `²` is a digit too, but no number."""
    return part.isascii() and part.isdecimal() and len(part) < 10
