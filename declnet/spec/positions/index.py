"""The index of a text: from key paths to where they stand."""

from __future__ import annotations

from functools import cached_property

from declnet.errors import KeyPath
from declnet.spec.positions.duplicate import Duplicate
from declnet.spec.positions.entry import Entry
from declnet.spec.positions.json_numbers import with_known_numbers
from declnet.spec.positions.json_reader import JsonReader
from declnet.spec.positions.lines import Lines
from declnet.spec.positions.reader import Reader
from declnet.spec.positions.repetition import Repetition
from declnet.spec.positions.span import Span
from declnet.spec.positions.spot import Spot
from declnet.spec.positions.syntax_tree import Syntax, visit_tree
from declnet.spec.positions.toml_reader import TomlReader


class Positions:
    """Where the keys and values of one text stand; made by `index_document`."""

    def __init__(self, lines: Lines, reader: Reader) -> None:
        self._lines = lines
        self._entries = reader.entries
        self._root = reader.root
        self._repetitions = reader.repetitions
        self._nesting = reader.nesting

    def spot(self, path: KeyPath) -> Spot | None:
        """Where a key path stands, or None if the text does not give that very path.

        The empty path is the document: a TOML text's whole, a JSON text's value.
        """
        entry: Entry | None = self._root
        for part in path:
            if entry is not None:
                entry = self._entries.get(entry, part)
        if entry is None:
            return None
        key = None if entry.key is None else self._lines.span(entry.key)
        return Spot(key, self._lines.span(entry.value))

    @cached_property
    def duplicates(self) -> tuple[Duplicate, ...]:
        """What stands twice, in the order of the text.

        Of each path the first is kept, the rest are duplicates. If a path leads through a value,
        e.g. `[a.b]` after `a = 1`, then that value's path is what is given twice. One path may
        have several, and one may be inside of another's stretch. Of a text that is much too
        deep, paths are too long to list: ask `too_deep` first.
        """
        return tuple(map(self._duplicate, self._repetitions))

    @property
    def deepest(self) -> int:
        """Of the tables and lists, the longest path; 0 if there are only scalars."""
        return self._nesting.deepest

    def too_deep(self, limit: int) -> Span | None:
        """Where the first table or list stands whose path is longer than a limit, from 0.

        That is its opening bracket or brace, or the part of a key that makes it.
        """
        where = self._nesting.deeper_than(limit)
        return None if where is None else self._lines.span(where)

    def _duplicate(self, repetition: Repetition) -> Duplicate:
        return Duplicate(
            repetition.entry.path(),
            self._lines.span(repetition.first),
            self._lines.span(repetition.second),
            self._lines.offset(repetition.blank[0]),
            self._lines.offset(repetition.blank[1]),
        )


def index_document(text: str, syntax: Syntax) -> Positions:
    """Finds where each key path of a text stands.

    Args:
        text: decoded, without a byte order mark. What is malformed is indexed as far as
            possible, and never an error.
        syntax: `"toml"` or `"json"`.
    """
    lines = Lines(text)
    if syntax == "toml":
        return _read(lines, TomlReader(lines.source), lines.source, syntax)
    return _read(lines, JsonReader(lines.source), with_known_numbers(lines.source), syntax)


def _read(lines: Lines, reader: Reader, source: bytes, syntax: Syntax) -> Positions:
    visit_tree(source, syntax, reader)
    return Positions(lines, reader)
