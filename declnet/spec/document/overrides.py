"""Parsing, locating and applying overrides such as `--set optimizer.learning_rate=0.05`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from declnet.errors import Diagnostic, KeyPath, Place, SpecError, dotted
from declnet.spec.document.document import DEEPEST, TOO_DEEP, too_deep_key, too_deep_path
from declnet.spec.document.source_map import Focus, Origin, SourceMap
from declnet.spec.shown_values import shown

if TYPE_CHECKING:
    from declnet.spec.document.key_positions import KeyPositions

SOURCE = "--set"


@dataclass(frozen=True, eq=False)
class InlineValue:
    """A TOML value on a command line.

    Attributes:
        name: what messages call the argument, e.g. `--set`.
        number: its position among several, from 1; messages show it as the line.
        text: the argument.
        start: where the value begins in it.
    """

    name: str
    number: int
    text: str
    start: int = 0

    def place(self, start: int, end: int) -> Place:
        """Return the place of a range of characters."""
        return Place(self.name, self.number, start + 1, self.number, end + 1, self.text)

    @cached_property
    def _positions(self) -> KeyPositions:
        from declnet.spec.document.key_positions import KeyPositions

        return KeyPositions(f"_={self.text[self.start :]}", "toml")

    def place_of(self, path: KeyPath, focus: Focus) -> Place | None:
        """Return where a path within the value is written; of several lines, the whole value."""
        whole = self.place(self.start, len(self.text))
        spot = self._positions.spot(("_", *path))
        if spot is None:
            return None if path else whole
        by_key = path and focus != "value" and spot.key is not None
        start, end = spot.key if by_key and spot.key is not None else spot.value
        shift = self.start - len("_=")
        if "\n" in self.text[self.start : start + shift]:
            return whole
        lines = self.text[start + shift : end + shift].count("\n")
        return self.place(start + shift, len(self.text) if lines else end + shift)


@dataclass(frozen=True, eq=False)
class Override:
    """A key and its new value.

    Attributes:
        key: the dotted key; numbers are positions in lists.
        value: a TOML value, or any value passed by a program.
        text: `KEY=VALUE`, as written or as it could be written.
        number: its position among the overrides, from 1; messages show it as the line.
    """

    key: str
    value: Any
    text: str
    number: int = 1

    @property
    def name(self) -> str:
        """The name of the overrides' location in messages."""
        return SOURCE

    @property
    def path(self) -> KeyPath:
        """The parts of the key."""
        return tuple(int(part) if _is_position(part) else part for part in self.key.split("."))

    @cached_property
    def _written(self) -> InlineValue:
        value = self.text.partition("=")[2].lstrip()
        return InlineValue(SOURCE, self.number, self.text, len(self.text) - len(value))

    @property
    def key_place(self) -> Place:
        """The place of the whole key."""
        start = self.text.find(self.key)
        return self._written.place(start, start + len(self.key))

    def place_of(self, path: KeyPath, focus: Focus) -> Place | None:
        """Return where a path is written: as part of the key, or in the value."""
        depth = len(self.path)
        if any(str(one) != str(other) for one, other in zip(path, self.path, strict=False)):
            return None
        if 0 < len(path) < depth:
            *before, part = self.key.split(".")[: len(path)]
            start = self.text.find(self.key) + sum(len(outer) + 1 for outer in before)
            return self._written.place(start, start + len(part))
        if not path or (len(path) == depth and focus != "value"):
            return self.key_place
        return self._written.place_of(path[depth:], focus)


def parse_override(text: str, number: int = 1) -> Override:
    """Parse `KEY=VALUE`; a value that is not valid TOML is a string.

    Raises:
        SpecError: there is no `=`, no key before it, or the value is nested too deeply.
    """
    place = Place(SOURCE, number, 1, number, len(text) + 1, text)
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        hint = "write it as KEY=VALUE, e.g. training.epochs=10"
        raise SpecError(
            [Diagnostic(f'"{text}" is not a valid override', hint, (), "E005", place=place)]
        )
    if too_deep_key(value) is not None:
        raise SpecError([Diagnostic(TOO_DEEP, None, (), "E004", place=place)])
    try:
        ((_, parsed),) = tomllib.loads(f"value = {value}").items()
    except (ValueError, RecursionError):  # not TOML, or several values
        parsed = value.strip()
    if too_deep_path(parsed) is not None:
        raise SpecError([Diagnostic(TOO_DEEP, None, (), "E004", place=place)])
    return Override(key.strip(), parsed, text, number)


def override_of(key: str, value: Any, number: int = 1) -> Override:
    """Return the override for a key and value passed by a program."""
    text = f'"{value}"' if isinstance(value, str) else shown(value)
    return Override(key, value, f"{key}={text}", number)


def apply_override(source_map: SourceMap, change: Override) -> Diagnostic | None:
    """Set the value of a key in a document, in place.

    Returns:
        The error if the key is too long, leads through a scalar or past the end of a list.
    """
    place: Any = source_map.document
    origin, path = source_map.origin, change.path
    if len(path) > DEEPEST:
        return Diagnostic(TOO_DEEP, None, path[:1], "E004", focus="key", place=change.key_place)
    for depth, part in enumerate(path):
        outer = dotted(path[:depth])
        if isinstance(place, list):
            if not isinstance(part, int) or part >= len(place):
                hint = f"its items are 0 to {len(place) - 1}" if place else "it is empty"
                return _error(change, f"{outer} has no item {part}", hint)
        elif not isinstance(place, dict):
            return _error(change, f"{outer} is {shown(place)}, which has no keys", None)
        key = str(part) if isinstance(place, dict) else part
        if depth == len(path) - 1:
            place[key] = change.value
            origin.below[key] = Origin(change)
            source_map.writers = (*source_map.writers, change)
        else:
            is_missing = isinstance(place, dict) and key not in place
            if is_missing:
                place[key] = {}
            elif isinstance(place[key], str):
                place[key] = {"type": place[key]}
            writer = change if is_missing else origin.writer
            place, origin = place[key], origin.below.setdefault(key, Origin(writer))
    return None


def _error(change: Override, message: str, hint: str | None) -> Diagnostic:
    return Diagnostic(message, hint, change.path, "E005", focus="key", place=change.key_place)


def _is_position(part: str) -> bool:
    """Return whether a part of a key is a list position; `²` is a digit but not a number."""
    return part.isascii() and part.isdecimal() and len(part) < 10
