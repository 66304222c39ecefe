"""The location of each value of a spec: file or override, line and column."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol

from declnet.errors import Diagnostic, KeyPath, Place

if TYPE_CHECKING:
    from declnet.spec.document.key_positions import KeyPositions, Syntax

Focus = Literal["key", "value", "table"]
"""The part of a key path to mark: its key, its value, or the header or key of a table."""


class Writer(Protocol):
    """A text that gives values to keys: a file, or an override of the command line."""

    @property
    def name(self) -> str:
        """The file as the user named it, or `--set`."""

    def place_of(self, path: KeyPath, focus: Focus) -> Place | None:
        """Return where a key path is written, or None if it is not in this text."""


@dataclass(frozen=True, eq=False)
class Source:
    """The text of a file.

    Attributes:
        name: the file as the user named it.
        text: its content, without a byte order mark.
    """

    name: str
    text: str
    syntax: Syntax

    @cached_property
    def positions(self) -> KeyPositions:
        """The positions of its keys, computed on first use: never for a valid spec."""
        from declnet.spec.document.key_positions import KeyPositions

        return KeyPositions(self.text, self.syntax)

    def place(self, start: int, end: int) -> Place:
        """Return the place of a range of characters."""
        (line, column), (end_line, end_column) = self._position(start), self._position(end)
        line_end = self.text.find("\n", start)
        text = self.text[start - column + 1 : line_end if line_end >= 0 else None].rstrip("\r")
        return Place(self.name, line, column, end_line, end_column, text)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(newline.end() for newline in re.finditer("\n", self.text))]

    def _position(self, offset: int) -> tuple[int, int]:
        """Return the line and column of a character, both from 1."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def place_of(self, path: KeyPath, focus: Focus) -> Place | None:
        """Return where a key path is written; for a multi-line value, where its key is."""
        spot = self.positions.spot(path)
        if spot is None:
            return None
        start, end = spot.value
        headed = spot.key is not None and start <= spot.key[0] < end
        by_key = focus == "key" or (focus == "table" and not headed)
        if spot.key is not None and (by_key or "\n" in self.text[start:end]):
            start, end = spot.key
        return self.place(start, end)


@dataclass(eq=False)
class Origin:
    """The writer of a value and of its parts.

    Attributes:
        writer: the writer of the value; None if a program made it.
        below: the origins of its parts, by key or position; other parts have the same writer.
    """

    writer: Writer | None = None
    below: dict[str | int, Origin] = field(default_factory=dict)


def value_at(document: Any, path: KeyPath) -> Any:
    """Return the value at a path, or None if there is none."""
    for part in path:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            return None
    return document


@dataclass(eq=False)
class SourceMap:
    """The locations of values in a document made from files and overrides.

    Attributes:
        document: the spec as tables, lists and scalars.
        origin: the writers of the values; the writer of the whole document is the spec file.
        warnings: what was changed in the document when it was validated: keys of earlier versions.
        writers: all writers in the order in which they were merged; a later one takes precedence.
    """

    document: dict[str, Any] = field(default_factory=dict)
    origin: Origin = field(default_factory=Origin)
    warnings: tuple[Diagnostic, ...] = field(default=(), kw_only=True)
    writers: tuple[Writer, ...] = field(default=(), kw_only=True)

    def precedence(self, path: KeyPath) -> int:
        """Return a number that is higher for a value that takes precedence; -1 without a writer."""
        writer = self.writer_of(path)
        return self.writers.index(writer) if writer in self.writers else -1

    def writer_of(self, path: KeyPath) -> Writer | None:
        """Return the writer of the value at a path, or of the innermost value around it."""
        origin = self.origin
        for part in path:
            if part not in origin.below:
                break
            origin = origin.below[part]
        return origin.writer

    def place_of(self, path: KeyPath, focus: Focus = "value") -> Place | None:
        """Return where a path is written, or else where the innermost value around it is."""
        while path:
            value = value_at(self.document, path)
            named = isinstance(value, dict) and isinstance(value.get("type"), str)
            marked = (*path, "type") if named and focus == "value" else path
            place = self.exact_place(marked, focus)
            if place is not None:
                return place
            path = path[:-1]
            around = value_at(self.document, path)
            focus = "table" if isinstance(around, dict) and "type" not in around else "value"
        writer = self.origin.writer
        return Place(writer.name, 1, 1, 1, 1, "") if writer is not None else None

    def exact_place(self, path: KeyPath, focus: Focus = "value") -> Place | None:
        """Return where exactly this path is written, or None if it is a default."""
        writer = self.writer_of(path)
        if writer is None:
            return None
        place = writer.place_of(path, focus)
        if place is None and path[-1:] == ("type",) and self._is_bare_name(path):
            return writer.place_of(path[:-1], "value")
        return place

    def _is_bare_name(self, path: KeyPath) -> bool:
        """Return whether a type may be written as a bare name, to which others may add keys."""
        return any(isinstance(value_at(self.document, part), str) for part in (path, path[:-1]))

    def locate(self, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Return the diagnostics with their places, deduplicated, in the order of the files."""
        placed = [
            diagnostic
            if diagnostic.place is not None
            else replace(diagnostic, place=self.place_of(diagnostic.path, diagnostic.focus))
            for diagnostic in diagnostics
        ]
        order = {name: number for number, name in enumerate(dict.fromkeys(self._names()))}

        def position(diagnostic: Diagnostic) -> tuple[int, int, int, bool]:
            place = diagnostic.place
            if place is None:
                return 0, 0, 0, False
            file = order.get(place.file, len(order))
            return file, place.line, place.column, diagnostic.severity == "warning"

        return tuple(sorted(dict.fromkeys(placed), key=position))

    def _names(self) -> Iterator[str]:
        """Yield the writers' names: the spec file, then the others level by level."""
        waiting = [self.origin]
        while waiting:
            origin = waiting.pop(0)
            if origin.writer is not None:
                yield origin.writer.name
            waiting += origin.below.values()
